package cli

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/anomaly"
	"github.com/imago-ml/imago/analysis/probe"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/formats/columns"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/viz"
)

// anomaly returns the command anomaly: it ranks images by how unlike the training images they are.
func (a *app) anomaly() *cobra.Command {
	var (
		from              modelSource
		set               setFlags
		how               detectorFlags
		limit             thresholdFlags
		normal, anomalous []string
		by                string
		n                 int
		out, scores       string
	)
	c := &cobra.Command{
		Use:   "anomaly <run>",
		Short: "Rank images by how unlike the training images they are",
		Long: `anomaly scores images of the run's data set, or all of --data, with a model trained on normal images. A high score is
anomalous:

  reconstruction  the reconstruction error, averaged over draws of the code
  elbo            the negative evidence lower bound: the reconstruction error plus the KL
  density         the negative log-density of the code under a mixture of Gaussians, fitted to codes of training images
  combined        code and reconstruction together: the reconstruction error compared with that of training images with
                  similar codes
  range           of a table: how far values lie beyond those of the training rows; it is part of the other scores too

The detector, the densities and a threshold for each score, is fitted at the end of training and saved with the run, so
no training data is needed. Of --scores, the column anomaly says whether the score of --by is above the threshold.

If labels give the anomalous images, each score is evaluated by AUROC, the probability that an anomalous image scores
above a normal one, and AUPRC, the average precision. A run trained --without a class is evaluated on that class. The
picture shows the images with the highest and the lowest scores, above their reconstructions.`,
		Example: `  imago train mlp-vae --data mnist --latent 20 --without 3
  imago anomaly latest
  imago anomaly latest --anomalous 3,8 --by density --scores scores.csv
  imago anomaly latest --data transactions.csv --anomalous fraud --threshold fpr:0.01 --save-threshold
  imago anomaly runs/parts --data inspect/ --scores scores.jsonl --fail-on-anomaly
  imago anomaly runs/rows --data new.csv --scores - --out none
  imago anomaly sweep mlp-vae --data mnist --latent 20`,
		Args: argCount(0, 1, "a run"),
	}
	f := c.Flags()
	f.StringSliceVar(&anomalous, "anomalous", nil, "`classes` or attributes that are anomalous (default those the run was trained without)")
	f.StringSliceVar(&normal, "normal", nil, "`classes` or attributes that are normal; all others are anomalous")
	how.addFlags(c)
	seedFlag(c, &how.seed, "the draws and of the initial values of the fit")
	f.StringVar(&by, "by", anomaly.Combined, "`score` to rank by: reconstruction, elbo, density, combined or range")
	limit.addFlags(c)
	f.IntVarP(&n, "count", "n", 20, "`number` of images at each end of the ranking to draw")
	f.StringVar(&out, "out", "anomaly.png", "PNG `file` to write, or none")
	f.StringVar(&scores, "scores", "", tableFile("all scores"))
	set.addFlags(c)
	from.addFlags(a, c)
	c.AddCommand(a.anomalySweep(), a.anomalyFit())
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := cmp.Or(oneOf("by", by, anomaly.Reconstruction, anomaly.ELBO, anomaly.Density, anomaly.Combined, anomaly.Range), how.check(), atLeast("count", n, 1), checkOptionalPicture(out), checkTableFile("scores", scores), set.check()); err != nil {
			return usage(c, err)
		}
		if anomalous != nil && normal != nil {
			return usagef(c, "both --anomalous and --normal: want one of them")
		}
		if _, _, err := limit.parse(); err != nil {
			return usage(c, err)
		}
		table := a.redirect(scores)
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		if limit.save && !m.takesFiles() {
			return usagef(c, "--save-threshold: %s, and no threshold is saved with it", m.noFiles())
		}
		d, err := a.openDetector(c, m, &from, &set, &how)
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
		fmt.Fprintf(a.err, "scoring %s of %s\n", set.items(m, split.Len()), s.Name)
		all, err := d.Score(c.Context(), s.Labelled(split))
		if err != nil {
			return err
		}
		at := slices.IndexFunc(all, func(x anomaly.Score) bool { return x.Name == by })
		if at < 0 {
			if c.Flags().Changed("by") {
				return fmt.Errorf("anomaly: %s has no score %s; it has %s", m.name, by, strings.Join(scoreNames(all), ", "))
			}
			at = slices.IndexFunc(all, func(x anomaly.Score) bool { return x.Name == anomaly.Reconstruction })
		}
		score := all[at]
		t, err := limit.choose(d, score, positive)
		if err != nil {
			return usage(c, err)
		}
		found := above(score, t)
		if err := a.printQuality(all, positive, what, m.noun()); err != nil {
			return err
		}
		if scores != "" {
			if err := a.writeTable(table, scores, split.Len(), scoreColumns(all, s, split, positive, found), "the scores of %s of %s by %s", set.items(m, split.Len()), s.Name, m.name); err != nil {
				return err
			}
		}
		a.printThreshold(score, t, found, positive, m.noun())
		if limit.save {
			d.SetThreshold(score.Name, t)
			if err := a.saveDetector(m, d); err != nil {
				return err
			}
		}
		r := &ranking{m: m, set: s, split: split, score: score, title: m.titleOf(s, &set), order: descending(score.Values)}
		a.printHighest(r, 5)
		if out != noPicture {
			if err := a.drawRanking(c.Context(), r, n, out); err != nil {
				return err
			}
		}
		if k := countTrue(found); limit.fail && k > 0 {
			return fmt.Errorf("%s of %s: %w, by --fail-on-anomaly", thousands(k), english.Plural(len(found), m.noun()), errAnomaly)
		}
		return nil
	}
	return c
}

