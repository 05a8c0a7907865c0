package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/internal/weightfile"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/transfer"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// importFlags are the flags of the command import.
type importFlags struct {
	out, key        string
	mapFile, mapOut string
	missing         bool
	seed            uint64
	shape           string
	labels          int
	data, dataDir   string
	noCache         bool
	options         *modelFlags
}

// maxMapBytes is how long a map that is read may be.
const maxMapBytes = 64 << 20

// importWeights returns the command import: it gives a recipe the weights that another program trained.
func (a *app) importWeights() *cobra.Command {
	var s importFlags
	c := &cobra.Command{
		Use:   "import <recipe> <file>...",
		Short: "Take the weights of a PyTorch or Keras model",
		Long: `import finds which array of a file belongs to which parameter of a recipe's model, prints the table, and with --out
writes a file of weights that all other commands open. Files of torch.save (.pth, .pt), safetensors and NumPy's .npz
are read, and nothing in them is executed. With several files, as of a generator and a discriminator, each array has the
name of its file before its own.

Where the shapes, the names and the order leave a doubt, the command fails and prints the candidates: --map-out writes
the table as JSON, to be corrected, and --map reads it again. What a file of weights does not say must agree with
the recipe: activations, and how convolutions pad (see docs/import.md).`,
		Example: `  imago import cnn-vae model.pth
  imago import cnn-vae model.pth --data mnist --out cnn.safetensors
  imago import mlp-vae vae.safetensors --hidden 400 --latent 20 --out vae-weights.safetensors
  imago import dcgan netG.pth netD.pth --out dcgan.safetensors
  imago import cnn-vae model.npz --map-out map.json
  imago import cnn-vae model.npz --map map.json --out cnn.safetensors`,
		Args: argCount(2, -1, "a recipe and a file of weights"),
	}
	f := c.Flags()
	f.StringVar(&s.out, "out", "", "safetensors `file` to write the weights to")
	f.StringVar(&s.mapFile, "map", "", "`file` of a table that --map-out wrote, to go by in place of the shapes")
	f.StringVar(&s.mapOut, "map-out", "", "`file` to write the table to, as JSON")
	f.StringVar(&s.key, "key", "", "`key` of the dictionary in a file of torch.save, as state_dict (default all that hold tensors)")
	f.BoolVar(&s.missing, "missing", false, "give parameters that are not in the files the initial values of a new model, in place of an error")
	seedFlag(c, &s.seed, "the values that --missing gives")
	shapeFlag(c, &s.shape, "")
	f.IntVar(&s.labels, "labels", defaultLabels, "without --data, for a conditional model: `number` of classes or attributes of an image")
	f.StringVar(&s.data, "data", "", "data `set` that the model was trained on, by name or path: commands then take it for the model's own")
	dataDirFlag(c, &s.dataDir)
	noCacheFlag(c, &s.noCache)
	s.options = a.addModelFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := cmp.Or(atLeast("labels", s.labels, 0), checkOptionalFile("out", s.out, ".safetensors"), checkOptionalFile("map-out", s.mapOut, ".json")); err != nil {
			return usage(c, err)
		}
		config, m, err := a.importedModel(c, &s, args[0])
		if err != nil {
			return err
		}
		files, err := weightfile.Open(args[1:], s.key)
		if err != nil {
			return err
		}
		defer files.Close()
		found, doubt := s.find(m, files)
		if found == nil {
			return doubt
		}
		if doubt != nil {
			a.out = a.err // a command that fails has no results
		}
		if err := printMap(a.out, found); err != nil {
			return err
		}
		for _, note := range found.Notes {
			a.warn("%s", note)
		}
		if s.mapOut != "" {
			if err := writeMap(s.mapOut, found); err != nil {
				return err
			}
			a.printWritten(s.mapOut, "the table of %s", english.Plural(len(found.Entries), "parameter"))
		}
		if doubt != nil {
			if s.mapOut == "" {
				doubt = fmt.Errorf("%w; write the table with --map-out, correct it, and give it with --map", doubt)
			}
			return doubt
		}
		if s.out == "" {
			return nil
		}
		return a.writeImported(&s, config, m, found, files)
	}
	return c
}

