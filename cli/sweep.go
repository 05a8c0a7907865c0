package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/analysis/trials"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/formats/columns"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/viz"
)

// A search is what the trials of sweep share.
type search struct {
	train  *trainFlags
	recipe string
	name   string // of its files, and the beginning of those of its runs
	dims   []trials.Dimension
	seeds  int
	by     string // the metric that orders the trials; "" = the loss of images that are not trained on
	up     bool   // a large value of it is good
}

// A searchTrial is one point of a search and what came of it.
type searchTrial struct {
	Trial  int               `json:"trial"` // from 1
	Values map[string]string `json:"values"`
	Runs   []seedRun         `json:"runs,omitempty"`
	// Metrics are the means over the runs, SD their standard deviations with the divisor n − 1, of two runs or more.
	Metrics map[string]float64 `json:"metrics,omitempty"`
	SD      map[string]float64 `json:"sd,omitempty"`
	Failed  string             `json:"failed,omitempty"` // why there are no metrics
}

// sweep returns the command sweep: it trains a recipe with many values of its options.
func (a *app) sweep() *cobra.Command {
	var (
		t    trainFlags
		s    search
		over []string
		n    int
		grid = "grid"
	)
	c := &cobra.Command{
		Use:   "sweep <recipe>",
		Short: "Train a recipe with many values of its options, and compare them",
		Long: `sweep trains the recipe once for each trial, and orders the trials by a metric. A trial has a value of each option of
--over: without --trials every combination of the values (a grid), with it so many points drawn at random.

  latent=2,8,32        a list of values
  lr=1e-4..1e-2        a range, even; after it may follow
  lr=1e-4..1e-2:log    that the logarithm is even, and
  lr=1e-4..1e-2:log:5  the number of points that a grid has of it

Each trial is a run NAME-tNNN in --out. Given again, the command goes on where it was: what is complete is not trained
again, and more --trials or --seeds add to what is there. The table is written to NAME-sweep.csv and .json, and drawn to
NAME-sweep.png as parallel coordinates.`,
		Example: `  imago sweep mlp-vae --data mnist --epochs 2 --over latent=2,8,32 --over lr=1e-4..1e-2:log:3
  imago sweep mlp-vae --data mnist --epochs 2 --over lr=1e-4..1e-2:log --over beta=0.5..4 --trials 20
  imago sweep dense-gan --steps 5000 --over d-rate=0.5,1,2 --measure fid --by fid --seeds 3`,
		Args: argCount(1, 1, "a recipe"),
	}
	f := c.Flags()
	f.StringArrayVar(&over, "over", nil, "an `option` and its values, as latent=2,8,32 or lr=1e-4..1e-2:log; may be repeated")
	f.IntVar(&n, "trials", 0, "`number` of points to draw at random; 0 means a grid")
	seedsFlag(c, &s.seeds, "`number` of runs of each trial, which differ in the seed; the trials are ordered by their mean (default 1)")
	f.StringVar(&s.by, "by", "", "`metric` to order the trials by, the first with this word in its name (default the validation loss or, without a validation part, the test loss)")
	t.addFlags(c)
	t.addMeasureFlags(c)
	withoutFlag(c, &t.without)
	f.StringVar(&t.name, "name", "", "`name` of the search (default RECIPE-SET)")
	runsFlag(c, &t.out)
	t.options = a.addModelFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		s.train, s.recipe, t.bare = &t, args[0], true
		t.keep, t.checkpointSeconds, t.picturesEvery = 1, 60, -1
		if n > 0 {
			grid = "random"
		}
		points, err := s.points(c, over, n)
		if err != nil {
			return usage(c, err)
		}
		if err := a.checkPoints(c, &s, points); err != nil {
			return err
		}
		fmt.Fprintf(a.out, "search     %s of %s, %s\n", english.Plural(len(points), "trial"), s.recipe, grid)
		table, err := a.runSearch(c, &s, points)
		if err != nil {
			return err
		}
		return a.writeSearch(&s, table)
	}
	return c
}

