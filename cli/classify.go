package cli

import (
	"cmp"
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/probe"
	"github.com/imago-ml/imago/formats/columns"
	"github.com/imago-ml/imago/internal/screen"
)

// classify returns the command classify: it predicts the classes of images with a semi-supervised model.
func (a *app) classify() *cobra.Command {
	var (
		from   modelSource
		set    setFlags
		invert bool
		log    string
	)
	c := &cobra.Command{
		Use:   "classify <run> [<image>...]",
		Short: "Predict the classes of images with a semi-supervised model",
		Long: `classify computes q(y|x) with a model that learned the classes from a few labelled images (m1, m2, m1m2). For the
images of the run's data set, or all of --data, it prints the error and the confusion matrix. For picture files,
cropped and resized to fit the model, it prints the two most probable classes of each.`,
		Example: `  imago train m1m2 --data mnist
  imago classify latest
  imago classify latest my-seven.png --invert`,
		Args: argCount(0, -1, "a run, and images if wanted"),
	}
	f := c.Flags()
	invertFlag(c, &invert)
	f.StringVar(&log, "predictions", "", tableFile("the probability of each class"))
	set.addFlags(c)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		args, files := runAndFiles(args, &from)
		if err := cmp.Or(checkTableFile("predictions", log), set.check()); err != nil {
			return usage(c, err)
		}
		out := a.redirect(log)
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		ok := m.Model().Classify != nil
		if supervised := m.Model().Supervision != nil; !ok || !supervised {
			if ok {
				return fmt.Errorf("classify: the classes of %s are groups that it found without labels: see imago cluster", m.recipe)
			}
			return fmt.Errorf("classify: %s is not a classifier: train one that is, as m1m2, or see imago encode --probe", m.recipe)
		}
		k := m.Input().Labels
		names := m.labelNames(k)
		if len(files) > 0 {
			images, files, err := readItems(files, m.Item(), invert)
			if err != nil {
				return err
			}
			probs, _, err := m.Classify(c.Context(), images)
			if err != nil {
				return err
			}
			return a.printClasses(files, probs, names)
		}
		s, split, err := a.openSplit(c, m, &set)
		if err != nil {
			return err
		}
		probs, _, err := m.Classify(c.Context(), split.Items)
		if err != nil {
			return err
		}
		what := set.items(m, split.Len())
		predicted := probe.Argmax(probs, k)
		switch {
		case split.Labels == nil || len(s.Classes) != k:
			fmt.Fprintf(a.out, "%s has no labels of these classes to compare with\n", s.Name)
		default:
			if err := a.printConfusion(split.Labels, predicted, names, what); err != nil {
				return err
			}
		}
		if log == "" {
			return nil
		}
		table := append(originColumns(s, split), columns.Column{Name: "predicted", Text: func(i int) string { return names[predicted[i]] }})
		for j, name := range names {
			table = append(table, columns.Column{Name: "p_" + name, Float: func(i int) float32 { return probs[i*k+j] }})
		}
		return a.writeTable(out, log, split.Len(), table, "the probability of each class of %s of %s by %s", what, s.Name, m.name)
	}
	return c
}

// printClasses prints the two most probable classes of each image.
func (a *app) printClasses(files []string, probs []float32, names []string) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	k := len(names)
	for i, file := range files {
		p := slices.Clone(probs[i*k : (i+1)*k])
		first := probe.Argmax(p, k)[0]
		fmt.Fprintf(w, "%s\t%s\t%.1f %%", screen.Name(file), screen.Name(names[first]), 100*p[first])
		if p[first] = -1; k > 1 {
			second := probe.Argmax(p, k)[0]
			fmt.Fprintf(w, "\tor %s\t%.1f %%", screen.Name(names[second]), 100*p[second])
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// printConfusion prints the confusion matrix, with the true class down and the predicted class across, and the error.
func (a *app) printConfusion(labels, predicted []int32, names []string, what string) error {
	table, err := probe.Confusion(labels, predicted, len(names), len(names))
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "is \\ taken for\t")
	for _, name := range names {
		fmt.Fprintf(w, "%s\t", screen.Name(name))
	}
	fmt.Fprintln(w, "error\t")
	for i, row := range table {
		all := 0
		fmt.Fprintf(w, "%s\t", screen.Name(names[i]))
		for _, n := range row {
			fmt.Fprintf(w, "%d\t", n)
			all += n
		}
		if all > 0 {
			fmt.Fprintf(w, "%.2f %%\t", 100*float64(all-row[i])/float64(all))
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "error %.2f %% of %s\n", 100*(1-probe.Accuracy(predicted, labels)), what)
	return nil
}
