package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/analysis/trials"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/formats/columns"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// maxSeeds bounds --seeds.
const maxSeeds = 1000

// seedsFlag declares --seeds of a command that trains.
func seedsFlag(c *cobra.Command, n *int, text string) {
	c.Flags().IntVar(n, "seeds", 0, text)
}

// A seedRun is one of several runs that differ in the seed.
type seedRun struct {
	Run     string             `json:"run"`
	Seed    uint64             `json:"seed"`
	Metrics map[string]float64 `json:"metrics"`
}

// A seedsReport is what --seeds writes.
type seedsReport struct {
	Recipe  string                    `json:"recipe"`
	Data    string                    `json:"data"`
	Runs    []seedRun                 `json:"runs"`
	Metrics map[string]trials.Summary `json:"metrics"` // sd with the divisor n − 1, half the width of the 95 % interval by Student's t
}

// trainSeeds trains a recipe once for each seed of --seeds, and prints the mean and the deviation of every metric.
func (a *app) trainSeeds(c *cobra.Command, t *trainFlags, recipe string) error {
	if t.seedRuns < 2 || t.seedRuns > maxSeeds {
		return usagef(c, "--seeds %d: want 2 to %d", t.seedRuns, maxSeeds)
	}
	config, m, set, err := a.prepare(c, t, recipe)
	if err != nil {
		return err
	}
	a.printNotes(set, true)
	a.doubt(&config, set)
	if t.dryRun {
		return a.printConfig(config, m)
	}
	name := t.name
	if name == "" {
		name = runlog.CleanName(recipe) + "-" + runlog.CleanName(filepath.Base(set.Name))
	}
	runs, err := a.runSeeds(c, t, name, config, set, t.seedRuns)
	if err != nil {
		return err
	}
	r := seedsReport{Recipe: recipe, Data: set.Name, Runs: runs, Metrics: summaries(runs)}
	return a.writeSeeds(&r, filepath.Join(t.out, name+"-seeds"))
}

// runSeeds trains n runs NAME-seedS, with the seeds from that of config on. What is complete is not trained again.
func (a *app) runSeeds(c *cobra.Command, t *trainFlags, name string, config runlog.Config, set *data.Set, n int) ([]seedRun, error) {
	var runs []seedRun
	first := config.Seed
	for i := range n {
		config.Seed = first + uint64(i)
		own := fmt.Sprintf("%s-seed%d", name, config.Seed)
		fmt.Fprintf(a.out, "run        %d of %d, %s\n", i+1, n, own)
		metrics, err := a.trainNamed(c, t, own, config, set)
		if err != nil {
			return nil, err
		}
		runs = append(runs, seedRun{own, config.Seed, metrics})
	}
	return runs, nil
}

// trainNamed trains the run of that name in t.out, or goes on with it, and returns its metrics. A run that is complete
// is used as it is. The same name with another configuration is an error.
func (a *app) trainNamed(c *cobra.Command, t *trainFlags, name string, config runlog.Config, set *data.Set) (map[string]float64, error) {
	run, m, err := a.openNamed(t.out, name, config)
	if err != nil {
		return nil, err
	}
	done, err := isComplete(run)
	if err != nil {
		return nil, err
	}
	if done {
		fmt.Fprintf(a.out, "done       complete already, in %s\n", run.Dir)
	} else if err := a.runTraining(c, t, run, m, set); err != nil {
		return nil, err
	}
	return finalMetrics(run)
}

