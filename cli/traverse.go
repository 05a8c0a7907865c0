package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/viz"
)

// traverse returns the command traverse: it draws the effect of single latent units.
func (a *app) traverse() *cobra.Command {
	var (
		from   modelSource
		pick   inputFlags
		values = spread{-3, 3}
		steps  int
		units  []int
		rows   int
		out    string
	)
	c := &cobra.Command{
		Use:   "traverse <run> [<image>]",
		Short: "Draw the effect of single latent units",
		Long: `traverse sets one latent unit at a time to values from -3 to 3, while the others stay fixed, and decodes: one row for
each unit, one column for each value. The others are 0, the mean of the prior, or those of an image: a file, --index
of the set, or the code drawn with --seeds.

The rows are the units with the most information about an image, by KL(q(z|x) || N(0, 1)) averaged over 256 test
images. It is written beside them in nats; a unit that does not depend on the image has 0. If the prior of the model
is not N(0, I), as that of a plain autoencoder, the rows are the units with the largest variance, and values are in
standard deviations from the mean code. For a model without an encoder, as a GAN, they are the units that change its
images most between -1 and 1: the root mean square of the change is written beside them, in percent of the range of a
pixel. This ranking is saved with the run, in units.json: its own pictures, traverse, manifold and scatter show the
same units.`,
		Example: `  imago traverse latest
  imago traverse latest --index 5 --rows 16
  imago traverse dcgan-mnist-001 --seeds 7
  imago traverse face-vae-celeba-001 me.jpg --units 3,17 --range -4..4`,
		Args: argCount(0, 2, "a run, and an image if wanted"),
	}
	f := c.Flags()
	f.Var(&values, "range", "lowest and highest `value`")
	f.IntVar(&steps, "steps", 9, "`values` of each unit")
	f.IntSliceVar(&units, "units", nil, "the `units` to vary, numbered from 0 (default those with the most information)")
	f.IntVar(&rows, "rows", 10, "`number` of units, without --units")
	outFlag(c, &out, "traverse.png")
	pick.addSeedFlags(c)
	pick.addFlags(c, 0)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		args, files := runAndFiles(args, &from)
		if err := cmp.Or(atLeast("steps", steps, 2), atLeast("rows", rows, 1), checkPNGName(out), pick.check(files)); err != nil {
			return usage(c, err)
		}
		if n := pick.countNamed(files); n > 1 {
			return usagef(c, "%s: want one, or none", english.Plural(n, "image"))
		} else if pick.truncation.isSet() && pick.seeds == nil {
			return usagef(c, "--truncation %v is for a code that is drawn: name one with --seeds", pick.truncation.limit)
		}
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		for _, u := range units {
			if u < 0 || u >= m.Latent() {
				return usagef(c, "--units %d: the model has units 0 to %d", u, m.Latent()-1)
			}
		}

		// The code whose units are varied.
		code := make([]float32, m.Latent())
		var start *inputImages
		if pick.countNamed(files) > 0 {
			if start, err = a.openInputs(c, m, &pick, files); err != nil {
				return err
			}
			if code, err = a.inputCodes(c.Context(), m, start); err != nil {
				return err
			}
		}
		var labels []float32
		if start != nil {
			labels, err = m.labelsOf(start.images)
		} else if labels, err = m.labelRows(pick.as, m.DecodeLabels(), 1); err != nil {
			err = usage(c, err)
		}
		if err != nil {
			return err
		}
		t, err := a.scaleUnits(c, m, &pick.set)
		if err != nil {
			return err
		}
		ranking, err := m.keptUnits()
		switch {
		case ranking == nil && err == nil && units == nil:
			ranking, err = a.rankUnits(c, m, &pick.set)
		case ranking == nil: // the user has chosen
			ranking = &unitRanking{latent.NoRanking(m.Latent()), m.step}
		}
		if err != nil {
			return err
		}
		if start == nil {
			for u, v := range t.center {
				code[u] = float32(v)
			}
		}
		chosen := ""
		if units == nil {
			units = ranking.Order()[:min(rows, m.Latent())]
			chosen = strings.TrimSuffix(", "+ranking.By.String(), ", ")
		}
		var names []string
		var grid [][]float32
		for _, u := range units {
			at := make([]float32, steps)
			for i, v := range values.values(steps) {
				at[i] = float32(t.center[u] + v*t.scale[u])
			}
			grid, names = append(grid, at), append(names, ranking.rowName(u))
		}
		z, err := latent.Traverse(code, units, grid)
		if err != nil {
			return err
		}
		made, err := m.DecodeAs(c.Context(), z, repeatRows(labels, 1, len(units)*steps))
		if err != nil {
			return err
		}
		title, rest := m.title, "the others are 0"
		if start != nil {
			title, rest = start.title, "the others are those of "+start.names[0]
		} else if t.fitted {
			rest = "the others are the mean of the codes"
		}
		img := m.Item()
		picture, err := viz.Sheet(img, made, len(units), steps, viz.SheetOptions{
			Title: fmt.Sprintf("%s: one unit moved in each row, %s to %s deviations", title, signed(values.lo), signed(values.hi)),
			Note:  m.note("above a column: the value of the unit, in standard deviations of its distribution; "+rest, ranking.key(m)),
			Rows:  names, Cols: values.titles(steps),
		})
		if err != nil {
			return err
		}
		numbers := strings.Trim(strings.ReplaceAll(fmt.Sprint(units), " ", ", "), "[]")
		return a.writePNG(out, picture, "%s of %s, from %s: %s%s", english.Plural(len(units), "unit"), m.name, strings.ReplaceAll(values.String(), "..", " to "), numbers, chosen)
	}
	return c
}

