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

// counting is a model whose code is the sum of a sequence less 4, and that decodes as many ones
// followed by zeros, or zeros alone if it has collapsed.
type counting struct{ collapsed bool }

func (c counting) model() *model.Model {
	return &model.Model{Latent: 1, Eval: c.Eval, Encode: c.Encode, Decode: c.Decode}
}

func (counting) Eval(n int) (*graph.Func, error) {
	x, w := graph.Input(model.InputX, tensor.Float32, n, 8), graph.Input(model.InputWeight, tensor.Float32, n)
	return graph.NewFunc("eval", []*graph.Node{x, w}, []graph.Output{{Name: model.Loss + model.SumSuffix, Value: graph.Sum(graph.Mul(w, graph.Sum(x, 1)))}}, nil)
}

func (counting) Encode(n int) (*graph.Func, error) {
	x := graph.Input(model.InputX, tensor.Float32, n, 8)
	mean := graph.AddScalar(graph.Reshape(graph.Sum(x, 1), n, 1), -4)
	return graph.NewFunc("encode", []*graph.Node{x}, []graph.Output{{Name: model.OutputMean, Value: mean}, {Name: model.OutputLogVar, Value: graph.Scale(mean, 0)}}, nil)
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

// TestSequences measures a model that interpolates and steers, and one that has collapsed.
func TestSequences(t *testing.T) {
	var values []float32
	var has []uint8
	for k := range 8 { // k+1 ones; more than four have the attribute
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
	set := &data.Set{Name: "beats", Train: part, Test: part, Attributes: []string{"sum"}}
	for _, c := range []counting{{false}, {true}} {
		m := c.model()
		be := cpu.New(1)
		defer be.Close()
		e, err := New(latent.New(m, model.Input{Item: beatsItem}, exec.New(be, be.NewState())))
		if err != nil {
			t.Fatal(err)
		}
		scores, missing, err := e.Measure(context.Background(), Task{Protocol: DefaultProtocol(), Set: set, Seed: 1, Only: []string{"interpolation_gain", "steered"}})
		if err != nil || len(missing) > 0 || len(scores) != 2 {
			t.Fatalf("%v, %v, %v", scores, missing, err)
		}
		gain, steered := scores[0].Value, scores[1].Value
		if c.collapsed && steered != 0 || !c.collapsed && !(steered > 0.7 && gain > 0.1) {
			t.Errorf("collapsed %v: gain %v, steered %v", c.collapsed, gain, steered)
		}
		if !strings.Contains(scores[0].Note, "nats a token") || !strings.Contains(scores[1].Note, "sum ") {
			t.Errorf("notes %q, %q", scores[0].Note, scores[1].Note)
		}
	}
}
