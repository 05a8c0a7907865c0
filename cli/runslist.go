package cli

import (
	"bufio"
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/train/runlog"
)

// runsCommand returns the command runs: it lists the runs of a folder.
func (a *app) runsCommand() *cobra.Command {
	var (
		root, sortBy string
		metrics      []string
		asJSON       bool
	)
	c := &cobra.Command{
		Use:   "runs [<word>...]",
		Short: "List runs, filter and sort them, remove some",
		Long: `runs lists the runs of a folder, the one trained last first. With words, it lists those runs that have each word in
their name, recipe or data set.

The metrics are those of the last measurement: of imago eval where it was done, else of the best epoch in the log.
--sort NAME sorts by a metric, the best first, and shows it; - before the name turns the order.`,
		Example: `  imago runs
  imago runs mnist vae --sort test_loss
  imago runs --metric test_loss,test_kl --json
  imago runs remove mlp-vae-digits-001`,
		Args: argCount(0, -1, "words"),
		RunE: func(c *cobra.Command, words []string) error {
			runs, err := a.describeRuns(root, words)
			if err != nil {
				return err
			}
			by := strings.TrimPrefix(sortBy, "-")
			shown := metrics
			if by != "" && by != "date" && by != "name" && by != "size" && !slices.Contains(shown, by) {
				shown = append(slices.Clone(shown), by)
			}
			if len(shown) == 0 {
				shown = []string{eval.TestLoss}
			}
			if err := sortRuns(runs, by, strings.HasPrefix(sortBy, "-")); err != nil {
				return usage(c, err)
			}
			if asJSON {
				return a.printJSON(runs)
			}
			return a.printRuns(root, runs, shown)
		},
	}
	f := c.Flags()
	f.StringVar(&sortBy, "sort", "date", "date, name, size or the name of a `metric`")
	f.StringSliceVar(&metrics, "metric", nil, "`metrics` to show (default test_loss)")
	f.BoolVar(&asJSON, "json", false, "print all that is known of the runs as JSON")
	c.PersistentFlags().StringVar(&root, "out", runsDir, "`folder` of the runs")
	c.AddCommand(a.removeRuns(&root))
	return c
}

// A runSummary is what runs tells of a run.
type runSummary struct {
	Name    string             `json:"name"`
	Dir     string             `json:"dir"`
	Recipe  string             `json:"recipe"`
	Data    string             `json:"data"`
	Epoch   int                `json:"epoch"` // done
	Step    int64              `json:"step"`  // done
	Length  string             `json:"length"`
	Done    bool               `json:"done"`
	Trained time.Time          `json:"trained"` // when it was last
	Bytes   int64              `json:"bytes"`
	Metrics map[string]float64 `json:"metrics"`
	Fault   string             `json:"fault,omitempty"` // why no more is known

}

// describeRuns returns the runs of a folder that have all the words.
func (a *app) describeRuns(root string, words []string) ([]runSummary, error) {
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("there is no folder %s: make a run with imago train, or name its folder with --out", root)
	}
	runs := []runSummary{}
	for _, folder := range listRuns(root) {
		s := describeRun(folder)
		has := strings.ToLower(strings.Join([]string{s.Name, s.Recipe, s.Data}, " "))
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(has, strings.ToLower(w)) }) {
			runs = append(runs, s)
		}
	}
	return runs, nil
}

// describeRun returns what is known of a run; of a damaged one its fault.
func describeRun(folder runFolder) runSummary {
	s := runSummary{Name: filepath.Base(folder.dir), Dir: folder.dir, Trained: folder.when.UTC().Truncate(time.Second), Bytes: bytesOf(folder.dir), Metrics: map[string]float64{}}
	run, err := runlog.Open(folder.dir, "")
	if err != nil {
		s.Fault = err.Error()
		return s
	}
	s.Recipe, s.Data, s.Length = run.Config.Recipe, run.Config.Data.Name, run.Config.Length()
	log, err := run.Thinned(1)
	if err != nil {
		s.Fault = err.Error()
		return s
	}
	lines := log.Lines
	if n := len(lines); n > 0 {
		s.Epoch, s.Step = lines[n-1].Epoch, lines[n-1].Step
		s.Done = run.Config.IsLast(&lines[n-1])
	}
	if l := runlog.BestEpoch(lines); l != nil {
		s.Metrics = finiteMetrics(l.Test)
	}
	records, err := eval.ReadRecords(filepath.Join(folder.dir, eval.RecordsFile))
	if err != nil {
		s.Fault = err.Error()
	}
	for _, r := range records {
		if !math.IsNaN(r.Value) && !math.IsInf(r.Value, 0) {
			s.Metrics[r.Name] = r.Value
		}
	}
	return s
}

// finiteMetrics returns a copy of metrics less those that JSON cannot hold.
func finiteMetrics(metrics map[string]float64) map[string]float64 {
	out := map[string]float64{}
	for name, v := range metrics {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			out[name] = v
		}
	}
	return out
}

