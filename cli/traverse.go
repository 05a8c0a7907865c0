package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/engine/rng"
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

The rows are the units with the most information about an image, by KL(q(z|x) || N(0, 1)) averaged over the images of
the set. It is written beside them in nats; a unit that does not depend on the image has 0. If the prior of the model
is not N(0, I), as that of a plain autoencoder, the rows are the units with the largest variance, and values are in
standard deviations from the mean code. For a model without an encoder, as a GAN, they are the units that change its
images most between -1 and 1: the root mean square of the change is written beside them, in percent of the range of a
pixel.`,
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
		t, err := a.scoreUnits(c, m, &pick.set, units, labels)
		if err != nil {
			return err
		}
		if start == nil {
			for u, v := range t.center {
				code[u] = float32(v)
			}
		}
		if units == nil {
			units = latent.Ranked(t.orZero())[:min(rows, m.Latent())]
		}
		var names []string
		var grid [][]float32
		for _, u := range units {
			at := make([]float32, steps)
			for i, v := range values.values(steps) {
				at[i] = float32(t.center[u] + v*t.scale[u])
			}
			name := fmt.Sprintf("z[%d]", u)
			if t.scores != nil {
				name += fmt.Sprintf("  %.2g%s", t.scores[u], t.suffix)
			}
			grid, names = append(grid, at), append(names, name)
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
		} else if t.suffix == wideSuffix {
			rest = "the others are the mean of the codes"
		}
		img := m.Item()
		picture, err := viz.Sheet(img, made, len(units), steps, viz.SheetOptions{
			Title: fmt.Sprintf("%s: one unit moved in each row, %s to %s deviations", title, signed(values.lo), signed(values.hi)),
			Note:  m.note("above a column: the value of the unit, in standard deviations of its distribution; "+rest, t.key()),
			Rows:  names, Cols: values.titles(steps),
		})
		if err != nil {
			return err
		}
		return a.writePNG(out, picture, "%s of %s, from %s", english.Plural(len(units), "unit"), m.name, strings.ReplaceAll(values.String(), "..", " to "))
	}
	return c
}

// unitScores are the importance of each latent unit, and the range of its values.
type unitScores struct {
	scores        []float64 // KL in nats, standard deviations, or changes of the image in percent; nil if not measured
	suffix        string    // the unit of measurement, written after a score
	center, scale []float64 // a value v of a traversal is center + v·scale
}

// wideSuffix follows the standard deviation of a unit's codes.
const wideSuffix = " wide"

// key says what the scores beside the rows are.
func (t *unitScores) key() string {
	switch {
	case t.scores == nil:
		return ""
	case t.suffix == wideSuffix:
		return "beside a row: the unit, and the standard deviation of its codes"
	case t.suffix == " %":
		return "beside a row: the unit, and how much it changes the picture between −1 and 1"
	}
	return "beside a row: the unit, and how much it tells of an item, its mean KL(q(z|x) ‖ N(0, 1))"
}

// orZero returns the scores, or zeros if they were not measured.
func (t *unitScores) orZero() []float64 {
	if t.scores == nil {
		return make([]float64, len(t.center))
	}
	return t.scores
}

// scoreUnits returns the importance of each unit: its KL or standard deviation over the images of a set, or, if the
// model has no encoder, the change of its images, with the given labels (K) if it is conditional. It measures nothing
// if the user named units and the prior is N(0, I).
func (a *app) scoreUnits(c *cobra.Command, m *trainedModel, flags *setFlags, units []int, labels []float32) (*unitScores, error) {
	t := &unitScores{suffix: " nats", center: make([]float64, m.Latent()), scale: make([]float64, m.Latent())}
	for u := range t.scale {
		t.scale[u] = 1
	}
	if m.StandardPrior() && units != nil {
		return t, nil
	}
	if m.Model().Encode == nil {
		var err error
		t.suffix = " %"
		if t.scores, err = m.UnitChange(c.Context(), rng.New(0).Split("traverse"), labels); err != nil {
			return nil, err
		}
		for u := range t.scores {
			t.scores[u] *= 100
		}
		return t, nil
	}
	set, split, err := a.openSplit(c, m, flags)
	if err != nil {
		return nil, fmt.Errorf("units are ranked on the images of a set: %w; or name the units with --units", err)
	}
	mean, logVar, err := m.EncodeMeans(c.Context(), set.Labelled(split))
	if err != nil {
		return nil, err
	}
	if m.StandardPrior() {
		t.scores = latent.UnitKL(mean, logVar, m.Latent())
		return t, nil
	}
	t.center, t.scale = latent.Moments(mean, m.Latent())
	t.scores, t.suffix = t.scale, wideSuffix
	return t, nil
}
