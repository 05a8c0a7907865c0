package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/compare"
	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// compareRuns returns the command compare: it writes a page that compares two runs.
func (a *app) compareRuns() *cobra.Command {
	var (
		from     modelSource
		set      setFlags
		seed     uint64
		out      string
		overview bool
	)
	c := &cobra.Command{
		Use:   "compare <run> <run>...",
		Short: "Compare runs on one page: numbers, settings, curves, samples; two autoencoders in depth",
		Long: `compare writes one page about runs of any kinds: a table of their metrics, the settings in which they differ, the
curves of each metric over one another, samples of each, and reconstructions of the same images.

Two autoencoders of the same data, as a deterministic and a variational one, are compared in depth, unless --overview is
given: the distribution of their codes, images decoded from codes of no image, reconstructions, the smoothness of
interpolation, and σ, KL and active units over training. A paragraph explains the numbers.

In depth, images are compared by the features of imago's own classifier of the set, or by pixels if the set has no labels. Both
runs are evaluated on the test images of the first run's data set, or of --data.`,
		Example: `  imago compare mlp-ae-mnist-001 mlp-vae-mnist-001
  imago compare mlp-vae-mnist-001 mlp-vae-mnist-002 --out beta.html
  imago compare runs/*
  imago compare dcgan-mnist-001 wgan-gp-mnist-001 cnn-vae-mnist-001`,
		Args: argCount(2, -1, "two or more runs"),
	}
	f := c.Flags()
	f.StringVar(&out, "out", "compare.html", "HTML `file` to write")
	seedFlag(c, &seed, "all random numbers")
	f.BoolVar(&overview, "overview", false, "do not compare two autoencoders in depth")
	f.StringVar(&from.checkpoint, "checkpoint", "best", "checkpoint of the runs: best or latest")
	set.addTestFlags(c, "the first run")
	threadsFlag(c, &from.threads)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := cmp.Or(oneOf("checkpoint", from.checkpoint, "best", "latest"), checkFileName("out", out, ".html")); err != nil {
			return usage(c, err)
		}
		if len(args) > compare.MaxRuns {
			return usagef(c, "%d runs: want at most %d", len(args), compare.MaxRuns)
		}
		from.options = &modelFlags{}
		opened := make([]*openedRun, len(args))
		for i := range args {
			o, err := a.openRun(c, args[i], &from)
			if err != nil {
				return err
			}
			defer o.close()
			opened[i] = o
		}
		nameApart(opened, args)
		if overview || len(opened) != 2 || !opened[0].comparesWith(opened[1]) {
			return a.compareOverview(c, opened, &set, out)
		}
		return a.compareInDepth(c, opened, &set, seed, out)
	}
	return c
}

// An openedRun is a run to be compared.
type openedRun struct {
	name  string
	run   *runlog.Run
	log   *runlog.Thin
	model *trainedModel // nil: the run has no checkpoint yet
}

// mostEpochs is half the number of epochs that a curve has: many more than can be seen.
const mostEpochs = 10_000

// openRun opens a run, its log and, if it has a checkpoint, its model.
func (a *app) openRun(c *cobra.Command, name string, from *modelSource) (*openedRun, error) {
	dir, err := resolveRun(name)
	if err != nil {
		return nil, err
	}
	o := &openedRun{name: filepath.Base(dir)}
	if o.run, err = runlog.Open(dir, ""); err != nil {
		return nil, err
	}
	if o.log, err = o.run.Thinned(mostEpochs); err != nil {
		return nil, err
	}
	saved, err := ckpt.List(o.run.Checkpoints())
	if err != nil || len(saved) == 0 {
		return o, err
	}
	o.model, err = a.open(c, []string{name}, from)
	return o, err
}

// close closes the model of the run.
func (o *openedRun) close() {
	if o.model != nil {
		o.model.Close()
	}
}

// comparesWith reports whether two runs can be compared in depth: both are autoencoders of items of one shape.
func (o *openedRun) comparesWith(p *openedRun) bool {
	return o.model != nil && p.model != nil && compare.Autoencodes(o.model.Model()) && compare.Autoencodes(p.model.Model()) && o.model.Item().Equal(p.model.Item())
}

