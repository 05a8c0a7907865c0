package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/anomaly"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/analysis/probe"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/formats/columns"
	"github.com/imago-ml/imago/viz"
)

// detectorFlags say how anomalies are scored.
type detectorFlags struct {
	draws, components, encoded int
	seed                       uint64
}

func (d *detectorFlags) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.IntVar(&d.draws, "draws", 5, "draws of z from q(z|x) an image, a `number`, for reconstruction and ELBO")
	f.IntVar(&d.components, "components", 30, "`number` of Gaussians for the density of codes")
	encodedFlag(c, &d.encoded)
}

func (d *detectorFlags) check() error {
	for _, err := range []error{atLeast("draws", d.draws, 1), atLeast("components", d.components, 1), atLeast("encoded", d.encoded, 0)} {
		if err != nil {
			return err
		}
	}
	return nil
}

// detector fits one to the training images of a set.
func (a *app) detector(ctx context.Context, s *latent.Session, set *data.Set, d *detectorFlags) (*anomaly.Detector, error) {
	train, err := evenlySpaced(set.Train, d.encoded)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(a.err, "encoding %s of %s and fitting the density of their codes\n", plural(train.Len(), "training image"), set.Name)
	return anomaly.Fit(ctx, s, set.Labelled(train), anomaly.Options{Draws: d.draws, Components: d.components, Key: rng.New(d.seed).Split("anomaly")})
}

// anomaly ranks images by how unlike the training images they are.
func (a *app) anomaly() *cobra.Command {
	var (
		from              modelSource
		set               setFlags
		how               detectorFlags
		normal, anomalous []string
		by                string
		n                 int
		out, scores       string
	)
	c := &cobra.Command{
		Use:   "anomaly <run>",
		Short: "Rank images by how unlike the training images they are",
		Long: `anomaly scores images of the run's data set, or of --data, by what a model trained on normal ones makes of them:

  reconstruction  what is lost on the way through the latent code, mean over draws of the code
  elbo            that plus the KL: the evidence bound, its sign turned
  density         how rare the code is among those of the training images, by a mixture of Gaussians
  combined        how rare code and reconstruction are together: what is lost against what is usual for such codes

Where the labels say which images are anomalous, each score is judged by AUROC, the probability that an anomalous image
scores above a normal one, and AUPRC, the average precision. A run trained --without a class is judged by that class. The
picture shows the strangest and the most usual images above what the model makes of them.`,
		Example: `  imago train mlp-vae --data mnist --latent 20 --without 3
  imago anomaly latest
  imago anomaly latest --anomalous 3,8 --by density --scores scores.csv
  imago anomaly latest --data transactions.csv --anomalous fraud
  imago anomaly sweep mlp-vae --data mnist --latent 20`,
		Args: argCount(0, 1, "a run"),
	}
	f := c.Flags()
	f.StringSliceVar(&anomalous, "anomalous", nil, "`classes` or attributes that are anomalous (default those the run was trained without)")
	f.StringSliceVar(&normal, "normal", nil, "`classes` or attributes that are normal, all others being anomalous")
	how.addFlags(c)
	f.Uint64Var(&how.seed, "seed", 0, "`seed` of the draws and of the start of the fit")
	f.StringVar(&by, "by", anomaly.Combined, "`score` to rank by: reconstruction, elbo, density or combined")
	f.IntVarP(&n, "count", "n", 20, "`number` of images at either end of the ranking to draw")
	f.StringVar(&out, "out", "anomaly.png", "PNG `file` to write")
	f.StringVar(&scores, "scores", "", "CSV or Parquet `file` to write all scores to")
	set.addFlags(c)
	from.addFlags(a, c)
	c.AddCommand(a.anomalySweep())
	c.RunE = func(c *cobra.Command, args []string) error {
		for _, err := range []error{oneOf("by", by, anomaly.Reconstruction, anomaly.ELBO, anomaly.Density, anomaly.Combined), how.check(), atLeast("count", n, 1), checkPNGName(out), set.check()} {
			if err != nil {
				return usage(c, err)
			}
		}
		if scores != "" {
			if err := checkFileName("scores", scores, ".csv", ".parquet"); err != nil {
				return usage(c, err)
			}
		}
		if anomalous != nil && normal != nil {
			return usagef(c, "both --anomalous and --normal: want one of them")
		}
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		if m.config == nil {
			return fmt.Errorf("anomaly: %s does not say which images it was trained on: want a run, or a weights file of imago's", m.name)
		}
		own := setFlags{dir: set.dir, noCache: set.noCache, split: "train"}
		trained, _, err := a.openSplit(c, m, &own)
		if err != nil {
			return err
		}
		set.ignoreWithout = true
		s, split, err := a.openSplit(c, m, &set)
		if err != nil {
			return err
		}
		if set.data == "" && normal == nil && anomalous == nil {
			anomalous = m.config.Data.Without
		}
		positive, what, err := anomalyMask(s, split, anomalous, normal)
		if err != nil {
			return usage(c, err)
		}
		d, err := a.detector(c.Context(), m.Session, trained, &how)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.err, "scoring %s of %s\n", plural(split.Len(), set.split+" image"), s.Name)
		all, err := d.Score(c.Context(), s.Labelled(split))
		if err != nil {
			return err
		}
		at := slices.IndexFunc(all, func(x anomaly.Score) bool { return x.Name == by })
		if at < 0 {
			if c.Flags().Changed("by") {
				return fmt.Errorf("anomaly: %s has no score %s; it has %s", m.name, by, strings.Join(scoreNames(all), ", "))
			}
			at = len(all) - 1
		}
		if err := a.printQuality(all, positive, what); err != nil {
			return err
		}
		if scores != "" {
			if err := a.writeTable(scores, split.Len(), scoreColumns(all, split, positive), "the scores of %s of %s by %s", plural(split.Len(), set.split+" image"), s.Name, m.name); err != nil {
				return err
			}
		}
		return a.drawRanking(c.Context(), m, s, split, all[at], n, m.titleOf(s, &set), out)
	}
	return c
}

