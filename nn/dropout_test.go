package nn

import (
	"errors"
	"math"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// In training a share of the values is 0 and the others are larger, so that their mean stays; other keys drop others.
// Elsewhere nothing changes, and a rate of 0 is no layer.
func TestDropout(t *testing.T) {
	const n, rate = 2000, 0.25
	drop := func(training bool, seed uint64) graph.Value {
		b := NewBuilder().Network("net")
		b.Training, b.Key = training, graph.Input("key", tensor.Int32, 4)
		x := graph.Input("x", tensor.Float32, 4, n/4)
		y := b.Dropout("dropout", x, rate)
		if layers := b.Networks()[0].Layers; len(layers) != 1 || layers[0].Kind != "Dropout" || layers[0].Params != 0 {
			t.Errorf("layers %+v", layers)
		}
		if b.Dropout("none", x, 0) != x || len(b.Networks()[0].Layers) != 1 {
			t.Error("a rate of 0 is a layer")
		}
		inputs := []*graph.Node{x}
		values := map[string]graph.Value{"x": make(graph.Value, n)}
		for i := range values["x"] {
			values["x"][i] = 2
		}
		if training {
			inputs = append(inputs, b.Key)
			for _, word := range rng.New(seed).Words() {
				values["key"] = append(values["key"], float64(word))
			}
		}
		f, err := graph.NewFunc("f", inputs, []graph.Output{{Name: "y", Value: y}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		out, err := graph.Interp(f, graph.Env{Inputs: values})
		if err != nil {
			t.Fatal(err)
		}
		return out[0]
	}
	first, other, dropped, same := drop(true, 1), drop(true, 2), 0, 0
	for i, v := range first {
		switch {
		case v == 0:
			dropped++
		case !(math.Abs(v-2/(1-rate)) < 1e-6):
			t.Fatalf("value %d is %v, want 0 or %v", i, v, 2/(1-rate))
		}
		if (v == 0) == (other[i] == 0) {
			same++
		}
	}
	// Five deviations of a share of 2,000 values are 0.05 and 0.055.
	if share := float64(dropped) / n; !(math.Abs(share-rate) < 0.05) {
		t.Errorf("a share of %v is dropped, want %v", share, rate)
	}
	if share, want := float64(same)/n, rate*rate+(1-rate)*(1-rate); !(math.Abs(share-want) < 0.055) {
		t.Errorf("with another key a share of %v is the same, want %v", share, want)
	}
	for i, v := range drop(false, 1) {
		if v != 2 {
			t.Fatalf("outside of training value %d is %v", i, v)
		}
	}
	err := graph.Try(func() {
		b := NewBuilder()
		b.Training = true
		b.Dropout("dropout", graph.Input("x", tensor.Float32, 2, 2), rate)
	})
	var bad *graph.ShapeError
	if !errors.As(err, &bad) {
		t.Errorf("training without a key: %v", err)
	}
}
