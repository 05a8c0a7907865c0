package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/train/runlog"
)

// evalFlags are the flags of eval.
type evalFlags struct {
	from     modelSource
	set      setFlags
	protocol eval.Protocol
	only     []string
	all      bool
	again    bool
	seed     uint64
	out      string
	nearest  string
}

// eval returns the command eval: it measures a trained model.
func (a *app) eval() *cobra.Command {
	e := evalFlags{protocol: eval.DefaultProtocol()}
	c := &cobra.Command{
		Use:   "eval <run>",
		Short: "Measure a trained model: likelihood, reconstructions, codes and samples",
		Long: `eval measures a trained model on the test images of its data set, or of --data. The name of a metric is its protocol:
test_nll_is_100_on_500 is a negative log-likelihood by 100 importance samples for each of 500 test images, drawn at
random; test_fid_cnn1-7b09b6ba_10000 compares 10,000 generated images with as many test images, by the features of
version 1 of imago's own classifier. 7b09b6ba is a hash of the set and its labels: the classifier is trained on them
once and kept in the user's cache. Metrics that a model does not have are listed with the reason.

What costs little comes first, and each score is added to eval.json in the run's folder as soon as it is measured, with
its protocol, seed, checkpoint and the digest of the data. After an interrupt the same command measures what is left;
--again measures all anew. Published numbers are by --nll-samples 5000 --nll-images 0, which takes a thousand times as
long as the default; eval prints how long that would be.

Generated images are compared with test images by FID and KID, precision and recall, density and coverage. The classes
found among them are counted: modes, or for a stacked set the triples of classes, on 26 images for every 10 of --made.
memorised is the share of generated images that are as near to a training image as few test images are; --nearest
draws the training images nearest to some of them. For a model with an encoder, what needs the classifier is measured
if the classifier is there, or by --all or --only.`,
		Example: `  imago eval latest
  imago eval latest --all
  imago eval mlp-vae-mnist-001 --only nll --nll-samples 5000 --nll-images 0
  imago eval latest --only fid,recognised --images 1000
  imago eval dcgan-mnist-001 --only kid,mode,memorised --nearest nearest.png`,
		Args: argCount(0, 1, "a run"),
	}
	f := c.Flags()
	f.IntVar(&e.protocol.NLLSamples, "nll-samples", e.protocol.NLLSamples, "`number` of importance samples for each image")
	f.IntVar(&e.protocol.NLLImages, "nll-images", e.protocol.NLLImages, "`number` of test images, drawn at random, to estimate the likelihood of; 0 means all")
	f.IntVar(&e.protocol.Generated, "made", e.protocol.Generated, "`number` of images to generate, and to compare with as many test images")
	f.IntVar(&e.protocol.Images, "images", 0, "`number` of test images to use, from the first; 0 means all")
	f.StringSliceVar(&e.only, "only", nil, "measure only the metrics that have one of these `words` in their names, as nll,fid")
	f.BoolVar(&e.all, "all", false, "train the classifier, if it is not there, for all that needs it")
	f.BoolVar(&e.again, "again", false, "measure what was measured before, too")
	seedFlag(c, &e.seed, "all random numbers (default that of the run)")
	f.StringVar(&e.out, "out", "", "JSON `file` to add the scores to (default eval.json in the run's folder)")
	f.StringVar(&e.nearest, "nearest", "", "PNG `file` to draw generated images to, each beside the training images nearest to it")
	e.set.addTestFlags(c, "the run")
	e.from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		err := errors.Join(atLeast("nll-samples", e.protocol.NLLSamples, 1), atLeast("nll-images", e.protocol.NLLImages, 0), atLeast("made", e.protocol.Generated, 2),
			atLeast("images", e.protocol.Images, 0), checkOptionalFile("out", e.out, ".json"), checkOptionalFile("nearest", e.nearest, ".png"))
		if err = cmp.Or(err, e.set.check()); err != nil {
			return usage(c, err)
		}
		m, err := a.open(c, args, &e.from)
		if err != nil {
			return err
		}
		defer m.Close()
		s, _, err := a.openSplit(c, m, &e.set)
		if err != nil {
			return err
		}
		source := eval.Provenance{Recipe: m.recipe, Checkpoint: m.path, Step: m.step, Data: s.Name, DataDigest: s.Digest, Seed: e.seed}
		if m.config != nil && !c.Flags().Changed("seed") {
			source.Seed = m.config.Seed
		}
		source.Imago, _ = runlog.Versions()
		if source.Weights, err = m.Fingerprint(); err != nil {
			return err
		}
		if m.takesFiles() && e.out == "" {
			e.out = filepath.Join(m.name, eval.RecordsFile)
		}
		var records []eval.Record
		if e.out != "" {
			if records, err = eval.ReadRecords(e.out); err != nil {
				return err // before the work begins
			}
		}
		if e.again {
			records = nil
		}
		task := eval.Task{Protocol: e.protocol, Set: s, Undivided: e.set.undivided, Seed: source.Seed, Only: e.only, Known: eval.Known(records, source)}
		return a.measure(c.Context(), m, &e, source, task)
	}
	return c
}