// anomalyMask says which images are anomalous, and in words what is; nil if that is not known.
func anomalyMask(set *data.Set, p data.Split, anomalous, normal []string) ([]bool, string, error) {
	if anomalous == nil && normal == nil {
		return nil, "", nil
	}
	flag, names := "anomalous", anomalous
	if normal != nil {
		flag, names = "normal", normal
	}
	positive := make([]bool, p.Len())
	for _, name := range names {
		t, err := attributeOf(set, name)
		if err != nil {
			return nil, "", fmt.Errorf("--%s: %w", flag, err)
		}
		with, err := t.Mask(p)
		if err != nil {
			return nil, "", fmt.Errorf("--%s: %w", flag, err)
		}
		for i, w := range with {
			positive[i] = positive[i] || w
		}
	}
	what := strings.Join(names, ", ")
	if normal != nil {
		what = "all but " + what
		for i := range positive {
			positive[i] = !positive[i]
		}
	}
	if k := countTrue(positive); k == 0 || k == len(positive) {
		return nil, "", fmt.Errorf("--%s %s: %s of %s are anomalous: want some and not all", flag, strings.Join(names, ","), thousands(k), plural(len(positive), "image"))
	}
	return positive, what, nil
}

func countTrue(with []bool) int {
	n := 0
	for _, w := range with {
		if w {
			n++
		}
	}
	return n
}

func scoreNames(all []anomaly.Score) []string {
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
	}
	return names
}