// nameApart gives runs of the same name the names of the command line, and numbers those that are given twice.
func nameApart(runs []*openedRun, args []string) {
	count := map[string]int{}
	for _, o := range runs {
		count[o.name]++
	}
	seen := map[string]int{}
	for i, o := range runs {
		if count[o.name] > 1 {
			o.name = args[i]
		}
		if seen[o.name]++; seen[o.name] > 1 {
			o.name = fmt.Sprintf("%s (%d)", o.name, seen[o.name])
		}
	}
}

// compareOverview writes the overview of runs of any kinds to the file out.
func (a *app) compareOverview(c *cobra.Command, opened []*openedRun, set *setFlags, out string) error {
	runs := make([]compare.Run, len(opened))
	var names []string
	for i, o := range opened {
		runs[i] = compare.Run{Name: o.name, Config: o.run.Config, Log: o.log.Lines, Thinned: o.log.Kinds[runlog.EpochLine].String()}
		names = append(names, o.name)
		var err error
		if runs[i].Records, err = eval.ReadRecords(filepath.Join(o.run.Dir, eval.RecordsFile)); err != nil {
			a.warn("%s", a.errorText(err))
		}
		if o.model == nil {
			a.warn("%s has no checkpoint yet: it is shown without samples", o.name)
			continue
		}
		runs[i].Session = o.model.Session
		if s, split, err := a.openSplit(c, o.model, set); err != nil {
			a.warn("%s is shown without reconstructions: %s", o.name, a.errorText(err))
		} else {
			runs[i].Test = s.Labelled(split)
		}
	}
	imago, _ := runlog.Versions()
	var page bytes.Buffer
	if err := compare.Overview(c.Context(), &page, runs, "imago "+imago); err != nil {
		return err
	}
	if err := atomicfile.WriteBytes(out, page.Bytes()); err != nil {
		return err
	}
	a.printWritten(out, "%s: %s", english.Plural(len(runs), "run"), strings.Join(names, ", "))
	return nil
}

// compareInDepth compares two autoencoders and writes their page to the file out.
func (a *app) compareInDepth(c *cobra.Command, opened []*openedRun, set *setFlags, seed uint64, out string) error {
	var sides [2]compare.Side
	for i, o := range opened {
		sides[i] = compare.Side{Name: o.name, Session: o.model.Session, Config: o.run.Config, Beta: betaOf(&o.run.Config), Log: o.log.Lines, Thinned: o.log.Kinds[runlog.EpochLine].String()}
	}
	s, _, err := a.openSplit(c, opened[0].model, set)
	if err != nil {
		return err
	}
	if x, y := opened[0].run.Config.Data.Digest, opened[1].run.Config.Data.Digest; x != y {
		a.warn("%s and %s were trained on different data; both are evaluated on %s", opened[0].name, opened[1].name, s.Name)
	}
	p := newProgress(a.err)
	defer p.end()
	opt := compare.Options{Seed: seed, Progress: func(what string, done, total int) { p.set(what, done, total, opened[0].model.noun()) }}
	opt.Net, err = feature.Open(c.Context(), s, opened[0].model.be, a.featureOptions(p, set.noCache))
	if err != nil && !errors.Is(err, feature.ErrUnfit) {
		return err
	}
	got, err := compare.Measure(c.Context(), sides, s, opt)
	if err != nil {
		return err
	}
	p.end()
	return a.writeComparison(c.Context(), got, out)
}

// writeComparison writes the page to the file out, and prints the numbers and what they mean.
func (a *app) writeComparison(ctx context.Context, got *compare.Comparison, out string) error {
	imago, _ := runlog.Versions()
	var page bytes.Buffer
	if err := got.Page(ctx, &page, "imago "+imago); err != nil {
		return err
	}
	if err := atomicfile.WriteBytes(out, page.Bytes()); err != nil {
		return err
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, row := range got.Headline() {
		for i := range row {
			row[i] = screen.Name(row[i])
		}
		fmt.Fprintln(w, strings.TrimRight(strings.Join(row, "\t"), "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "\n%s\n", got.Summary())
	a.printWritten(out, "%s and %s side by side", got.Sides[0].Name, got.Sides[1].Name)
	return nil
}

// betaOf returns the weight of the KL in a model's configuration; NaN if it has none.
func betaOf(c *runlog.Config) float64 {
	var o struct {
		Beta *float64 `json:"beta"`
	}
	if json.Unmarshal(c.Model, &o) != nil || o.Beta == nil {
		return math.NaN()
	}
	return *o.Beta
}