// notSwept are the flags of sweep that are no options of a training.
var notSwept = []string{"over", "trials", "seeds", "by", "name", "out", "threads", "data-dir", "no-cache", "help", "measure", "measure-every", "measure-images"}

// points returns the points of the search, after it has checked the flags.
func (s *search) points(c *cobra.Command, over []string, n int) ([][]string, error) {
	switch {
	case len(over) == 0:
		return nil, fmt.Errorf("sweep wants --over OPTION=VALUES, as --over latent=2,8,32")
	case n < 0 || n > trials.MaxTrials:
		return nil, fmt.Errorf("--trials %d: want 1 to %d, or 0 for a grid", n, trials.MaxTrials)
	case c.Flags().Changed("seeds") && (s.seeds < 1 || s.seeds > maxSeeds):
		return nil, fmt.Errorf("--seeds %d: want 1 to %d", s.seeds, maxSeeds)
	}
	seen := map[string]bool{}
	for _, text := range over {
		d, err := trials.ParseDimension(text)
		if err != nil {
			return nil, fmt.Errorf("--over %w", err)
		}
		flag := c.Flags().Lookup(d.Name)
		switch {
		case flag == nil || flag.Hidden || slices.Contains(notSwept, d.Name):
			var known []string
			for _, name := range flagNames(c) {
				if !slices.Contains(notSwept, strings.TrimPrefix(name, "--")) {
					known = append(known, name)
				}
			}
			return nil, fmt.Errorf("--over %s: there is no such option%s; see imago train %s --help", d.Name, data.DidYouMean(d.Name, known), s.recipe)
		case d.Name == "seed":
			return nil, fmt.Errorf("--over seed: use --seeds 5 for runs that differ in the seed")
		case flag.Changed:
			return nil, fmt.Errorf("both --%s and --over %s: want one of them", d.Name, d.Name)
		case seen[d.Name]:
			return nil, fmt.Errorf("--over %s twice: give all values in one", d.Name)
		}
		seen[d.Name] = true
		d.Whole = slices.Contains([]string{"int", "int64", "uint64"}, flag.Value.Type())
		s.dims = append(s.dims, d)
	}
	if n > 0 {
		return trials.Random(s.dims, n, rng.New(s.train.seed).Split("sweep")), nil
	}
	points, err := trials.Grid(s.dims)
	if err != nil {
		return nil, fmt.Errorf("--over: %w; or --trials 20 for points at random", err)
	}
	return points, nil
}

// set gives the options of --over the values of a point.
func (s *search) set(c *cobra.Command, point []string) error {
	for i, d := range s.dims {
		if err := c.Flags().Set(d.Name, point[i]); err != nil {
			return flagError(c, err)
		}
	}
	return nil
}

// checkPoints returns an error if the configuration of a point is not valid. It opens no data.
func (a *app) checkPoints(c *cobra.Command, s *search, points [][]string) error {
	for _, p := range points {
		if err := s.set(c, p); err != nil {
			return err
		}
		rec, cfg, err := a.configureRun(s.train, s.recipe)
		if err != nil {
			return usage(c, err)
		}
		from := s.train.dataOf(c)
		if err := s.train.checkNumbers(c, rec, cfg, from.Source, from.Options()); err != nil {
			return usage(c, err)
		}
	}
	return nil
}

