package cli

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/export"
	"github.com/imago-ml/imago/export/hub"
	"github.com/imago-ml/imago/formats/onnx"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
)

// An exportFormat is a row of the table of what imago export writes.
type exportFormat struct {
	name, about string
	out         string // the preset of --out
	// check returns an error if the options do not fit the format. It is called before the model is opened; nil = all do.
	check func(o *exportOptions) error
	// write writes the model and returns, for each thing written, its name and what it holds.
	write func(ctx context.Context, t *train.Trained, o *exportOptions) ([]export.Written, error)
}

// exportOptions are the flags that the formats share.
type exportOptions struct {
	out       string
	networks  []string // names; nil = all that the format takes
	precision string   // a value of exportPrecisions
}

// exportPrecisions are the values of --precision.
var exportPrecisions = []string{onnx.Float32.String(), onnx.Float16.String()}

// exportFormats returns the table of formats, in the order of the help.
func exportFormats() []exportFormat {
	return []exportFormat{
		{name: "onnx", about: "an ONNX model for each network, for any ONNX runtime", out: "onnx", check: checkONNX, write: writeONNX},
		{name: "hub", about: "a folder for a hub of models: safetensors, card, thumbnail, and a loader in PyTorch", out: "hub", check: wholeModel, write: func(ctx context.Context, t *train.Trained, o *exportOptions) ([]export.Written, error) {
			return hub.Write(ctx, t, o.out)
		}},
		{name: "html", about: "one page that shows the model at work in a browser, without a server", out: "model.html", check: checkPage, write: writePage},
	}
}

// checkONNX returns an error if --out can be neither the folder nor the file of ONNX models.
func checkONNX(o *exportOptions) error { return checkFolder("out", filepath.Clean(o.out)) }

// writeONNX writes the networks that are asked for.
func writeONNX(ctx context.Context, t *train.Trained, o *exportOptions) ([]export.Written, error) {
	networks, err := export.Select(export.Networks(t), o.networks...)
	if err != nil {
		return nil, err
	}
	precision := onnx.Float32
	if o.precision == onnx.Float16.String() {
		precision = onnx.Float16
	}
	return export.ONNX(ctx, t, networks, o.out, precision)
}

// export returns the command export: it writes a trained model in a format of other programs.
func (a *app) export() *cobra.Command {
	var (
		from modelSource
		o    exportOptions
		to   string
	)
	formats := exportFormats()
	var names, lines []string
	for _, f := range formats {
		names = append(names, f.name)
		lines = append(lines, fmt.Sprintf("  %-6s%s", f.name, f.about))
	}
	c := &cobra.Command{
		Use:   "export <run or weights file>",
		Short: "Write a trained model for other programs: as ONNX, as a page, for a hub",
		Long: `export writes a trained model in a format of other programs:

` + strings.Join(lines, "\n") + `

A model has some of the networks encoder, decoder, autoencoder, sampler, classifier and discriminator; one without an
encoder has a generator in place of a decoder. An ONNX file has the inputs and outputs that imago has: images are
(batch, rows, columns, channels) in 0 to 1, and the file says what each holds, which data and step it is of, and the
names of the labels. Random numbers are inputs. With --precision float16 a file is half as large; its inputs and
outputs stay float32.

A page is one file that a browser opens from the disk: it has the weights inside and asks the network for nothing.`,
		Example: `  imago export latest --to onnx
  imago export cnn-vae-mnist-001 --networks decoder --out decoder.onnx
  imago export weights.safetensors --precision float16 --out small/
  imago export latest --to html --out model.html`,
		Args: argCount(0, 1, "a run or a weights file"),
	}
	f := c.Flags()
	f.StringVar(&to, "to", names[0], "`format`: "+strings.Join(names, ", "))
	f.StringVar(&o.out, "out", "", "`file` or folder to write (default by the format)")
	f.StringSliceVar(&o.networks, "networks", nil, "`names` of networks, with commas between (default all)")
	f.StringVar(&o.precision, "precision", exportPrecisions[0], "`type` of the weights: "+strings.Join(exportPrecisions, " or "))
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := cmp.Or(oneOf("to", to, names...), oneOf("precision", o.precision, exportPrecisions...)); err != nil {
			return usage(c, err)
		}
		var format exportFormat
		for _, f := range formats {
			if f.name == to {
				format = f
			}
		}
		o.out = cmp.Or(o.out, format.out)
		if format.check != nil {
			if err := format.check(&o); err != nil {
				return usage(c, err)
			}
		}
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		written, err := format.write(c.Context(), m.trained(), &o)
		for _, w := range written {
			a.printWritten(w.Name, "%s", w.About)
		}
		return err
	}
	return c
}

// trained returns the model as package train opens it. Of weights with --recipe, the configuration has the recipe alone.
func (m *trainedModel) trained() *train.Trained {
	if m.opened != nil {
		return m.opened
	}
	return &train.Trained{Session: m.Session, Config: runlog.Config{Recipe: m.recipe}, Path: m.path}
}

// wholeModel returns an error if options ask for a part of the model: it is for formats that hold all of it, as it is.
func wholeModel(o *exportOptions) error {
	if len(o.networks) > 0 || o.precision != exportPrecisions[0] {
		return fmt.Errorf("--to hub writes the whole model in float32: leave --networks and --precision out")
	}
	return nil
}
