package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/probe"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/screen"
)

// probeFlags are the flags of encode that predict labels from codes.
type probeFlags struct {
	probe               bool
	neighbours, encoded int
}

// addFlags declares the flags.
func (p *probeFlags) addFlags(c *cobra.Command) {
	c.Flags().BoolVar(&p.probe, "probe", false, "print how well a linear classifier and the nearest neighbours predict labels from the codes")
	c.Flags().IntVar(&p.neighbours, "neighbours", 10, "with --probe: `number` of nearest training images that vote")
	encodedFlag(c, &p.encoded)
}

// check returns the first error in the flags.
func (p *probeFlags) check(set *setFlags) error {
	if p.probe && set.split == "" {
		set.split = partTest // of --data too: the probe learns from the rest
	}
	if p.probe && set.split != partTest {
		return fmt.Errorf("--probe learns from the training images: want --split test")
	}
	if err := atLeast("neighbours", p.neighbours, 1); err != nil {
		return err
	}
	return atLeast("encoded", p.encoded, 0)
}

// probeL2 is the weight of ½|W|², added to the mean cross-entropy of a linear probe.
const probeL2 = 1e-4

// A probeData is the codes on which probes are trained, and those on which they are tested.
type probeData struct {
	features *probe.Features // of training images
	test     []float32
	near     []int32 // for each image, its nearest among the training images, (N, voters)
	voters   int
}

// newProbeData returns the codes, standardised, with the nearest training codes of each test code.
func newProbeData(ctx context.Context, train, test []float32, units, voters int) (*probeData, error) {
	p := &probeData{test: test, voters: min(voters, len(train)/units)}
	var err error
	if p.features, err = probe.NewFeatures(train, units); err != nil {
		return nil, err
	}
	p.near, err = probe.Nearest(ctx, train, test, units, p.voters)
	return p, err
}

// accuracies returns the accuracy of a linear classifier and of the nearest neighbours on the test labels, and the
// probability of class 1 that the classifier gives each test image.
func (p *probeData) accuracies(ctx context.Context, train, test []int32, classes int) (linear, nearest float64, positive []float64, err error) {
	l, err := p.features.Logistic(ctx, train, classes, probeL2)
	if err != nil {
		return 0, 0, nil, err
	}
	probs, err := l.Probs(p.test)
	if err != nil {
		return 0, 0, nil, err
	}
	for i := 1; i < len(probs); i += classes {
		positive = append(positive, probs[i])
	}
	voted, err := probe.Majority(p.near, p.voters, train)
	if err != nil {
		return 0, 0, nil, err
	}
	return probe.Accuracy(probe.Argmax(probs, classes), test), probe.Accuracy(voted, test), positive, nil
}

// probe prints how well labels are predicted from the codes of the test images.
func (a *app) probe(ctx context.Context, m *trainedModel, s *data.Set, test *codes, flags *probeFlags) error {
	train, err := s.Train.EvenlySpaced(flags.encoded)
	if err != nil {
		return err
	}
	classes := train.Labels != nil && test.Labels != nil && len(s.Classes) > 1
	attributes := train.Attributes != nil && test.Attributes != nil
	if classes && probe.OneClass(slices.Concat(train.Labels, test.Labels)) {
		a.warn("all images of %s are of class %s: an accuracy would mean nothing, and is left out", s.Name, s.Classes[test.Labels[0]])
		if classes = false; !attributes {
			return nil
		}
	}
	if !classes && !attributes {
		return fmt.Errorf("encode --probe: %s has neither classes nor attributes to read: choose a labelled set with --data", s.Name)
	}
	known, err := a.encodeTraining(ctx, m, s, flags.encoded)
	if err != nil {
		return err
	}
	p, err := newProbeData(ctx, known.mean, test.mean, test.units, flags.neighbours)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "read from the codes of %s, by those of %s:\n", english.Plural(test.Len(), "test image"), english.Plural(train.Len(), "training image"))
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	if classes {
		linear, nearest, _, err := p.accuracies(ctx, train.Labels, test.Labels, len(s.Classes))
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "accuracy\tlinear\t%d nearest\tmost frequent class\n", flags.neighbours)
		fmt.Fprintf(w, "class\t%.4f\t%.4f\t%.4f\n", linear, nearest, majorityShare(test.Labels, len(s.Classes)))
	}
	if attributes {
		fmt.Fprintf(w, "accuracy\tlinear\t%d nearest\tmore frequent answer\tAUROC of linear\n", flags.neighbours)
		if err := p.printAttributes(ctx, w, s.Attributes, train, test.Split); err != nil {
			return err
		}
	}
	return w.Flush()
}

// printAttributes writes one row for each attribute.
func (p *probeData) printAttributes(ctx context.Context, w io.Writer, names []string, train, test data.Split) error {
	rows := make([]string, len(names))
	err := data.Parallel(ctx, len(names), func(j int) error {
		column := func(s data.Split) ([]int32, []bool) {
			y, with := make([]int32, s.Len()), make([]bool, s.Len())
			for i := range y {
				y[i] = int32(s.Attributes[i*len(names)+j])
				with[i] = y[i] == 1
			}
			return y, with
		}
		learn, _ := column(train)
		want, with := column(test)
		if probe.OneClass(slices.Concat(learn, want)) {
			rows[j] = fmt.Sprintf("%s\tthe same in all images\t\t\t\n", screen.Name(names[j]))
			return nil
		}
		linear, nearest, positive, err := p.accuracies(ctx, learn, want, 2)
		if err != nil {
			return fmt.Errorf("%s: %w", names[j], err)
		}
		auroc := "–"
		if k := countTrue(with); k > 0 && k < len(with) {
			v, err := probe.AUROC(positive, with)
			if err != nil {
				return fmt.Errorf("%s: %w", names[j], err)
			}
			auroc = fmt.Sprintf("%.4f", v)
		}
		rows[j] = fmt.Sprintf("%s\t%.4f\t%.4f\t%.4f\t%s\n", screen.Name(names[j]), linear, nearest, majorityShare(want, 2), auroc)
		return nil
	})
	for _, row := range rows {
		io.WriteString(w, row) // Flush returns its error
	}
	return err
}

// majorityShare returns the share of the most frequent of k labels: the accuracy of a constant prediction.
func majorityShare(labels []int32, k int) float64 {
	counts := make([]int, k)
	best := 0
	for _, l := range labels {
		counts[l]++
		best = max(best, counts[l])
	}
	return float64(best) / float64(len(labels))
}
