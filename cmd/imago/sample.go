package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/latent"
	"github.com/imago-ml/imago/rng"
	"github.com/imago-ml/imago/viz"
)

// sample draws images from a trained model.
func (a *app) sample() *cobra.Command {
	var (
		from   source
		n      int
		cols   int
		out    string
		seed   uint64
		titles bool
	)
	c := &cobra.Command{
		Use:   "sample [<run or weights file>]",
		Short: "Draw images from a trained model",
		Long: `sample decodes codes drawn from the model's prior, N(0, I), and writes the images as one sheet. The same seed draws the
same sheet. No data set is needed, and a weights file alone is enough.`,
		Example: `  imago sample latest
  imago sample cnn-vae-mnist-001 -n 100 --seed 7 --out hundred.png
  imago sample --weights weights.safetensors`,
		Args: takes(0, 1, "a run or a weights file"),
	}
	f := c.Flags()
	f.IntVarP(&n, "count", "n", 64, "`number` of images")
	f.StringVar(&out, "out", "sample.png", "PNG `file` to write")
	f.Uint64Var(&seed, "seed", 0, "`seed` of the draw")
	f.IntVar(&cols, "cols", 0, "images a `row`; 0 makes the sheet about square")
	f.BoolVar(&titles, "codes", false, "write the code under each image")
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := errors.Join(atLeast("count", n, 1), atLeast("cols", cols, 0), pngName(out)); err != nil {
			return usage(c, err)
		}
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		if !m.HasPrior() {
			return fmt.Errorf("sample: %s is %s, which has no prior to draw codes from; look at its codes with imago scatter, and decode a square of them with imago manifold --lo --hi", m.name, m.recipe)
		}
		z := latent.Prior(rng.New(seed).Split("sample"), n, m.Latent())
		pix, err := m.Decode(c.Context(), z)
		if err != nil {
			return err
		}
		opt := viz.GridOptions{}
		if titles {
			opt.Titles = codeTitles(z, n)
		}
		if cols == 0 {
			cols = squareCols(n)
		}
		img := m.Image()
		sheet, err := viz.Grid(pix, n, img.H, img.W, img.C, cols, opt)
		if err != nil {
			return err
		}
		return a.writePNG(out, sheet, "%s from %s", plural(n, "image"), m.name)
	}
	return c
}

// squareCols makes a sheet of n images about square: the least whole number whose square is n or more.
func squareCols(n int) int {
	c := 1
	for c*c < n {
		c++
	}
	return c
}

// codeTitles is each of n codes as text, cut after three units.
func codeTitles(z []float32, n int) []string {
	titles, units := make([]string, n), len(z)/n
	for i := range titles {
		for u, v := range z[i*units : (i+1)*units] {
			if u == 3 {
				titles[i] += " …"
				break
			}
			if u > 0 {
				titles[i] += " "
			}
			titles[i] += fmt.Sprintf("%.2f", v)
		}
	}
	return titles
}