// runSearch trains the trials one after the other. One that fails, as by a loss that is not finite, is kept with the
// reason. It writes the table as it goes.
func (a *app) runSearch(c *cobra.Command, s *search, points [][]string) ([]searchTrial, error) {
	var table []searchTrial
	for i, p := range points {
		trial := searchTrial{Trial: i + 1, Values: map[string]string{}}
		var words []string
		for j, d := range s.dims {
			trial.Values[d.Name] = p[j]
			words = append(words, d.Name+" "+p[j])
		}
		fmt.Fprintf(a.out, "trial      %d of %d: %s\n", i+1, len(points), strings.Join(words, ", "))
		err := a.runTrial(c, s, &trial, p)
		if err := c.Context().Err(); err != nil {
			return nil, fmt.Errorf("%w: the same command goes on from here", context.Cause(c.Context()))
		}
		if other := (*otherRunError)(nil); errors.As(err, &other) {
			return nil, err
		}
		if err != nil {
			trial.Failed = a.errorText(err)
			a.warn("trial %d: %s", i+1, trial.Failed)
		}
		table = append(table, trial)
	}
	return table, nil
}

// runTrial trains the runs of one trial.
func (a *app) runTrial(c *cobra.Command, s *search, trial *searchTrial, point []string) error {
	if err := s.set(c, point); err != nil {
		return err
	}
	config, _, set, err := a.prepare(c, s.train, s.recipe)
	if err != nil {
		return err
	}
	if s.name == "" {
		if s.name = s.train.name; s.name == "" {
			s.name = runlog.CleanName(s.recipe) + "-" + runlog.CleanName(filepath.Base(set.Name))
		}
	}
	name := fmt.Sprintf("%s-t%03d", s.name, trial.Trial)
	if s.seeds > 1 {
		trial.Runs, err = a.runSeeds(c, s.train, name, config, set, s.seeds)
	} else {
		var metrics map[string]float64
		metrics, err = a.trainNamed(c, s.train, name, config, set)
		trial.Runs = []seedRun{{name, config.Seed, metrics}}
	}
	if err != nil {
		trial.Runs = nil
		return err
	}
	trial.Metrics, trial.SD = map[string]float64{}, map[string]float64{}
	for metric, v := range summaries(trial.Runs) {
		trial.Metrics[metric] = v.Mean
		if v.N > 1 {
			trial.SD[metric] = v.SD
		}
	}
	return nil
}

// metricOf returns the metric that orders the trials, of those that the trials have.
func (s *search) metricOf(table []searchTrial) (string, error) {
	all := map[string]bool{}
	for _, t := range table {
		for name := range t.Metrics {
			all[name] = true
		}
	}
	names := slices.SortedFunc(maps.Keys(all), eval.ByImportance)
	if s.by == "" {
		for _, name := range []string{"validation_loss", "test_loss", "train_loss"} {
			if all[name] {
				return name, nil
			}
		}
		return "", fmt.Errorf("the trials have no loss that orders them: name a metric with --by; they have %s", strings.Join(names, ", "))
	}
	if all[s.by] {
		return s.by, nil
	}
	for _, name := range names {
		if strings.Contains(name, s.by) {
			return name, nil
		}
	}
	return "", fmt.Errorf("--by %q%s: no metric of the trials has it in its name; they have %s", s.by, data.DidYouMean(s.by, names), strings.Join(names, ", "))
}