// measure measures the metrics of a task. It prints each score and adds it to the file when it is measured, and draws
// the nearest training images first, if the flags name a file for them.
func (a *app) measure(ctx context.Context, m *trainedModel, e *evalFlags, source eval.Provenance, t eval.Task) error {
	evaluator, err := eval.New(m.Session)
	if err != nil {
		return err
	}
	wanted, err := t.Wanted()
	if err != nil {
		return err
	}
	p := newProgress(a.err)
	defer p.end()
	t.Progress = func(metric string, done, total int) { p.set(metric, done, total, m.noun()) }
	t.Net = a.featureNet(m, e, p)
	if e.nearest != "" {
		err := a.drawNearest(ctx, m, evaluator, t, e.nearest)
		if p.end(); err != nil {
			return err
		}
	}
	fmt.Fprintf(a.out, "model  %s, step %s (%s)\ndata   %s, seed %d\n", source.Recipe, thousands(source.Step), source.Checkpoint, source.Data, source.Seed)
	width := 0
	for _, x := range wanted {
		width = max(width, len(x.Name))
	}
	known, kept, added := t.Known, 0, 0
	t.Known = func(x eval.Metric) (eval.Score, bool) {
		s, ok := known(x)
		if ok {
			kept++
			a.printScore(s, width)
		}
		return s, ok
	}
	t.Measured = func(s eval.Score) error {
		if e.out != "" { // first: what is printed is kept, however the process ends
			if err := eval.WriteRecords(e.out, eval.Scores{s}.Records(source)); err != nil {
				return err
			}
			added++
		}
		p.end()
		a.printScore(s, width)
		return nil
	}
	scores, missing, err := evaluator.Measure(ctx, t)
	p.end()
	if err != nil {
		if ctx.Err() != nil && e.out != "" {
			return fmt.Errorf("eval: interrupted: %d of %s are in %s; the same command measures the rest", kept+added, english.Plural(len(wanted), "metric"), e.out)
		}
		return err
	}
	a.printScoreNotes(scores, missing)
	a.printFiner(scores, t, m.noun(), e.command(m))
	if kept > 0 {
		fmt.Fprintf(a.out, "kept   %s of %s measured before, of the same weights, data and seed: --again measures them anew\n", english.Plural(kept, "score"), e.out)
	}
	if e.out == "" && m.isRun {
		fmt.Fprintf(a.err, "the scores are not kept, as %s: --out FILE keeps them\n", m.noFiles())
	}
	if added > 0 {
		a.printWritten(e.out, "%s of %s", english.Plural(added, "score"), m.name)
	}
	return nil
}

// featureNet returns the function that opens the feature net of a set. If the user did not ask for what needs the net
// and the model has other metrics, a net that is not in the cache is not trained: that would take most of the time.
func (a *app) featureNet(m *trainedModel, e *evalFlags, p *progress) func(context.Context, *data.Set) (*feature.Net, error) {
	wanted := e.all || e.only != nil || e.nearest != "" || m.Model().Encode == nil
	reasons := map[*data.Set]error{}
	return func(ctx context.Context, set *data.Set) (*feature.Net, error) {
		if !wanted && reasons[set] == nil {
			kept, err := feature.Kept(set)
			if err != nil {
				return nil, err
			}
			if !kept || e.set.noCache {
				long, err := feature.TrainingTime(ctx, set, m.be)
				if err != nil {
					return nil, err
				}
				reasons[set] = fmt.Errorf("%w: that of %s is trained once, which takes about %s: %s --all", eval.ErrNoNet, set.Name, english.About(long), e.command(m))
			}
		}
		if err := reasons[set]; err != nil {
			return nil, err
		}
		return feature.Open(ctx, set, m.be, a.featureOptions(p, e.set.noCache))
	}
}

// command returns the command line that measures the same model on the same images.
func (e *evalFlags) command(m *trainedModel) string {
	line := "imago eval " + screen.ShellName(m.name) + e.set.words()
	if e.protocol.Images > 0 {
		line += fmt.Sprintf(" --images %d", e.protocol.Images)
	}
	return line
}

// printScore prints the line of a score; width is that of the longest name.
func (a *app) printScore(s eval.Score, width int) {
	value := fmt.Sprintf("%.5g", s.Value)
	if s.StdErr > 0 {
		value += fmt.Sprintf(" ± %.2g", s.StdErr)
	}
	const valueWidth = 18 // of most: -123.45 ± 0.0012
	fmt.Fprintln(a.out, strings.TrimRight(fmt.Sprintf("%-*s  %-*s  %s", width, s.Metric.Name, valueWidth, value, s.Metric.Unit), " "))
}

// printScoreNotes prints the notes of scores, and the metrics that are missing with the reasons.
func (a *app) printScoreNotes(scores eval.Scores, missing []eval.Absent) {
	printed := map[string]bool{}
	for _, s := range scores {
		for note := range strings.SplitSeq(s.Note, "; ") { // several scores may have the same note
			if note != "" && !printed[note] {
				printed[note] = true
				fmt.Fprintf(a.out, "note   %s\n", note)
			}
		}
	}
	why := map[string][]string{}
	var order []string
	for _, x := range missing {
		if why[x.Why] == nil {
			order = append(order, x.Why)
		}
		why[x.Why] = append(why[x.Why], x.Metric.Name)
	}
	for _, w := range order {
		fmt.Fprintf(a.out, "none   %s: %s\n", strings.Join(why[w], ", "), w)
	}
}

// printFiner prints how long the likelihood takes by the protocol of published numbers, if it was measured by a coarser
// one, and the command for it.
func (a *app) printFiner(scores eval.Scores, t eval.Task, noun, command string) {
	best := eval.PublishedProtocol()
	for _, s := range scores {
		if !strings.Contains(s.Metric.Name, "_nll_is_") {
			continue
		}
		all := t.Set.Test.Len()
		if t.Images > 0 {
			all = min(all, t.Images)
		}
		times := float64(best.NLLSamples) / float64(t.NLLSamples) * float64(all) / float64(s.Images)
		if times <= 1 {
			return
		}
		fmt.Fprintf(a.out, "finer  the likelihood by %s samples of all %s, as published, takes about %s: %s --only nll --nll-samples %d --nll-images 0\n",
			thousands(best.NLLSamples), english.Plural(all, noun), english.About(time.Duration(times*float64(s.Took))), command, best.NLLSamples)
	}
}
