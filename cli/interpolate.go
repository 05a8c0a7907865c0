package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/viz"
)

// latentPaths are the ways from one code to another that --path takes.
var pathByName = map[string]latent.Interpolation{"linear": latent.Linear, "spherical": latent.Spherical}

// interpolate draws what lies between images.
func (a *app) interpolate() *cobra.Command {
	var (
		from  modelSource
		pick  inputFlags
		steps int
		path  string
		out   string
	)
	c := &cobra.Command{
		Use:   "interpolate <run> [<image> <image>...]",
		Short: "Draw what lies between two images",
		Long: `interpolate encodes images two by two, and decodes codes on the way from each to the next: along the straight line and along
the great circle (Slerp), a row each. The images are PNG and JPEG files, cropped and resized to fit the model, or images of
the set: those of --index, or the first. At the ends of a row stand the images themselves.

With --seeds, and of a model without an encoder, as a GAN, where no images are named, it starts from codes drawn from the prior:
from each of the seeds to the next. Codes of images that are named for such a model are found by descent, as imago invert does.

Draws from the prior of many units lie near a sphere, and the straight line between two of them leaves it; between the means
of two images the two ways often look alike.`,
		Example: `  imago interpolate latest
  imago interpolate latest --index 7,2 --steps 16
  imago interpolate face-vae-celeba-001 me.jpg you.jpg --path spherical
  imago interpolate dcgan-mnist-001 --seeds 3,7,11`,
		Args: argCount(0, -1, "a run, and images if wanted"),
	}
	f := c.Flags()
	f.IntVar(&steps, "steps", 9, "decoded `images` a row, both ends included")
	f.StringVar(&path, "path", "both", "`way` between the codes: linear, spherical or both")
	f.StringVar(&out, "out", "interpolate.png", "PNG `file` to write")
	pick.addSeedFlags(c)
	pick.addFlags(c, 8)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		args, files := runAndFiles(args, &from)
		for _, err := range []error{atLeast("steps", steps, 2), oneOf("path", path, "linear", "spherical", "both"), checkPNGName(out), pick.check(files)} {
			if err != nil {
				return usage(c, err)
			}
		}
		switch n := pick.countNamed(files); {
		case len(pick.seeds) == 1:
			return usagef(c, "--seeds %d: want two or more, as 3,7,11", pick.seeds[0])
		case pick.seeds != nil:
			pick.seeds = slices.Concat(consecutivePairs(pick.seeds)...)
		case n%2 == 1:
			return usagef(c, "%s: want an even number of them, two for each row", plural(n, "image"))
		}
		pick.n += pick.n % 2
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		images, err := a.openInputs(c, m, &pick, files)
		if err != nil {
			return err
		}
		pairs := images.images.Len() / 2
		if pairs == 0 {
			return fmt.Errorf("interpolate: there is one image: want two")
		}
		codes, err := a.inputCodes(c.Context(), m, images)
		if err != nil {
			return err
		}
		pix, err := images.pixels(c.Context())
		if err != nil {
			return err
		}
		ways := []string{path}
		if path == "both" {
			ways = []string{"linear", "spherical"}
		}
		var z []float32
		var rows []string
		units := m.Latent()
		for k := range pairs {
			for _, way := range ways {
				part, err := latent.Interpolate(pathByName[way], codes[2*k*units:(2*k+1)*units], codes[(2*k+1)*units:(2*k+2)*units], steps)
				if err != nil {
					return err
				}
				z, rows = append(z, part...), append(rows, way)
			}
		}
		labels, err := m.labelsOf(images.images)
		if err != nil {
			return err
		}
		made, err := m.DecodeAs(c.Context(), z, interpolateLabels(labels, pairs, len(ways), steps))
		if err != nil {
			return err
		}
		sheet := sheetBuffer{img: m.Image()}
		for r := range rows {
			k := r / len(ways)
			sheet.add(pix, 2*k, 1)
			sheet.add(made, r*steps, steps)
			sheet.add(pix, 2*k+1, 1)
		}
		cols := append(append([]string{"image"}, slices.Repeat([]string{""}, steps)...), "image")
		for i := range steps {
			cols[1+i] = fmt.Sprintf("%.2g", float64(i)/float64(steps-1))
		}
		img := m.Image()
		picture, err := viz.Sheet(sheet.pix, len(rows), steps+2, img.H, img.W, img.C, viz.SheetOptions{Title: images.title, Rows: rows, Cols: cols, Lead: 1, Tail: 1})
		if err != nil {
			return err
		}
		return a.writePNG(out, picture, "%s, %d images each, between images by %s", plural(len(rows), "row"), steps, m.name)
	}
	return c
}

// consecutivePairs returns the ends of the ways from each to the next.
func consecutivePairs(stops []uint) [][]uint {
	var all [][]uint
	for i := range len(stops) - 1 {
		all = append(all, stops[i:i+2])
	}
	return all
}

// interpolateLabels returns the labels on the straight way between the images of each pair, so many ways over; nil stays nil.
//
// labels (2·pairs, K) → (pairs·ways·steps, K).
func interpolateLabels(labels []float32, pairs, ways, steps int) []float32 {
	if labels == nil {
		return nil
	}
	var all []float32
	k := len(labels) / (2 * pairs)
	for p := range pairs {
		for range ways {
			for s := range steps {
				row := make([]float32, k)
				latent.Linear(labels[2*p*k:(2*p+1)*k], labels[(2*p+1)*k:(2*p+2)*k], float64(s)/float64(steps-1), row)
				all = append(all, row...)
			}
		}
	}
	return all
}
