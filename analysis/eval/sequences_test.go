package eval

import (
	"context"
	"strings"
	"testing"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
)

// beats is a medium of sequences of eight tokens, whose measure is their sum.
type beats struct{ medium.Medium }

func (beats) Name() string                                 { return "beats" }
func (beats) Check(medium.Item) error                      { return nil }
func (beats) Measures(medium.Item) []string                { return []string{"sum"} }
func (beats) Measure(_ medium.Item, v []float32) []float64 { return []float64{total(v)} }

func total(v []float32) (sum float64) {
	for _, x := range v {
		sum += float64(x)
	}
	return sum
}

var beatsItem = medium.Item{Medium: beats{}, Shape: tensor.Shape{8}, Element: medium.Tokens, Vocabulary: 2}

// counting is a model whose code is the sum of a sequence less 4, with a variance of e^logVar, and
// that decodes as many ones followed by zeros, or zeros alone if it has collapsed.
type counting struct {
	collapsed bool
	logVar    float64
}

func (c counting) model() *model.Model {
	return &model.Model{Latent: 1, Eval: c.Eval, Encode: c.Encode, Decode: c.Decode}
}

func (counting) Eval(n int) (*graph.Func, error) {
	x, w := graph.Input(model.InputX, tensor.Float32, n, 8), graph.Input(model.InputWeight, tensor.Float32, n)
	return graph.NewFunc("eval", []*graph.Node{x, w}, []graph.Output{{Name: model.Loss + model.SumSuffix, Value: graph.Sum(graph.Mul(w, graph.Sum(x, 1)))}}, nil)
}

func (c counting) Encode(n int) (*graph.Func, error) {
	x := graph.Input(model.InputX, tensor.Float32, n, 8)
	mean := graph.AddScalar(graph.Reshape(graph.Sum(x, 1), n, 1), -4)
	return graph.NewFunc("encode", []*graph.Node{x}, []graph.Output{{Name: model.OutputMean, Value: mean}, {Name: model.OutputLogVar, Value: graph.AddScalar(graph.Scale(mean, 0), c.logVar)}}, nil)
}

func (c counting) Decode(n int) (*graph.Func, error) {
	z := graph.Input(model.InputZ, tensor.Float32, n, 1)
	places := graph.ConstOf([]float32{0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5}, 1, 8)
	x := graph.Greater(graph.BroadcastTo(graph.AddScalar(z, 4), n, 8), graph.BroadcastTo(places, n, 8))
	if c.collapsed {
		x = graph.Scale(x, 0)
	}
	return graph.NewFunc("decode", []*graph.Node{z}, []graph.Output{{Name: model.OutputPicture, Value: x}}, nil)
}

// stairs returns the set of the eight sequences of ones followed by zeros; those of more than four
// ones have the attribute.
func stairs(t *testing.T) *data.Set {
	t.Helper()
	var values []float32
	var has []uint8
	for k := range 8 { // k+1 ones
		for i := range 8 {
			v := float32(0)
			if i <= k {
				v = 1
			}
			values = append(values, v)
		}
		has = append(has, uint8(k/4))
	}
	items, err := data.NewValues(values, beatsItem)
	if err != nil {
		t.Fatal(err)
	}
	part := data.Split{Items: items, Attributes: has}
	return &data.Set{Name: "beats", Train: part, Test: part, Attributes: []string{"sum"}}
}

// scores returns n metrics of the model on stairs, which have one of the words in their names.
func (c counting) scores(t *testing.T, n int, words ...string) Scores {
	t.Helper()
	be := cpu.New(1)
	defer be.Close()
	e, err := New(latent.New(c.model(), model.Input{Item: beatsItem}, exec.New(be, be.NewState())))
	if err != nil {
		t.Fatal(err)
	}
	scores, missing, err := e.Measure(context.Background(), Task{Protocol: DefaultProtocol(), Set: stairs(t), Seed: 1, Only: words})
	if err != nil || len(missing) > 0 || len(scores) != n {
		t.Fatalf("%v, %v, %v", scores, missing, err)
	}
	return scores
}

// TestSequences measures a model that interpolates and steers, and one that has collapsed.
func TestSequences(t *testing.T) {
	for _, c := range []counting{{}, {collapsed: true}} {
		scores := c.scores(t, 2, "interpolation_gain", "steered")
		gain, steered := scores[0].Value, scores[1].Value
		if c.collapsed && steered != 0 || !c.collapsed && !(steered > 0.7 && gain > 0.1) {
			t.Errorf("collapsed %v: gain %v, steered %v", c.collapsed, gain, steered)
		}
		if !strings.Contains(scores[0].Note, "nats a token") || !strings.Contains(scores[1].Note, "sum ") {
			t.Errorf("notes %q, %q", scores[0].Note, scores[1].Note)
		}
	}
}

// TestSampledTokens compares the accuracy of draws of codes with what the variance leaves: all, without
// one; of σ = 1 the places between sum + ε and sum, of 8, which the ends of a sequence cut; the zeros alone,
// 28 of 64, of a model that has collapsed.
func TestSampledTokens(t *testing.T) {
	for _, c := range []struct {
		model     counting
		low, high float64
	}{
		{counting{logVar: -60}, 1, 1},
		{counting{}, 0.84, 0.96}, // E|ε| is 0.8 of 8 places, so 0.9 without the ends; 0.03 is the standard error of 8 draws
		{counting{collapsed: true}, 28. / 64, 28. / 64},
	} {
		if got := c.model.scores(t, 1, "token_accuracy_sampled")[0].Value; !(got >= c.low && got <= c.high) {
			t.Errorf("%+v: %v, want %v to %v", c.model, got, c.low, c.high)
		}
	}
}