// printQuality prints how well each score finds the positives, if it is known which they are.
func (a *app) printQuality(all []anomaly.Score, positive []bool, what string) error {
	if positive == nil {
		fmt.Fprintln(a.out, "nothing says which images are anomalous (--anomalous, --normal): they are ranked only")
		return nil
	}
	k := countTrue(positive)
	fmt.Fprintf(a.out, "anomalous: %s, %s of %s, so by chance AUPRC is %.3f\n", what, thousands(k), plural(len(positive), "image"), float64(k)/float64(len(positive)))
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "score\tAUROC\tAUPRC")
	for _, s := range all {
		auroc, err := probe.AUROC(s.Values, positive)
		if err != nil {
			return err
		}
		auprc, err := probe.AUPRC(s.Values, positive)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\t%.3f\t%.3f\n", s.Name, auroc, auprc)
	}
	return w.Flush()
}

// scoreColumns returns the table of scores: an image a row.
func scoreColumns(all []anomaly.Score, p data.Split, positive []bool) []columns.Column {
	table := []columns.Column{{Name: "index", Int: func(i int) int32 { return int32(i) }}}
	if p.Labels != nil {
		table = append(table, columns.Column{Name: "label", Int: func(i int) int32 { return p.Labels[i] }})
	}
	if positive != nil {
		table = append(table, columns.Column{Name: "anomalous", Int: func(i int) int32 {
			if positive[i] {
				return 1
			}
			return 0
		}})
	}
	for _, s := range all {
		table = append(table, columns.Column{Name: s.Name, Float: func(i int) float32 { return float32(s.Values[i]) }})
	}
	return table
}

// drawRanking draws the n images of the highest scores and the n of the lowest, each above its reconstruction.
func (a *app) drawRanking(ctx context.Context, m *trainedModel, set *data.Set, p data.Split, by anomaly.Score, n int, title, out string) error {
	order := make([]int, p.Len())
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(by.Values[j], by.Values[i]) })
	fmt.Fprintf(a.out, "the strangest by %s: %s\n", by.Name, formatRanked(order, by.Values, 5))
	n = min(n, len(order))
	cols := min(10, n)
	rows := n / cols // of whole rows
	n = rows * cols
	lowest := slices.Clone(order[len(order)-n:])
	slices.Reverse(lowest)
	shown, err := p.Select(slices.Concat(order[:n], lowest))
	if err != nil {
		return err
	}
	labelled := set.Labelled(shown)
	pix, err := data.AllFloats(ctx, labelled)
	if err != nil {
		return err
	}
	made, err := m.Reconstruct(ctx, labelled)
	if err != nil {
		return err
	}
	sheet := sheetBuffer{img: m.Image()}
	var names, cells []string
	for r := range 2 * rows {
		sheet.add(pix, r*cols, cols)
		sheet.add(made, r*cols, cols)
		name := "strangest"
		if r >= rows {
			name = "most usual"
		}
		names = append(names, name, "decoded")
		for k := range cols {
			i := order[r%rows*cols+k]
			if r >= rows {
				i = lowest[(r-rows)*cols+k]
			}
			cell := fmt.Sprint(i)
			if p.Labels != nil {
				cell = fmt.Sprintf("%d: %s", i, set.Classes[p.Labels[i]])
			}
			cells = append(cells, cell)
		}
		cells = append(cells, slices.Repeat([]string{""}, cols)...)
	}
	img := m.Image()
	picture, err := viz.Sheet(sheet.pix, 4*rows, cols, img.H, img.W, img.C, viz.SheetOptions{Title: title + ", by " + by.Name, Rows: names, Cells: cells})
	if err != nil {
		return err
	}
	return a.writePNG(out, picture, "the %d strangest and the %d most usual by %s", n, n, by.Name)
}

// formatRanked returns the first n of order with their values.
func formatRanked(order []int, values []float64, n int) string {
	var parts []string
	for _, i := range order[:min(n, len(order))] {
		parts = append(parts, fmt.Sprintf("%d (%.4g)", i, values[i]))
	}
	return strings.Join(parts, ", ")
}