// writeSearch prints the trials in order, and writes the table and the picture.
func (a *app) writeSearch(s *search, table []searchTrial) error {
	done := slices.DeleteFunc(slices.Clone(table), func(t searchTrial) bool { return t.Failed != "" })
	if len(done) == 0 {
		return fmt.Errorf("no trial came to its end: %s", table[0].Failed)
	}
	by, err := s.metricOf(done)
	if err != nil {
		return err
	}
	metric, _ := eval.Find(by)
	s.up = metric.Up
	value := func(t searchTrial) float64 {
		if v, ok := t.Metrics[by]; ok {
			return v
		}
		return math.NaN()
	}
	slices.SortStableFunc(table, func(x, y searchTrial) int { // trials without a value come last
		a, b := value(x), value(y)
		switch {
		case math.IsNaN(a) || math.IsNaN(b):
			return btoi(math.IsNaN(a)) - btoi(math.IsNaN(b))
		case s.up:
			return cmp.Compare(b, a)
		}
		return cmp.Compare(a, b)
	})
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "\ntrial\t")
	for _, d := range s.dims {
		fmt.Fprintf(w, "%s\t", d.Name)
	}
	fmt.Fprintf(w, "%s\t", by)
	if s.seeds > 1 {
		fmt.Fprintf(w, "sd (n−1)\t")
	}
	for _, t := range table {
		fmt.Fprintf(w, "\n%d\t", t.Trial)
		for _, d := range s.dims {
			fmt.Fprintf(w, "%s\t", t.Values[d.Name])
		}
		if t.Failed != "" {
			fmt.Fprint(w, "failed\t")
		} else {
			fmt.Fprintf(w, "%.5g\t", value(t))
		}
		if s.seeds > 1 {
			fmt.Fprintf(w, "%.2g\t", t.SD[by])
		}
	}
	fmt.Fprintln(w)
	if err := w.Flush(); err != nil {
		return err
	}
	path := filepath.Join(s.train.out, s.name+"-sweep")
	if err := writeJSON(path+".json", map[string]any{"recipe": s.recipe, "by": by, "trials": table}); err != nil {
		return err
	}
	a.printWritten(path+".json", "%s of %s, the best first", english.Plural(len(table), "trial"), s.recipe)
	if err := a.writeTable(a.out, path+".csv", len(table), s.columns(table), "the same with every metric"); err != nil {
		return err
	}
	img, err := s.picture(table, by, value)
	if err != nil {
		return err
	}
	return a.writePNG(path+".png", img, "parallel coordinates, the best trial dark")
}

// columns returns the table of the trials: number, options, every metric, and its deviation if there are several seeds.
func (s *search) columns(table []searchTrial) []columns.Column {
	cols := []columns.Column{{Name: "trial", Int: func(i int) int32 { return int32(table[i].Trial) }}}
	for _, d := range s.dims {
		cols = append(cols, columns.Column{Name: d.Name, Text: func(i int) string { return table[i].Values[d.Name] }})
	}
	number := func(name string, of func(t searchTrial) map[string]float64, metric string) columns.Column {
		return columns.Column{Name: name,
			Float:   func(i int) float32 { return float32(of(table[i])[metric]) },
			Missing: func(i int) bool { _, ok := of(table[i])[metric]; return !ok }}
	}
	names := map[string]bool{}
	for _, t := range table {
		for name := range t.Metrics {
			names[name] = true
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(names), eval.ByImportance) {
		cols = append(cols, number(name, func(t searchTrial) map[string]float64 { return t.Metrics }, name))
		if s.seeds > 1 {
			cols = append(cols, number(name+"_sd", func(t searchTrial) map[string]float64 { return t.SD }, name))
		}
	}
	return append(cols, columns.Column{Name: "failed", Text: func(i int) string { return table[i].Failed }})
}

// picture draws the trials in parallel coordinates: an axis for each option, and that of the metric.
func (s *search) picture(table []searchTrial, by string, value func(searchTrial) float64) (image.Image, error) {
	var axes []viz.Axis
	for _, d := range s.dims {
		axis := viz.Axis{Name: d.Name, Log: d.Log}
		for _, t := range table {
			v, err := strconv.ParseFloat(t.Values[d.Name], 64)
			if d.Values != nil || err != nil {
				axis.Words = append(axis.Words, t.Values[d.Name])
			} else {
				axis.Numbers = append(axis.Numbers, v)
			}
		}
		if d.Values != nil { // in the order of the list, not of the trials
			axis.Order = d.Values
		}
		axes = append(axes, axis)
	}
	last := viz.Axis{Name: by}
	for _, t := range table {
		last.Numbers = append(last.Numbers, value(t))
	}
	note := fmt.Sprintf("%s, dark is good; the best: trial %d", english.Plural(len(table), "trial"), table[0].Trial)
	return viz.Parallel(append(axes, last), viz.ParallelOptions{Title: s.name, Note: note, Up: s.up})
}
