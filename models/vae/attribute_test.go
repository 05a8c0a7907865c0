package vae

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
)

// measured are sentences of which a sum and a length are measured.
type measured struct{ words }

func (measured) Measures(medium.Item) []string { return []string{"sum", "length"} }
func (measured) Measure(item medium.Item, v []float32) []float64 {
	sum, length := 0.0, 0.0
	for _, x := range v {
		if int(x) < item.Vocabulary-1 {
			sum, length = sum+float64(x), length+1
		}
	}
	return []float64{sum, length}
}

var measuredSentences = medium.Item{Medium: measured{}, Shape: sentences.Shape, Element: sentences.Element, Vocabulary: sentences.Vocabulary}

// ordered are the options of a small VAE of two attributes.
var ordered = append(slices.Clone(tinyGRU), "attributes", "length,sum", "attr-weight", "3")

// measuredInputs returns sentenceInputs with their measures, of which two are equal, and with
// items of weight 0 after them.
func measuredInputs(padding int) map[string]graph.Value {
	in := sentenceInputs(2)
	in[model.InputMeasures] = graph.Value{2, 5, 1.5, 3, 2, 1, 7, 4}
	for range padding {
		in[model.InputX] = append(in[model.InputX], 1, 2, 0, 5, 5)
		in[model.InputWeight] = append(in[model.InputWeight], 0)
		in[model.InputMeasures] = append(in[model.InputMeasures], 9, 9)
	}
	return in
}

// TestAttributeOrder compares the penalty with loops over pairs in float64.
func TestAttributeOrder(t *testing.T) {
	z := graph.Value{0.3, -0.4, 0, 0.1, 0.05, 2, -0.8, 0.7, 1, 0.2, 0.2, -1, 5, 5, 5}
	weights := graph.Value{1, 1, 1, 1, 0}
	measures := graph.Value{2, 5, 1.5, 3, 2, 1, 7, 4, 9, 9}
	r := AttributeOrder{Measures: []int{1, 0}, Weight: 3, Slope: 2}
	f, err := model.Build("order", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		in := &Inputs{Weight: graph.Input(model.InputWeight, tensor.Float32, 5), Measures: graph.Input(model.InputMeasures, tensor.Float32, 5, 2)}
		codes := graph.Input(model.InputZ, tensor.Float32, 5, 3)
		penalty, terms := r.Penalty(in, Posterior{Z: codes})
		if len(terms) != 1 || terms[0].Name != metricAttribute {
			t.Errorf("terms %v", terms)
		}
		return []*graph.Node{in.Weight, in.Measures, codes}, []graph.Output{{Name: "p", Value: penalty}}, nil
	})
	got := run(t, f, err, map[string]graph.Value{model.InputWeight: weights, model.InputMeasures: measures, model.InputZ: z}, nil)["p"]
	want := 0.0
	for unit, measure := range r.Measures {
		for i := range 4 {
			for j := range 4 {
				sign := 0.0
				if d := measures[2*i+measure] - measures[2*j+measure]; d != 0 {
					sign = math.Copysign(1, d)
				}
				want += 3 * math.Abs(math.Tanh(2*(z[3*i+unit]-z[3*j+unit]))-sign) / 16
			}
		}
	}
	for i, p := range got {
		if !near(p, want, 1e-12) {
			t.Errorf("item %d: penalty %v, by loops %v", i, p, want)
		}
	}
}

// TestAttributesOfSequences verifies that the penalty is in the loss and no item of weight 0 in
// it, that a step lowers it, and what the model says of it.
func TestAttributesOfSequences(t *testing.T) {
	m := newModel(t, measuredSentences, sequenceKind, ordered...)
	if !slices.Equal(m.Attributes, []string{"length", "sum"}) || !strings.Contains(m.Objective, " + 3·Σ_attributes mean|tanh(1·Δz) − sign(Δa)|") {
		t.Errorf("attributes %v of %s", m.Attributes, m.Objective)
	}
	losses := map[int]float64{}
	for _, padding := range []int{0, 3} {
		f, err := m.Last().Step(len(lengths) + padding)
		in := measuredInputs(padding)
		in[model.InputLR] = graph.Value{0.02}
		states := startStates(m)
		first := run(t, f, err, in, states)
		if sum := first[model.Reconstruction][0] + 0.5*first[model.KL][0] + 3*first[metricAttribute][0]; !near(first[model.Loss][0], sum, 1e-12) {
			t.Errorf("loss %v, its parts are %v", first[model.Loss][0], sum)
		}
		losses[padding] = first[model.Loss][0]
		for range 60 {
			run(t, f, nil, in, states)
		}
		if last := run(t, f, nil, in, states)[metricAttribute][0]; !(last < 0.6*first[metricAttribute][0]) {
			t.Errorf("the order is off by %v, at first by %v", last, first[metricAttribute][0])
		}
	}
	if !near(losses[3], losses[0], 1e-12) {
		t.Errorf("losses %v with and without items of weight 0", losses)
	}
	f, err := m.Eval(len(lengths))
	if _, has := run(t, f, err, measuredInputs(0), startStates(m))[metricAttribute+model.SumSuffix]; !has {
		t.Error("Eval has no such term")
	}
	f, err = m.Score(len(lengths))
	if _, has := run(t, f, err, sentenceInputs(2), startStates(m))[metricAttribute]; has {
		t.Error("Score has an order of a single item")
	}
}

func TestAttributeErrors(t *testing.T) {
	for _, c := range []struct {
		item    medium.Item
		options []string
		want    string
	}{
		{measuredSentences, []string{"attributes", "pitch", "attr-weight", "1"}, "vae: --attributes pitch: items of medium words have no attribute \"pitch\": want sum or length"},
		{measuredSentences, []string{"attributes", "sum,sum", "attr-weight", "1"}, "vae: --attributes sum,sum: sum is there twice"},
		{measuredSentences, []string{"attributes", "sum,length", "attr-weight", "1", "latent", "1"}, "vae: --attributes sum,length: 2 attributes for --latent 1: want a unit for each"},
		{sentences, []string{"attributes", "sum", "attr-weight", "1"}, "vae: --attributes sum: nothing is measured of items of medium words: leave --attributes empty"},
		{measuredSentences, []string{"attributes", "sum"}, "vae: --attributes sum has no effect with --attr-weight 0: give it a weight, as --attr-weight 10"},
		{measuredSentences, []string{"attr-weight", "1"}, "vae: --attr-weight 1 has no effect without --attributes: leave it out, or name attributes"},
		{measuredSentences, []string{"attributes", "sum", "attr-weight", "-1"}, "vae: --attr-weight -1: want a finite number of 0 or more"},
	} {
		config := configured(t, sequenceKind, c.options...)
		if _, err := config.New(model.Input{Item: c.item}); err == nil || flags(config, err) != c.want {
			t.Errorf("%v: got %v\nwant %s", c.options, err, c.want)
		}
	}
}
