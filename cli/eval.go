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
	"github.com/imago-ml/imago/train/runlog"
)

// evalFile is where the scores of a run are kept.
const evalFile = "eval.json"

// eval judges a trained model.
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
		Short: "Judge a trained model by its likelihood, reconstructions, codes and samples",
		Long: `eval measures a trained model on the test images of its data set, or of --data. The name of a metric is its protocol:
test_nll_is_5000 is a likelihood by 5,000 importance samples an image, test_fid_cnn1-7b09b6ba_10000 compares 10,000 images
made with as many test images by the features of version 1 of imago's own classifier, 7b09b6ba being a hash of the set and
its labels, on which it is trained the first time and kept in the user's cache. Metrics that a model does not have are
listed with the reason.

Images from the model's prior are compared with test images by FID and KID, precision and recall, density and coverage. The
classes found among them are counted: modes, or of a stacked set the triples of classes, on 26 images for every 10 of --made.
memorised is how many are as near to a training image as few test images are; --nearest draws the training images nearest to
some of them.

The scores are added to eval.json in the run's folder, with their protocol, seed, checkpoint and the digest of the data.`,
		Example: `  imago eval latest
  imago eval mlp-vae-mnist-001 --only nll --nll-samples 5000
  imago eval latest --only fid,recognised --images 1000
  imago eval dcgan-mnist-001 --only kid,mode,memorised --nearest nearest.png`,
		Args: argCount(0, 1, "a run"),
	}
	f := c.Flags()
	f.IntVar(&protocol.NLLSamples, "nll-samples", protocol.NLLSamples, "importance samples an image, a `number`")
	f.IntVar(&protocol.Generated, "made", protocol.Generated, "`number` of images to make and to compare with as many test images")
	f.IntVar(&protocol.Images, "images", 0, "judge by the first so many test images only, a `number`; 0 is all")
	f.StringSliceVar(&only, "only", nil, "measure only what has one of these `words` in its name, as nll,fid")
	f.Uint64Var(&seed, "seed", 0, "`seed` of what is drawn (default that of the run)")
	f.StringVar(&out, "out", "", "JSON `file` to add the scores to (default eval.json in the run's folder)")
	f.StringVar(&nearest, "nearest", "", "PNG `file` to draw made images to, each beside the training images nearest to it")
	f.StringVar(&set.data, "data", "", "`set` of images, by name or path (default that of the run)")
	dataDirFlag(c, &set.dir)
	noCacheFlag(c, &set.noCache)
	set.split = "test"
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		err := errors.Join(atLeast("nll-samples", protocol.NLLSamples, 1), atLeast("made", protocol.Generated, 2), atLeast("images", protocol.Images, 0))
		if out != "" {
			if !strings.EqualFold(filepath.Ext(out), ".json") {
				err = errors.Join(err, fmt.Errorf("--out %q: want a name that ends in .json", out))
			}
			err = errors.Join(err, checkFolder("out", out))
		}
		if nearest != "" {
			err = errors.Join(err, checkFileName("nearest", nearest, ".png"))
		}
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
		of := eval.Provenance{Recipe: m.recipe, Checkpoint: m.path, Step: m.step, Data: s.Name, DataDigest: s.Digest, Seed: seed}
		if m.config != nil && !c.Flags().Changed("seed") {
			of.Seed = m.config.Seed
		}
		of.Imago, _ = runlog.Versions()
		if _, err := runlog.Open(m.name, ""); err == nil && out == "" {
			out = filepath.Join(m.name, evalFile)
		}
		if _, err := eval.ReadRecords(out); out != "" && err != nil {
			return err // before the work is done
		}
		scores, missing, err := a.measure(c.Context(), m, eval.Task{Protocol: protocol, Set: s, Seed: of.Seed, Only: only}, feature.Options{NoCache: set.noCache}, nearest)
		if err != nil {
			return err
		}
		a.printScores(m, of, scores, missing)
		if out == "" {
			return nil
		}
		if err := eval.WriteRecords(out, scores.Records(of)); err != nil {
			return err
		}
		a.printWritten(out, "%s of %s", plural(len(scores), "score"), m.name)
		return nil
	}
	return c
}

// measure measures what the task asks for of a model, and tells how far it is. The sheet
// of nearest training images comes first, if there is to be one.
func (a *app) measure(ctx context.Context, m *trainedModel, t eval.Task, opt feature.Options, nearest string) (eval.Scores, []eval.Absent, error) {
	e, err := eval.New(m.Session)
	if err != nil {
		return nil, nil, err
	}
	p := newProgress(a.err)
	defer p.end()
	t.Progress = func(metric string, done, total int) { p.set(metric, done, total, "image") }
	opt.Progress = func(step, of int) { p.set("training the feature net", step, of, "step") }
	opt.Warn = func(text string) { a.warn("%s", text) }
	t.Net = func(ctx context.Context, of *data.Set) (*feature.Net, error) { return feature.Open(ctx, of, m.be, opt) }
	if nearest != "" {
		err := a.drawNearest(ctx, m, e, t, nearest)
		if p.end(); err != nil {
			return nil, nil, err
		}
	}
	return e.Measure(ctx, t)
}

// printScores prints the table.
func (a *app) printScores(m *trainedModel, of eval.Provenance, scores eval.Scores, missing []eval.Absent) {
	fmt.Fprintf(a.out, "model  %s, step %s (%s)\ndata   %s, seed %d\n", of.Recipe, thousands(of.Step), of.Checkpoint, of.Data, of.Seed)
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, s := range scores {
		value := fmt.Sprintf("%.5g", s.Value)
		if s.StdErr > 0 {
			value += fmt.Sprintf(" ± %.2g", s.StdErr)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", s.Metric.Name, value, s.Metric.Unit)
	}
	w.Flush() // to a writer that commands print results to: what it loses, it loses for all
	said := map[string]bool{}
	for _, s := range scores {
		for note := range strings.SplitSeq(s.Note, "; ") { // what several scores have in common is said once
			if note != "" && !said[note] {
				said[note] = true
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
