package cli

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/viz"
)

// scatter returns the command scatter: it draws the codes of the images of a set.
func (a *app) scatter() *cobra.Command {
	var (
		from modelSource
		set  setFlags
		axes axisFlags
		out  string
	)
	c := &cobra.Command{
		Use:   "scatter <run>",
		Short: "Draw the codes of images in the latent plane",
		Long: `scatter encodes the test images of the run's data set, or all of --data, and draws their latent
means, with a colour and a marker for each class. If the model has more than two latent units, the two
most important ones are drawn, as in the run's own pictures and as imago traverse ranks them.`,
		Example: `  imago scatter latest
  imago scatter cnn-vae-mnist-001 --data fashion-mnist --out fashion.png`,
		Args: argCount(0, 1, "a run"),
	}
	axes.addFlags(c, " (without --lo and --hi, axes that would leave out most means are fitted to them)")
	outFlag(c, &out, "scatter.png")
	set.addFlags(c)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := cmp.Or(axes.check(), checkPNGName(out)); err != nil {
			return usage(c, err)
		}
		m, shown, what, err := a.openEncoded(c, args, &from, &set, 0)
		if err != nil {
			return err
		}
		defer m.Close()
		s, split, mean, note := shown.set, shown.split, shown.mean, ""
		plane, err := a.unitPlane(c, m, &set)
		if err != nil {
			return err
		}
		if !axes.changed(c) {
			var fitted bool
			if axes.lo, axes.hi, fitted = latent.AxisLimits(mean, plane, m.HasPrior(), 4); fitted {
				note = "axes fitted to the codes"
			}
		}
		p, err := latent.Project(mean, plane, split.Labels, len(s.Classes), axes.lo, axes.hi)
		if err != nil {
			return err
		}
		picture, err := viz.Scatter(p.Points, split.Labels, s.Classes, viz.ScatterOptions{
			Lo: axes.lo, Hi: axes.hi, XLabel: p.XLabel, YLabel: p.YLabel,
			Title: fmt.Sprintf("%s: mean codes of %s", m.titleOf(s, &set), what), Note: m.note(p.Note, note),
		})
		if err != nil {
			return err
		}
		if m.Latent() > 2 {
			what = plane.String() + ", of " + what
		}
		return a.writePNG(out, picture, "the means of %s of %s by %s", what, s.Name, m.name)
	}
	return c
}
