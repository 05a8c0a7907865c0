package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/latent"
	"github.com/imago-ml/imago/mixture"
	"github.com/imago-ml/imago/model"
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
		prior  string
		as     string
	)
	c := &cobra.Command{
		Use:   "sample [<run or weights file>]",
		Short: "Draw images from a trained model",
		Long: `sample decodes codes drawn from the model's prior, N(0, I) of most models, and writes the images as one sheet. The same
seed draws the same sheet. No data set is needed, and a weights file alone is enough.

A conditional model draws a row of each of its classes, or attributes, the same codes in each: style down the columns. With
--as it draws what is named.`,
		Example: `  imago sample latest
  imago sample cnn-vae-mnist-001 -n 100 --seed 7 --out hundred.png
  imago sample mlp-ae-mnist-001 --prior mixture
  imago sample --weights weights.safetensors`,
		Args: takes(0, 1, "a run or a weights file"),
	}
	f := c.Flags()
	f.IntVarP(&n, "count", "n", 64, "`number` of images")
	f.StringVar(&out, "out", "sample.png", "PNG `file` to write")
	f.Uint64Var(&seed, "seed", 0, "`seed` of the draw")
	f.IntVar(&cols, "cols", 0, "images a `row`; 0 makes the sheet about square")
	f.BoolVar(&titles, "codes", false, "write the code under each image")
	f.StringVar(&prior, "prior", "own", "what codes are `drawn` from: the model's own prior, or the mixture that imago fit-prior fitted to its codes")
	f.StringVar(&as, "as", "", "`class` or attributes of what a conditional model makes, with commas between (default a row of each)")
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := errors.Join(atLeast("count", n, 1), atLeast("cols", cols, 0), oneOf("prior", prior, "own", "mixture"), pngName(out)); err != nil {
			return usage(c, err)
		}
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		var fitted *mixture.Mixture
		if prior == "mixture" {
			if fitted, err = m.fittedPrior(); err != nil {
				return err
			}
		} else if !m.HasPrior() {
			return fmt.Errorf("sample: %s is %s, which has no prior to draw codes from; fit one to its codes with imago fit-prior and draw from it with --prior mixture", m.name, m.recipe)
		}
		key := rng.New(seed).Split("sample")
		img := m.Image()
		if as == "" && m.Labels() > 0 {
			return a.sampleClasses(c.Context(), m, key, max(1, n/m.Labels()), fitted, out)
		}
		labels, err := m.as(as, n)
		if err != nil {
			return usage(c, err)
		}
		opt := viz.GridOptions{}
		var pix []float32
		if _, own := m.Model().(model.Sampler); own && fitted == nil {
			if titles {
				return usagef(c, "--codes: %s draws by itself, not by codes from N(0, I)", m.recipe)
			}
			pix, err = m.Sample(c.Context(), key, n, labels)
		} else {
			var z []float32
			if z, err = drawCodes(m, fitted, key, n); err != nil {
				return err
			}
			if titles {
				opt.Titles = codeTitles(z, n)
			}
			pix, err = m.DecodeAs(c.Context(), z, labels)
		}
		if err != nil {
			return err
		}
		if cols == 0 {
			cols = squareCols(n)
		}
		sheet, err := viz.Grid(pix, n, img.H, img.W, img.C, cols, opt)
		if err != nil {
			return err
		}
		return a.writePNG(out, sheet, "%s from %s", plural(n, "image"), m.name)
	}
	return c
}

// drawCodes draws n codes from the mixture fitted to a model's codes, or without one from N(0, I).
func drawCodes(m *opened, fitted *mixture.Mixture, key rng.Key, n int) ([]float32, error) {
	if fitted != nil {
		return fitted.Draw(key, n)
	}
	return latent.Prior(key, n, m.Latent()), nil
}

// sampleClasses draws a sheet of a conditional model: a row a label, a column a code.
func (a *app) sampleClasses(ctx context.Context, m *opened, key rng.Key, n int, fitted *mixture.Mixture, out string) error {
	z, err := drawCodes(m, fitted, key, n)
	if err != nil {
		return err
	}
	names := m.labelNames()
	labels := make([]float32, len(names)*n*len(names))
	for k := range names {
		for i := range n {
			labels[(k*n+i)*len(names)+k] = 1
		}
	}
	pix, err := m.DecodeAs(ctx, slices.Repeat(z, len(names)), labels)
	if err != nil {
		return err
	}
	img := m.Image()
	sheet, err := viz.Sheet(pix, len(names), n, img.H, img.W, img.C, viz.SheetOptions{Title: m.title, Rows: names})
	if err != nil {
		return err
	}
	return a.writePNG(out, sheet, "%s for each of %s from %s", plural(n, "image"), plural(len(names), "label"), m.name)
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