// noPicture is the value of --out of a command that may draw nothing.
const noPicture = "none"

// checkOptionalPicture returns an error if name, the value of --out, is neither the name of a PNG file nor noPicture.
func checkOptionalPicture(name string) error {
	if name == noPicture {
		return nil
	}
	return checkPNGName(name)
}

// descending returns the indices of values, from the highest on.
func descending(values []float64) []int {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(values[j], values[i]) })
	return order
}

// anomalyMask reports for each image of a split whether it is anomalous, and describes the anomalous classes. It
// returns nil if the user named no class or attribute.
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
		return nil, "", fmt.Errorf("--%s %s: %s of %s are anomalous: want some and not all", flag, strings.Join(names, ","), thousands(k), english.Plural(len(positive), "image"))
	}
	return positive, what, nil
}

// countTrue returns the number of true values.
func countTrue(with []bool) int {
	n := 0
	for _, w := range with {
		if w {
			n++
		}
	}
	return n
}

// scoreNames returns the names of scores.
func scoreNames(all []anomaly.Score) []string {
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
	}
	return names
}

// printQuality prints the AUROC and AUPRC of each score, if it is known which images are positive.
func (a *app) printQuality(all []anomaly.Score, positive []bool, what, noun string) error {
	if positive == nil {
		fmt.Fprintf(a.out, "no %ss are known to be anomalous (--anomalous, --normal): they are ranked only\n", noun)
		return nil
	}
	k := countTrue(positive)
	fmt.Fprintf(a.out, "anomalous: %s, %s of %s, so by chance AUPRC is %.3f\n", what, thousands(k), english.Plural(len(positive), noun), float64(k)/float64(len(positive)))
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

// scoreColumns returns a table of scores with one row for each image.
func scoreColumns(all []anomaly.Score, set *data.Set, p data.Split, positive, found []bool) []columns.Column {
	table := originColumns(set, data.Split{Items: p.Items, Labels: p.Labels, Origins: p.Origins})
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
	table = append(table, columns.Column{Name: "anomaly", Bool: func(i int) bool { return found[i] }})
	if slices.ContainsFunc(all, func(s anomaly.Score) bool { return s.Name == anomaly.Range }) {
		table = append(table, columns.Column{
			Name:    "beyond",
			Text:    func(i int) string { return formatBeyond(p.Beyond(i), len(p.Beyond(i))) },
			Missing: func(i int) bool { return len(p.Beyond(i)) == 0 },
		})
	}
	return table
}

// formatBeyond formats the first n values that lie beyond the training rows, with their columns.
func formatBeyond(values []data.Beyond, n int) string {
	var parts []string
	for _, b := range values[:min(n, len(values))] {
		text := english.Distinct(b.Value, b.Min, b.Max)
		parts = append(parts, fmt.Sprintf("%s = %s, training %s to %s", b.Name, text[0], text[1], text[2]))
	}
	if more := len(values) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, "; ")
}

