package cli

import (
	"cmp"
	"fmt"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/probe"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/train"
)

// anomalySweep returns the command anomaly sweep: it trains a model without each class in turn, and detects that class.
func (a *app) anomalySweep() *cobra.Command {
	var (
		t   trainFlags
		how detectorFlags
	)
	c := &cobra.Command{
		Use:   "sweep <recipe>",
		Short: "Hold out each class in turn as the anomaly",
		Long: `sweep trains the recipe once for each class of the set, on the training images of all other classes, scores all test
images, and prints how well each score detects the class that was held out: the table by which anomaly detectors are
compared.

Each training is a run RECIPE-SET-without-CLASS in --out. A run that exists is resumed, or used as it is if it is
complete.`,
		Example: "  imago anomaly sweep mlp-vae --data mnist --hidden 512,256 --latent 20 --epochs 20",
		Args:    argCount(1, 1, "a recipe"),
	}
	t.addFlags(c)
	how.addFlags(c)
	runsFlag(c, &t.out)
	t.options = a.addModelFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := cmp.Or(atLeast("threads", t.threads, 0), how.check()); err != nil {
			return usage(c, err)
		}
		how.seed, t.keep, t.checkpointSeconds, t.picturesEvery = t.seed, 1, 60, -1
		t.bare = true
		_, _, whole, err := a.prepare(c, &t, args[0])
		if err != nil {
			return err
		}
		if len(whole.Classes) < 2 || whole.Test.Labels == nil {
			return fmt.Errorf("anomaly sweep: %s has %d classes and %d labels of test images: want a set with classes to hold out", whole.Name, len(whole.Classes), len(whole.Test.Labels))
		}
		s := &sweep{train: &t, detector: &how, recipe: args[0], set: whole}
		var table []heldOutResult
		for class := range whole.Classes {
			h, err := a.holdOut(c, s, class)
			if err != nil {
				return err
			}
			table = append(table, h)
		}
		for _, measure := range []struct {
			name   string
			values func(h heldOutResult) []float64
		}{
			{"AUROC", func(h heldOutResult) []float64 { return h.auroc }},
			{"AUPRC", func(h heldOutResult) []float64 { return h.auprc }},
		} {
			if err := a.printHeldOut(measure.name, table, measure.values); err != nil {
				return err
			}
		}
		return nil
	}
	return c
}

// A heldOutResult is how well each score detects a class that the model was trained without.
type heldOutResult struct {
	class        string
	scores       []string
	auroc, auprc []float64
}

// A sweep is what the trainings of anomaly sweep share.
type sweep struct {
	train    *trainFlags
	detector *detectorFlags
	recipe   string
	set      *data.Set // with all classes
}

// holdOut trains without a class, and detects it among the test images of all classes.
func (a *app) holdOut(c *cobra.Command, s *sweep, class int) (h heldOutResult, err error) {
	t, recipe, whole := s.train, s.recipe, s.set
	h.class = whole.Classes[class]
	t.without = []string{h.class}
	config, _, set, err := a.prepare(c, t, recipe)
	if err != nil {
		return h, err
	}
	name := fmt.Sprintf("%s-%s-without-%s", recipe, filepath.Base(whole.Name), h.class)
	if _, err := a.trainNamed(c, t, name, config, set); err != nil {
		return h, err
	}
	be := a.backend(t.threads)
	defer be.Close()
	trained, err := train.OpenModel(filepath.Join(t.out, name), &a.Models, be)
	if err != nil {
		return h, err
	}
	d, err := a.fitDetector(c.Context(), trained.Session, set, s.detector)
	if err != nil {
		return h, err
	}
	scores, err := d.Score(c.Context(), whole.Labelled(whole.Test))
	if err != nil {
		return h, err
	}
	positive := make([]bool, whole.Test.Len())
	for i, l := range whole.Test.Labels {
		positive[i] = int(l) == class
	}
	for _, score := range scores {
		auroc, err := probe.AUROC(score.Values, positive)
		if err != nil {
			return h, err
		}
		auprc, err := probe.AUPRC(score.Values, positive)
		if err != nil {
			return h, err
		}
		h.scores, h.auroc, h.auprc = append(h.scores, score.Name), append(h.auroc, auroc), append(h.auprc, auprc)
	}
	return h, a.printHeldOut("AUROC", []heldOutResult{h}, func(h heldOutResult) []float64 { return h.auroc })
}

// printHeldOut prints one row for each class that was held out, and the mean if there are several.
func (a *app) printHeldOut(measure string, table []heldOutResult, values func(heldOutResult) []float64) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s, held out\t", measure)
	for _, s := range table[0].scores {
		fmt.Fprintf(w, "%s\t", s)
	}
	mean := make([]float64, len(table[0].scores))
	for _, h := range table {
		fmt.Fprintf(w, "\n%s\t", screen.Name(h.class))
		for j, v := range values(h) {
			fmt.Fprintf(w, "%.3f\t", v)
			mean[j] += v / float64(len(table))
		}
	}
	if len(table) > 1 {
		fmt.Fprint(w, "\nmean\t")
		for _, v := range mean {
			fmt.Fprintf(w, "%.3f\t", v)
		}
	}
	fmt.Fprintln(w)
	return w.Flush()
}