// openNamed returns the run of that name in the folder root, which it makes unless it is there, and its model.
func (a *app) openNamed(root, name string, config runlog.Config) (*runlog.Run, *model.Model, error) {
	dir := filepath.Join(root, name)
	var run *runlog.Run
	var err error
	if _, missing := os.Stat(filepath.Join(dir, runlog.ConfigFile)); missing != nil { // or it was stopped before it began
		run, err = runlog.Create(root, name, config)
	} else if run, err = runlog.Open(dir, ""); err == nil {
		config.Imago, config.Go = run.Config.Imago, run.Config.Go // the versions that made it
		same := config                                            // what a run may change when it goes on
		same.Epochs, same.Steps, same.Checkpoints, same.Pictures = run.Config.Epochs, run.Config.Steps, run.Config.Checkpoints, run.Config.Pictures
		if other := differences(run.Config, same); other != "" {
			err = &otherRunError{dir, other}
		} else if differences(run.Config, config) != "" {
			err = run.Change(config)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	m, err := run.Config.Build(&a.Models)
	return run, m, err
}

// An otherRunError says that the name of a run is taken by a run of another configuration.
type otherRunError struct{ dir, differences string }

// Error returns the message, with the fields that differ.
func (e *otherRunError) Error() string {
	return fmt.Sprintf("%s is there already, with another configuration: %s; choose another --out folder, or remove the run with imago runs remove", e.dir, e.differences)
}

// differences returns the fields in which two configurations differ, with their values; "" if they are equal.
func differences(was, now runlog.Config) string {
	now.Arithmetic = was.Arithmetic // of the device, not of the user
	a, b := was.Fields(), now.Fields()
	all := maps.Clone(a)
	maps.Copy(all, b)
	var other []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if a[name] != b[name] {
			other = append(other, fmt.Sprintf("%s is %s there and %s here", name, orNone(a[name]), orNone(b[name])))
		}
	}
	return strings.Join(other, ", ")
}

// orNone returns the text, or none for an empty one.
func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// isComplete reports whether a run has reached its end and saved it.
func isComplete(run *runlog.Run) (bool, error) {
	log, err := run.Thinned(1)
	if err != nil {
		return false, err
	}
	epochs := runlog.Epochs(log.Lines)
	if len(epochs) == 0 || !run.Config.IsLast(&epochs[len(epochs)-1]) {
		return false, nil
	}
	found, err := ckpt.Latest(run.Checkpoints())
	if errors.Is(err, ckpt.ErrNone) {
		return false, nil
	}
	return err == nil && found.State.Step >= epochs[len(epochs)-1].Step, err
}

// finalMetrics returns the metrics of the last epoch of a run: those of the test and validation images and the measured ones by their
// names, those of the training images with train_ before, and the lowest test loss as best_test_loss.
func finalMetrics(run *runlog.Run) (map[string]float64, error) {
	log, err := run.Thinned(1) // the lowest test loss is among the lines
	if err != nil {
		return nil, err
	}
	epochs := runlog.Epochs(log.Lines)
	if len(epochs) == 0 {
		return nil, fmt.Errorf("%s has no line of an epoch in its log: train it", run.Dir)
	}
	last, best := epochs[len(epochs)-1], math.Inf(1)
	metrics := map[string]float64{}
	for name, v := range last.Train {
		metrics["train_"+name] = v
	}
	maps.Copy(metrics, last.Test)
	maps.Copy(metrics, last.Validation)
	for _, l := range epochs {
		if v, ok := l.Test["test_loss"]; ok {
			best = min(best, v)
		}
	}
	if !math.IsInf(best, 1) {
		metrics["best_test_loss"] = best
	}
	return metrics, nil
}

// summaries returns the summary of each metric that all runs have.
func summaries(runs []seedRun) map[string]trials.Summary {
	all := map[string]trials.Summary{}
	for name := range runs[0].Metrics {
		var values []float64
		for _, r := range runs {
			if v, ok := r.Metrics[name]; ok {
				values = append(values, v)
			}
		}
		if len(values) == len(runs) {
			all[name] = trials.Summarise(values)
		}
	}
	return all
}

// writeSeeds prints the report as a table and writes it to PATH.json and PATH.csv.
func (a *app) writeSeeds(r *seedsReport, path string) error {
	names := slices.SortedFunc(maps.Keys(r.Metrics), eval.ByImportance)
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\n%s\tmean\tsd (n−1)\t95 %% interval\t\n", english.Plural(len(r.Runs), "seed"))
	var mean, sd, low, high []float64
	for _, name := range names {
		s := r.Metrics[name]
		fmt.Fprintf(w, "%s\t%.5g\t%.2g\t%.5g to %.5g\t\n", name, s.Mean, s.SD, s.Mean-s.Half, s.Mean+s.Half)
		mean, sd, low, high = append(mean, s.Mean), append(sd, s.SD), append(low, s.Mean-s.Half), append(high, s.Mean+s.Half)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := writeJSON(path+".json", r); err != nil {
		return err
	}
	number := func(name string, values []float64) columns.Column {
		return columns.Column{Name: name, Float: func(i int) float32 { return float32(values[i]) }}
	}
	table := []columns.Column{{Name: "metric", Text: func(i int) string { return names[i] }}, number("mean", mean), number("sd", sd), number("low95", low), number("high95", high)}
	for _, run := range r.Runs {
		table = append(table, columns.Column{Name: fmt.Sprintf("seed%d", run.Seed), Float: func(i int) float32 { return float32(run.Metrics[names[i]]) }})
	}
	a.printWritten(path+".json", "%s of %s on %s", english.Plural(len(r.Runs), "run"), r.Recipe, r.Data)
	return a.writeTable(a.out, path+".csv", len(names), table, "mean, standard deviation and 95 %% interval of each metric, by Student's t with %s of freedom", english.Plural(len(r.Runs)-1, "degree"))
}

// writeJSON writes v to a file, replaced whole. Numbers that JSON does not have, NaN and infinities, must not be in v.
func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return atomicfile.WriteBytes(path, append(b, '\n'))
}