// A ranking is the images of a split with a score of each.
type ranking struct {
	m     *trainedModel
	set   *data.Set
	split data.Split
	score anomaly.Score
	title string
	order []int // of the split, from the highest score on
}

// printHighest prints the names of the n items with the highest scores, and which of their values lie beyond those of
// the training rows.
func (a *app) printHighest(r *ranking, n int) {
	var parts []string
	for _, i := range r.order[:min(n, len(r.order))] {
		parts = append(parts, fmt.Sprintf("%s: %.4g", screen.Name(nameOf(r.split, i)), r.score.Values[i]))
	}
	fmt.Fprintf(a.out, "highest %s: %s\n", r.score.Name, strings.Join(parts, ", "))
	for _, i := range r.order[:min(n, len(r.order))] {
		if beyond := r.split.Beyond(i); len(beyond) > 0 {
			fmt.Fprintf(a.out, "  %s: %s\n", screen.Name(nameOf(r.split, i)), formatBeyond(beyond, 3))
		}
	}
}

// drawRanking draws the n images with the highest scores and the n with the lowest, each above its reconstruction, to
// the file out.
func (a *app) drawRanking(ctx context.Context, r *ranking, n int, out string) error {
	p, by, order := r.split, r.score, r.order
	n = min(n, len(order))
	cols := min(10, n)
	if _, ok := r.m.Item().Medium.(medium.Tabular); ok { // each is a line, above its reconstruction
		cols = 1
	}
	rows := n / cols // whole rows only
	n = rows * cols
	lowest := slices.Clone(order[len(order)-n:])
	slices.Reverse(lowest)
	shown, err := p.Select(slices.Concat(order[:n], lowest))
	if err != nil {
		return err
	}
	labelled := r.set.Labelled(shown)
	pix, err := data.AllFloats(ctx, labelled)
	if err != nil {
		return err
	}
	made, err := r.m.Reconstruct(ctx, labelled)
	if err != nil {
		return err
	}
	img := r.m.Item()
	sheet := sheetBuffer{img: img}
	var names, cells []string
	for row := range 2 * rows {
		sheet.add(pix, row*cols, cols)
		sheet.add(made, row*cols, cols)
		name := "highest"
		if row >= rows {
			name = "lowest"
		}
		names = append(names, name, "decoded")
		for k := range cols {
			i := order[row%rows*cols+k]
			if row >= rows {
				i = lowest[(row-rows)*cols+k]
			}
			cell := filepath.Base(nameOf(p, i))
			if p.Labels != nil {
				cell = fmt.Sprintf("%s: %s", cell, r.set.Classes[p.Labels[i]])
			}
			cells = append(cells, cell+"\n"+strings.Replace(fmt.Sprintf("%.4g", by.Values[i]), "-", "−", 1))
		}
		cells = append(cells, slices.Repeat([]string{""}, cols)...)
	}
	picture, err := viz.Sheet(img, sheet.pix, 4*rows, cols, viz.SheetOptions{
		Title: fmt.Sprintf("%s: the most and the least unusual of %s", r.title, english.Plural(p.Len(), r.m.noun())), Rows: names, Cells: cells,
		Note: r.m.note(fmt.Sprintf("with each: its name or number, its class, and its score %s; a high one is unusual", by.Name), "decoded: what the model makes of it"),
	})
	if err != nil {
		return err
	}
	return a.writePNG(out, picture, "the %d %ss with the highest score and the %d with the lowest by %s", n, r.m.noun(), n, by.Name)
}
