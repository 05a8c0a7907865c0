package cli

import (
	"cmp"
	"fmt"
	"image"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/viz"
)

// manifoldSide is the approximate side, in pixels, of the picture of a model with a single latent unit.
const manifoldSide = 1680

// manifold returns the command manifold: it draws the images decoded from a square of the latent plane.
func (a *app) manifold() *cobra.Command {
	var (
		from modelSource
		n    int
		axes axisFlags
		as   string
		out  string
	)
	c := &cobra.Command{
		Use:   "manifold [<run or weights file>]",
		Short: "Draw the images decoded from a square of the latent plane",
		Long: `manifold decodes an n x n grid of codes over a square of the latent plane. If the model has more than two latent
units, the two most important ones vary, as in the run's own pictures and as imago traverse ranks them, and the others
are 0; a single unit goes from --lo to --hi row by row. A file of weights alone is enough: if neither its run nor its
data is there, the first two units vary.`,
		Example: `  imago manifold latest
  imago manifold mlp-vae-mnist-001 --n 10 --lo -3 --hi 3
  imago manifold --weights weights.safetensors`,
		Args: argCount(0, 1, "a run or a weights file"),
	}
	f := c.Flags()
	f.IntVar(&n, "n", 30, "`images` on each side, up to 100")
	axes.addFlags(c, "")
	labelsFlag(c, &as, "")
	outFlag(c, &out, "manifold.png")
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if n < 1 || n > 100 {
			return usagef(c, "--n %d: want 1 to 100", n)
		}
		if err := cmp.Or(axes.check(), checkPNGName(out)); err != nil {
			return usage(c, err)
		}
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		plane, err := a.unitPlane(c, m, &setFlags{})
		if err != nil {
			return err
		}
		z, note, err := latent.Manifold(n, axes.lo, axes.hi, plane)
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
		img := m.Item()
		_, w, _ := medium.TileSize(img)
		var picture image.Image
		if m.Latent() == 1 { // the codes are a line, without a second axis
			picture, err = viz.Grid(img, pix, n, viz.GridOptions{
				Scale: max(1, manifoldSide/(n*w)), Gap: 2, Title: fmt.Sprintf("%s: %ss decoded from codes on a line", m.title, m.noun()),
				Note: m.note(fmt.Sprintf("z from %.3g to %.3g, row by row", axes.lo, axes.hi)),
			})
		} else {
			opt := viz.ManifoldOptions{Title: fmt.Sprintf("%s: %ss decoded from a grid of codes", m.title, m.noun()), Note: m.note(note)}
			opt.XLabel, opt.YLabel = plane.Labels()
			picture, err = viz.Manifold(img, pix, n, axes.lo, axes.hi, opt)
		}
		if err != nil {
			return err
		}
		if !m.HasPrior() && !axes.changed(c) {
			a.warn("%s has no prior, so its codes may lie elsewhere: imago scatter shows where; give the range with --lo and --hi", m.recipe)
		}
		over := "²"
		switch {
		case m.Latent() == 1:
			over = ""
		case m.Latent() > 2:
			over += " of " + plane.String()
		}
		return a.writePNG(out, picture, "%dx%d %ss over [%v, %v]%s from %s", n, n, m.noun(), axes.lo, axes.hi, over, m.name)
	}
	return c
}