// importedModel returns the model that the weights are for, and its configuration.
func (a *app) importedModel(c *cobra.Command, s *importFlags, recipe string) (config runlog.Config, m *model.Model, err error) {
	rec, cfg, err := a.configure(recipe, s.options)
	if err != nil {
		return config, nil, usage(c, err)
	}
	img := imageOf(rec)
	if s.shape != "" {
		if img, err = parseShape(s.shape); err != nil {
			return config, nil, usage(c, err)
		}
	}
	if s.data == "" {
		config, err = runlog.NewImported(rec, cfg, img, s.labels)
	} else {
		opt := data.Options{DataDir: s.dataDir, NoCache: s.noCache, Progress: a.err, Input: c.InOrStdin()}
		if h, w, channels, bad := medium.HWC(img); bad == nil && h == w && s.shape != "" {
			opt.Size, opt.Gray = h, channels == 1
		}
		set, err := a.Data.Open(c.Context(), s.data, opt)
		if err != nil {
			return config, nil, err
		}
		a.printNotes(set, false)
		config, err = runlog.NewConfig(rec, cfg, set, s.data, opt)
		if err != nil {
			return config, nil, err
		}
	}
	if err == nil {
		m, err = config.Build(&a.Models)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", rec.Name, err)
	}
	return config, m, err
}

// find returns the map that --map names, or the one that is found; with an error if that leaves a doubt.
func (s *importFlags) find(m *model.Model, files *weightfile.File) (*transfer.Map, error) {
	if s.mapFile == "" {
		return transfer.Find(m, files.File, s.missing)
	}
	info, err := os.Stat(s.mapFile)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxMapBytes {
		return nil, fmt.Errorf("--map %s: %d bytes, want %d or fewer", s.mapFile, info.Size(), maxMapBytes)
	}
	b, err := os.ReadFile(s.mapFile)
	if err != nil {
		return nil, err
	}
	found, err := transfer.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("--map %s: %w", s.mapFile, err)
	}
	return found, nil
}

// printMap prints a map as a table.
func printMap(out io.Writer, m *transfer.Map) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "Parameter\tShape\tArray\tSteps\tFound by")
	for _, e := range m.Entries {
		from := screen.Name(e.From)
		switch {
		case e.From == "" && len(e.As) > 0:
			from = "-"
		case e.From == "":
			from = "? " + screen.Name(strings.Join(e.Candidates, " or "))
		}
		fmt.Fprintf(w, "%s\t%v\t%s\t%s\t%s\n", e.Param, e.Shape, from, cmp.Or(screen.Name(strings.Join(e.As, "; ")), "-"), screen.Name(e.Why))
	}
	if err := w.Flush(); err != nil || len(m.Unused) == 0 {
		return err
	}
	_, err := fmt.Fprintln(out, "not used:", screen.Name(strings.Join(m.Unused, ", ")))
	return err
}

// writeMap writes a map as JSON.
func writeMap(name string, m *transfer.Map) error {
	b, err := m.Encode()
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(name, b)
}

// writeImported writes the weights that the map makes of the files.
func (a *app) writeImported(s *importFlags, config runlog.Config, m *model.Model, found *transfer.Map, files *weightfile.File) error {
	key := rng.New(s.seed).Split("init")
	weights, err := found.Apply(m, files.File, func(p nn.Param) *tensor.Tensor { return p.Draw(key) })
	if err != nil {
		return err
	}
	raw, err := config.Encode("")
	if err != nil {
		return err
	}
	err = ckpt.WriteWeights(s.out, &ckpt.Checkpoint{Weights: weights, State: ckpt.State{Imago: config.Imago, Recipe: config.Recipe, Config: raw}})
	if errors.Is(err, ckpt.ErrNotFinite) {
		return fmt.Errorf("the files hold a value that is no number: %w", err)
	}
	if err != nil {
		return err
	}
	a.printWritten(s.out, "%s of %s", english.Plural(len(weights), "parameter"), config.Recipe)
	return nil
}
