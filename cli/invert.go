package cli

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/viz"
)

// invert seeks the codes of images by descent.
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
		Short: "Find the codes whose pictures are nearest to images",
		Long: `invert seeks, for each image, the code that the model makes a picture of which is nearest to it: by descent (Adam) from several
codes on the mean squared difference of the pixels. No encoder is needed, as a GAN has none. The images are PNG and JPEG files,
cropped and resized to fit the model, or images of the set: those of --index, or the first.

Of a few hundred codes drawn from the prior those begin whose pictures are nearest, and what the encoder says if there is one;
the best result counts. How far a code may be from the prior N(0, I) is told by --noise, the difference of pixels that is to
be expected of an image, in parts of their range: the code sought is then the most probable one. With 0 the prior does not count.

Each image is drawn beside its picture and the difference of the two. The error and PSNR, −10 log10 of the error, are printed,
with the length of the code: draws from the prior have lengths near the square root of the number of units.`,
		Example: `  imago invert dcgan-mnist-001
  imago invert dcgan-faces-001 me.jpg --steps 1000 --restarts 8 --save me.npz`,
		Args: argCount(0, -1, "a run, and images if wanted"),
	}
	f := c.Flags()
	f.IntVar(&o.Steps, "steps", o.Steps, "`steps` of descent")
	f.IntVar(&o.Starts, "restarts", o.Starts, "`number` of codes to begin at, of which the best counts")
	f.Float64Var(&o.Rate, "rate", o.Rate, "`rate` of Adam in the first step; it falls to 0")
	f.Float64Var(&o.Noise, "noise", o.Noise, "standard `deviation` of a pixel from the picture, of a range of 1, against which the prior is weighed; 0 leaves the prior out")
	f.Uint64Var(&seed, "seed", 0, "`seed` of the draw")
	f.StringVar(&save, "save", "", "CSV, Parquet or NPZ `file` to write the codes to")
	f.StringVar(&out, "out", "invert.png", "PNG `file` to write")
	pick.addFlags(c, 8)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		args, files := runAndFiles(args, &from)
		for _, err := range []error{atLeast("steps", o.Steps, 1), inversionRange(o), checkPNGName(out), pick.check(files)} {
			if err != nil {
				return usage(c, err)
			}
		}
		if save != "" {
			if err := checkFileName("save", save, ".csv", ".parquet", ".npz"); err != nil {
				return usage(c, err)
			}
		}
		o.Key = sampleKey(seed).Split("invert")
		o.Draws = max(o.Draws, o.Starts)
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		images, err := a.openInputs(c, m, &pick, files)
		if err != nil {
			return err
		}
		x, err := images.pixels(c.Context())
		if err != nil {
			return err
		}
		z, pictures, err := a.invertImages(c.Context(), m, images.images, o)
		if err != nil {
			return err
		}
		n, img, size := images.images.Len(), m.Image(), m.Image().Size()
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
			fmt.Fprintf(w, "%s\t%.5f\t%.2f dB\t%.2f\n", images.names[i], mse, -10*math.Log10(mse), length)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		picture, err := viz.Sheet(sheet.pix, n, 3, img.H, img.W, img.C, viz.SheetOptions{Title: images.title, Rows: images.names, Cols: []string{"image", "picture of its code", "difference"}, Lead: 1, Tail: 1})
		if err != nil {
			return err
		}
		if save != "" {
			if err := a.saveCodes(save, m, images, z); err != nil {
				return err
			}
		}
		return a.writePNG(out, picture, "%s beside the nearest pictures of %s", plural(n, "image"), m.name)
	}
	return c
}

// inversionRange checks the numbers that may lie in a range.
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

// saveCodes writes codes of images to a file, as encode does.
func (a *app) saveCodes(name string, m *trainedModel, images *inputImages, z []float32) error {
	n := images.images.Len()
	k := codes{units: m.Latent(), mean: z, Split: data.Split{Items: images.images}}
	if !strings.EqualFold(filepath.Ext(name), ".npz") {
		return a.writeTable(name, n, k.columns(), "the codes of %s by %s", plural(n, "image"), m.name)
	}
	if err := atomicfile.Write(name, k.npz); err != nil {
		return fmt.Errorf("invert: %w", err)
	}
	a.printWritten(name, "the codes of %s by %s", plural(n, "image"), m.name)
	return nil
}
