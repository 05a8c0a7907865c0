package cli

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/viz"
)

// invert returns the command invert: it finds the codes of images by gradient descent.
func (a *app) invert() *cobra.Command {
	var (
		from modelSource
		pick inputFlags
		seed uint64
		save string
		out  string
	)
	o := latent.DefaultInversion()
	c := &cobra.Command{
		Use:   "invert <run> [<image>...]",
		Short: "Find the codes whose decoded images are nearest to given images",
		Long: `invert finds, for each image, the code whose decoded image is nearest to it, by gradient descent (Adam) on the mean
squared difference of the pixels. No encoder is needed, so it works for a GAN. The images are picture files,
cropped and resized to fit the model, or images of the set: those of --index, or the first.

Descent starts from several codes: of a few hundred codes drawn from the prior, those whose images are nearest, and
the code of the encoder if the model has one. The best result counts. --noise is the standard deviation of a pixel
that is expected between an image and its decoded code, as a part of the range of a pixel: the result is then the most
probable code under the prior N(0, I). With 0 the prior is ignored.

Each image is drawn beside its decoded code and the difference of the two. The error and PSNR, −10 log10 of the error,
are printed, and the length of the code: codes drawn from the prior have lengths near the square root of the number of
units.`,
		Example: `  imago invert dcgan-mnist-001
  imago invert dcgan-faces-001 me.jpg --steps 1000 --restarts 8 --save me.npz`,
		Args: argCount(0, -1, "a run, and images if wanted"),
	}
	f := c.Flags()
	f.IntVar(&o.Steps, "steps", o.Steps, "`steps` of gradient descent")
	f.IntVar(&o.Starts, "restarts", o.Starts, "`number` of codes to start from; the best result counts")
	f.Float64Var(&o.Rate, "rate", o.Rate, "learning `rate` of Adam in the first step; it falls to 0")
	f.Float64Var(&o.Noise, "noise", o.Noise, "expected standard `deviation` of a pixel, whose range is 1, which sets the weight of the prior; 0 ignores the prior")
	seedFlag(c, &seed, "the initial codes")
	f.StringVar(&save, "save", "", ".csv, .json, .jsonl, .parquet or .npz `file` to write the codes to; - for CSV on standard output")
	outFlag(c, &out, "invert.png")
	pick.addFlags(c, 8)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		args, files := runAndFiles(args, &from)
		if err := cmp.Or(atLeast("steps", o.Steps, 1), inversionRange(o), checkPNGName(out), checkTableFile("save", save, ".npz"), pick.check(files)); err != nil {
			return usage(c, err)
		}
		o.Key = latent.SampleKey(seed).Split("invert")
		o.Draws = max(o.Draws, o.Starts)
		table := a.redirect(save)
		m, images, err := a.openModelAndInputs(c, args, &from, &pick, files)
		if err != nil {
			return err
		}
		defer m.Close()
		x, err := images.pixels(c.Context())
		if err != nil {
			return err
		}
		z, pictures, err := a.invertImages(c.Context(), m, images.images, o)
		if err != nil {
			return err
		}
		n, img, size := images.images.Len(), m.Item(), m.Item().Size()
		sheet := sheetBuffer{img: img}
		w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
		fmt.Fprintf(w, "image\tmean squared error\tPSNR\tlength of the code\n")
		for i := range n {
			difference := make([]float32, size)
			for k := range difference {
				difference[k] = float32(math.Abs(float64(x[i*size+k] - pictures[i*size+k])))
			}
			sheet.add(x, i, 1)
			sheet.add(pictures, i, 1)
			sheet.add(difference, 0, 1)
			mse := latent.MeanSquared(x[i*size:(i+1)*size], pictures[i*size:(i+1)*size])
			code := z[i*m.Latent() : (i+1)*m.Latent()]
			length := latent.Euclidean(code, make([]float32, len(code)))
			fmt.Fprintf(w, "%s\t%.5f\t%.2f dB\t%.2f\n", screen.Name(images.names[i]), mse, -10*math.Log10(mse), length)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		picture, err := viz.Sheet(img, sheet.pix, n, 3, viz.SheetOptions{Title: images.title + ": the nearest that the model makes", Note: m.note("difference: the size of the error of each value"), Rows: images.names, Cols: []string{"image", "decoded code", "difference"}, Lead: 1, Tail: 1})
		if err != nil {
			return err
		}
		if save != "" {
			if err := a.saveCodes(table, save, m, images, z); err != nil {
				return err
			}
		}
		return a.writePNG(out, picture, "%s beside the nearest images of %s", english.Plural(n, "image"), m.name)
	}
	return c
}

// inversionRange returns an error if a number of o is outside its range.
func inversionRange(o latent.Inversion) error {
	const most = 4096
	switch {
	case o.Starts < 1 || o.Starts > most:
		return fmt.Errorf("--restarts %d: want 1 to %d", o.Starts, most)
	case !(o.Rate > 0) || math.IsInf(o.Rate, 0):
		return fmt.Errorf("--rate %v: want a number above 0, as 0.1", o.Rate)
	case !(o.Noise >= 0 && o.Noise <= 1):
		return fmt.Errorf("--noise %v: want 0 to 1, as 0.1", o.Noise)
	}
	return nil
}

// saveCodes writes the codes of images to a file in the format of encode, or to out if name is standard output.
func (a *app) saveCodes(out io.Writer, name string, m *trainedModel, images *inputImages, z []float32) error {
	n := images.images.Len()
	k := codes{units: m.Latent(), mean: z, set: &data.Set{}, Split: data.Split{Items: images.images}}
	if images.index == nil && images.z == nil { // they are files
		k.Origins = data.Origins{Files: images.names, Alone: true}
	}
	if !strings.EqualFold(filepath.Ext(name), ".npz") {
		return a.writeTable(out, name, n, k.columns(), "the codes of %s by %s", english.Plural(n, "image"), m.name)
	}
	if err := atomicfile.Write(name, k.npz); err != nil {
		return fmt.Errorf("invert: %w", err)
	}
	a.printWritten(name, "the codes of %s by %s", english.Plural(n, "image"), m.name)
	return nil
}
