package cli

import (
	"math"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/viz"
)

// scatter draws where a model puts the images of a set.
func (a *app) scatter() *cobra.Command {
	var (
		from   modelSource
		set    setFlags
		lo, hi float64
		out    string
	)
	c := &cobra.Command{
		Use:   "scatter <run>",
		Short: "Draw where a model puts images in the latent plane",
		Long: `scatter encodes the test images of the run's data set, or of --data, and draws their latent means, coloured and marked by
class. Of a model with more than two latent units the first two are drawn.`,
		Example: `  imago scatter latest
  imago scatter cnn-vae-mnist-001 --data fashion-mnist --out fashion.png`,
		Args: argCount(0, 1, "a run"),
	}
	f := c.Flags()
	f.Float64Var(&lo, "lo", -4, "lower end of both axes")
	f.Float64Var(&hi, "hi", 4, "upper end of both axes (where most means lie outside both fit the means, unless given)")
	f.StringVar(&out, "out", "scatter.png", "PNG `file` to write")
	set.addFlags(c)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if !(lo < hi) || math.IsInf(hi-lo, 0) {
			return usagef(c, "--lo %v --hi %v: want finite numbers, the first below the second", lo, hi)
		}
		if err := checkPNGName(out); err != nil {
			return usage(c, err)
		}
		m, s, split, err := a.openImages(c, args, &from, &set)
		if err != nil {
			return err
		}
		defer m.Close()
		mean, _, err := m.EncodeMeans(c.Context(), s.Labelled(split))
		if err != nil {
			return err
		}
		if !f.Changed("lo") && !f.Changed("hi") {
			lo, hi, _ = latent.AxisLimits(mean, m.Latent(), m.HasPrior(), 4)
		}
		p, err := latent.Project(mean, m.Latent(), split.Labels, len(s.Classes), lo, hi)
		if err != nil {
			return err
		}
		title := m.titleOf(s, &set)
		if p.Note != "" {
			title += ", " + p.Note
		}
		picture, err := viz.Scatter(p.Points, split.Labels, s.Classes, viz.ScatterOptions{Lo: lo, Hi: hi, Title: title, XLabel: p.XLabel, YLabel: p.YLabel})
		if err != nil {
			return err
		}
		return a.writePNG(out, picture, "the means of %s of %s by %s", plural(split.Len(), set.split+" image"), s.Name, m.name)
	}
	return c
}
