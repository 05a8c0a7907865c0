package cli

import (
	"fmt"
	"image"
	"math"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/viz"
)

// manifoldSide is about how many pixels a side the manifold of a single unit has.
const manifoldSide = 1680

// manifold draws what a square of the latent plane decodes to.
func (a *app) manifold() *cobra.Command {
	var (
		from   modelSource
		n      int
		lo, hi float64
		as     string
		out    string
	)
	c := &cobra.Command{
		Use:   "manifold [<run or weights file>]",
		Short: "Draw what a square of the latent plane decodes to",
		Long: `manifold decodes an n x n grid of codes over a square of the latent plane. Of a model with more than two latent units
the first two vary and the others are 0; a single unit runs from --lo to --hi row by row. A weights file alone is enough.`,
		Example: `  imago manifold latest
  imago manifold mlp-vae-mnist-001 --n 10 --lo -3 --hi 3
  imago manifold --weights weights.safetensors`,
		Args: argCount(0, 1, "a run or a weights file"),
	}
	f := c.Flags()
	f.IntVar(&n, "n", 30, "`images` a side, up to 100")
	f.Float64Var(&lo, "lo", -4, "lower end of both axes")
	f.Float64Var(&hi, "hi", 4, "upper end of both axes")
	f.StringVar(&as, "as", "", "`class` or attributes, with commas between, of what a conditional model makes")
	f.StringVar(&out, "out", "manifold.png", "PNG `file` to write")
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if n < 1 || n > 100 {
			return usagef(c, "--n %d: want 1 to 100", n)
		}
		if !(lo < hi) || math.IsInf(hi-lo, 0) {
			return usagef(c, "--lo %v --hi %v: want finite numbers, the first below the second", lo, hi)
		}
		if err := checkPNGName(out); err != nil {
			return usage(c, err)
		}
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		z, note, err := latent.Manifold(n, lo, hi, m.Latent())
		if err != nil {
			return err
		}
		labels, err := m.labelRows(as, m.DecodeLabels(), n*n)
		if err != nil {
			return usage(c, err)
		}
		pix, err := m.DecodeAs(c.Context(), z, labels)
		if err != nil {
			return err
		}
		img := m.Image()
		var picture image.Image
		if m.Latent() == 1 { // a line of codes has no second axis
			picture, err = viz.Grid(pix, n*n, img.H, img.W, img.C, n, viz.GridOptions{
				Scale: max(1, manifoldSide/(n*img.W)), Gap: 2, Title: fmt.Sprintf("%s, z from %.3g to %.3g: %s", m.title, lo, hi, note),
			})
		} else {
			picture, err = viz.Manifold(pix, n, img.H, img.W, img.C, lo, hi, viz.ManifoldOptions{Title: m.title, Note: note})
		}
		if err != nil {
			return err
		}
		if !m.HasPrior() && !f.Changed("lo") && !f.Changed("hi") {
			a.warn("%s has no prior, so its codes may lie elsewhere: see where with imago scatter, and name it with --lo and --hi", m.recipe)
		}
		over := "²"
		if m.Latent() == 1 {
			over = ""
		}
		return a.writePNG(out, picture, "%dx%d images over [%v, %v]%s from %s", n, n, lo, hi, over, m.name)
	}
	return c
}