// bytesOf returns the bytes of the files in a folder; files that cannot be read count nothing.
func bytesOf(dir string) int64 {
	var n int64
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
		return nil
	})
	return n
}

// sortRuns sorts runs by date, name, size or a metric, the best first. Runs without the metric come last. It fails if no
// run has the metric.
func sortRuns(runs []runSummary, by string, turned bool) error {
	order := func(a, b *runSummary) int { return 0 } // by date as they are: the last first
	switch by {
	case "", "date":
	case "name":
		order = func(a, b *runSummary) int { return cmp.Compare(a.Name, b.Name) }
	case "size":
		order = func(a, b *runSummary) int { return cmp.Compare(b.Bytes, a.Bytes) }
	default:
		known := map[string]bool{}
		metric, _ := eval.Find(by)
		for _, r := range runs {
			for name := range r.Metrics {
				known[name] = true
			}
		}
		if !known[by] && len(runs) > 0 {
			return fmt.Errorf("--sort %q: want date, name, size, or a metric that these runs have: %s", by, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		order = func(a, b *runSummary) int {
			x, hasX := a.Metrics[by]
			y, hasY := b.Metrics[by]
			switch {
			case !hasX || !hasY:
				return cmp.Compare(btoi(hasY), btoi(hasX))
			case metric.Up != turned:
				return cmp.Compare(y, x)
			}
			return cmp.Compare(x, y)
		}
		turned = false // done above, so that runs without the metric stay last
	}
	slices.SortStableFunc(runs, func(a, b runSummary) int { return order(&a, &b) })
	if turned {
		slices.Reverse(runs)
	}
	return nil
}

// btoi returns 1 for true.
func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// printRuns prints runs as a table with those metrics.
func (a *app) printRuns(root string, runs []runSummary, metrics []string) error {
	if len(runs) == 0 {
		fmt.Fprintf(a.out, "no such runs in %s\n", root)
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "run\trecipe\tdata\ttrained\t%s\tsize\tlast\n", strings.Join(metrics, "\t"))
	var total int64
	for _, r := range runs {
		total += r.Bytes
		progress := fmt.Sprintf("%s of %s", thousands(r.Step), r.Length)
		if strings.Contains(r.Length, "epoch") {
			progress = fmt.Sprintf("%d of %s", r.Epoch, r.Length)
		}
		if r.Done {
			progress = r.Length
		}
		cells := []string{screen.Name(r.Name), screen.Name(r.Recipe), screen.Name(filepath.Base(r.Data)), screen.Name(progress)}
		for _, m := range metrics {
			cell := "–"
			if v, ok := r.Metrics[m]; ok {
				cell = fmt.Sprintf("%.5g", v)
			}
			cells = append(cells, cell)
		}
		cells = append(cells, megabytes(r.Bytes), r.Trained.Local().Format("2006-01-02 15:04"))
		fmt.Fprintln(w, strings.Join(cells, "\t"))
		if r.Fault != "" {
			a.warn("%s", r.Fault)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s, %s\n", english.Plural(len(runs), "run"), megabytes(total))
	return nil
}

// removeRuns returns the command runs remove.
func (a *app) removeRuns(root *string) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "remove <run>...",
		Short: "Remove runs with all their files",
		Long: `remove deletes the folders of runs: checkpoints, log, pictures and report. It names them and their size first, and
deletes only if the answer is yes; --yes does not ask. A run that is being trained is not removed.`,
		Example: `  imago runs remove mlp-vae-digits-001 mlp-vae-digits-002
  imago runs remove mlp-vae-digits-003 --yes`,
		Args: argCount(1, -1, "runs"),
		RunE: func(c *cobra.Command, names []string) error {
			var runs []*runlog.Run
			var total int64
			for _, name := range names {
				dir := filepath.Join(*root, name)
				if _, err := os.Stat(dir); err != nil {
					dir = name
				}
				run, err := runlog.Open(dir, "")
				if err != nil {
					return err
				}
				runs, total = append(runs, run), total+bytesOf(run.Dir)
			}
			what := fmt.Sprintf("%s, %s: %s", english.Plural(len(runs), "run"), megabytes(total), screen.Name(strings.Join(names, ", ")))
			if !yes && !term.IsTerminal(int(os.Stdin.Fd())) {
				return fmt.Errorf("nothing was removed: --yes removes %s", what)
			}
			if !yes {
				fmt.Fprintf(a.err, "remove %s? Type yes: ", what)
				answer, _ := bufio.NewReader(os.Stdin).ReadString('\n')
				if answer = strings.TrimSpace(answer); answer != "yes" {
					return fmt.Errorf("nothing was removed: the answer was %q, not yes", answer)
				}
			}
			for _, run := range runs {
				if err := run.Remove(); err != nil {
					return err
				}
				fmt.Fprintf(a.out, "removed %s\n", screen.Name(run.Dir))
			}
			return nil
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "remove without asking")
	return c
}