// unitScale is the range of the values of each latent unit: a value v of a traversal is center + v·scale.
type unitScale struct {
	center, scale []float64
	fitted        bool // to codes, as the prior is not N(0, I)
}

// scaleUnits returns 0 and 1 for a model with the prior N(0, I) or without an encoder, else the mean and the standard
// deviation of its codes: those of the set that the flags name, or those that were saved with the run.
func (a *app) scaleUnits(c *cobra.Command, m *trainedModel, flags *setFlags) (*unitScale, error) {
	t := &unitScale{center: make([]float64, m.Latent()), scale: slices.Repeat([]float64{1}, m.Latent())}
	if m.StandardPrior() || m.Model().Encode == nil {
		return t, nil
	}
	var mean []float32
	set, split, err := a.openSplit(c, m, flags)
	if err == nil {
		mean, _, err = m.EncodeMeans(c.Context(), set.Labelled(split))
	} else if kept := a.keptCodes(m, flags, err); kept != nil {
		mean, err = kept.mean, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the values of a unit are deviations of its codes: %w", err)
	}
	t.center, t.scale = latent.Moments(mean, m.Latent())
	t.fitted = true
	return t, nil
}

// rowName returns the name of a unit beside its row, with its score.
func (r *unitRanking) rowName(u int) string {
	name, score := fmt.Sprintf("z[%d]", u), r.Scores[u]
	switch r.By {
	case latent.ByKL:
		name += fmt.Sprintf("  %.2g nats", score)
	case latent.ByDeviation:
		name += fmt.Sprintf("  %.2g wide", score)
	case latent.ByChange:
		name += fmt.Sprintf("  %.2g %%", 100*score)
	}
	return name
}

// key says what the scores beside the rows are.
func (r *unitRanking) key(m *trainedModel) string {
	var text string
	switch r.By {
	case latent.ByKL:
		text = "how much it tells of an image, its mean KL(q(z|x) ‖ N(0, 1))"
	case latent.ByDeviation:
		text = "the standard deviation of its codes"
	case latent.ByChange:
		text = "how much it changes the image between −1 and 1"
	default:
		return ""
	}
	if r.step != m.step {
		text += ", after step " + thousands(r.step)
	}
	return "beside a row: the unit, and " + m.reword(text)
}
