package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/train/runlog"
)

// evalFile is the name of the file with the scores, in the folder of a run.
const evalFile = "eval.json"

// eval returns the command eval: it measures a trained model.
func (a *app) eval() *cobra.Command {
	var (
		from     modelSource
		set      setFlags
		protocol = eval.DefaultProtocol()
		only     []string
		seed     uint64
		out      string
		nearest  string
	)
	c := &cobra.Command{
		Use:   "eval <run>",
		Short: "Measure a trained model: likelihood, reconstructions, codes and samples",
		Long: `eval measures a trained model on the test images of its data set, or of --data. The name of a metric is its protocol:
test_nll_is_5000 is a negative log-likelihood by 5,000 importance samples for each image; test_fid_cnn1-7b09b6ba_10000
compares 10,000 generated images with as many test images, by the features of version 1 of imago's own classifier.
7b09b6ba is a hash of the set and its labels: the classifier is trained on them once and kept in the user's cache.
Metrics that a model does not have are listed with the reason.

Generated images are compared with test images by FID and KID, precision and recall, density and coverage. The classes
found among them are counted: modes, or for a stacked set the triples of classes, on 26 images for every 10 of --made.
memorised is the share of generated images that are as near to a training image as few test images are; --nearest
draws the training images nearest to some of them.

The scores are added to eval.json in the run's folder, with their protocol, seed, checkpoint and the digest of the
data.`,
		Example: `  imago eval latest
  imago eval mlp-vae-mnist-001 --only nll --nll-samples 5000
  imago eval latest --only fid,recognised --images 1000
  imago eval dcgan-mnist-001 --only kid,mode,memorised --nearest nearest.png`,
		Args: argCount(0, 1, "a run"),
	}
	f := c.Flags()
	f.IntVar(&protocol.NLLSamples, "nll-samples", protocol.NLLSamples, "`number` of importance samples for each image")
	f.IntVar(&protocol.Generated, "made", protocol.Generated, "`number` of images to generate, and to compare with as many test images")
	f.IntVar(&protocol.Images, "images", 0, "`number` of test images to use, from the first; 0 means all")
	f.StringSliceVar(&only, "only", nil, "measure only the metrics that have one of these `words` in their names, as nll,fid")
	seedFlag(c, &seed, "all random numbers (default that of the run)")
	f.StringVar(&out, "out", "", "JSON `file` to add the scores to (default eval.json in the run's folder)")
	f.StringVar(&nearest, "nearest", "", "PNG `file` to draw generated images to, each beside the training images nearest to it")
	set.addTestFlags(c, "the run")
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		err := errors.Join(atLeast("nll-samples", protocol.NLLSamples, 1), atLeast("made", protocol.Generated, 2), atLeast("images", protocol.Images, 0),
			checkOptionalFile("out", out, ".json"), checkOptionalFile("nearest", nearest, ".png"))
		if err != nil {
			return usage(c, err)
		}
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		s, _, err := a.openSplit(c, m, &set)
		if err != nil {
			return err
		}
		source := eval.Provenance{Recipe: m.recipe, Checkpoint: m.path, Step: m.step, Data: s.Name, DataDigest: s.Digest, Seed: seed}
		if m.config != nil && !c.Flags().Changed("seed") {
			source.Seed = m.config.Seed
		}
		source.Imago, _ = runlog.Versions()
		if _, err := runlog.Open(m.name, ""); err == nil && out == "" {
			out = filepath.Join(m.name, evalFile)
		}
		if _, err := eval.ReadRecords(out); out != "" && err != nil {
			return err // before the work begins
		}
		task := eval.Task{Protocol: protocol, Set: s, Seed: source.Seed, Only: only}
		scores, missing, err := a.measure(c.Context(), m, task, set.noCache, nearest)
		if err != nil {
			return err
		}
		a.printScores(source, scores, missing)
		if out == "" {
			return nil
		}
		if err := eval.WriteRecords(out, scores.Records(source)); err != nil {
			return err
		}
		a.printWritten(out, "%s of %s", english.Plural(len(scores), "score"), m.name)
		return nil
	}
	return c
}

// measure returns the scores of a task and the metrics that the model does not have. It draws the nearest training
// images first, if nearest names a file.
func (a *app) measure(ctx context.Context, m *trainedModel, t eval.Task, noCache bool, nearest string) (eval.Scores, []eval.Absent, error) {
	e, err := eval.New(m.Session)
	if err != nil {
		return nil, nil, err
	}
	p := newProgress(a.err)
	defer p.end()
	t.Progress = func(metric string, done, total int) { p.set(metric, done, total, "image") }
	t.Net = func(ctx context.Context, set *data.Set) (*feature.Net, error) {
		return feature.Open(ctx, set, m.be, a.featureOptions(p, noCache))
	}
	if nearest != "" {
		err := a.drawNearest(ctx, m, e, t, nearest)
		if p.end(); err != nil {
			return nil, nil, err
		}
	}
	return e.Measure(ctx, t)
}

// printScores prints a table of scores, their notes, and the metrics that are missing with the reasons.
func (a *app) printScores(source eval.Provenance, scores eval.Scores, missing []eval.Absent) {
	fmt.Fprintf(a.out, "model  %s, step %s (%s)\ndata   %s, seed %d\n", source.Recipe, thousands(source.Step), source.Checkpoint, source.Data, source.Seed)
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, s := range scores {
		value := fmt.Sprintf("%.5g", s.Value)
		if s.StdErr > 0 {
			value += fmt.Sprintf(" ± %.2g", s.StdErr)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", s.Metric.Name, value, s.Metric.Unit)
	}
	w.Flush() // an error of standard output appears in the lines below too
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
