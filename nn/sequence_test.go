package nn

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// sines returns array k of testdata/layers.py.
func sines(k, n int) graph.Value {
	v := make(graph.Value, n)
	for i := range v {
		v[i] = math.Sin(0.7*float64(i)+float64(k)) / 2
	}
	return v
}

// sequenceCase is a layer of testdata/layers.py: its arrays in their order, by the number of their sines, and its results.
type sequenceCase struct {
	arrays  []*graph.Node
	numbers []int
	results []*graph.Node
}

// sequenceCases returns the layers of testdata/layers.py.
func sequenceCases() map[string]sequenceCase {
	const batch, steps, d, units = 2, 5, 3, 4
	b := NewBuilder()
	x := graph.Input("x", tensor.Float32, batch, steps, d)
	h0, c0 := graph.Input("h0", tensor.Float32, batch, units), graph.Input("c0", tensor.Float32, batch, units)
	state := func(names ...string) (s []*graph.Node) {
		for _, name := range names {
			s = append(s, b.shared.states[b.shared.index[name]])
		}
		return s
	}
	m := map[string]sequenceCase{}
	row := func(y *graph.Node, i int) *graph.Node {
		return graph.Slice(y, []int{i, 0, 0}, []int{i + 1, 1, units}, []int{1, 1, 1})
	}

	y, last := b.GRU("gru", x, units, Recurrence{Initial: h0})
	gru := append([]*graph.Node{x, h0}, state("gru/kernel", "gru/recurrent_kernel", "gru/bias", "gru/recurrent_bias")...)
	m["gru"] = sequenceCase{gru, []int{0, 1, 3, 4, 5, 6}, []*graph.Node{y, last}}
	mask := graph.ConstOf([]float32{1, 1, 1, 1, 1, 1, 1, 1, 0, 0}, batch, steps)
	y, _ = b.GRU("gru", x, units, Recurrence{Initial: h0, Mask: mask, Reverse: true})
	m["gru backward, masked"] = sequenceCase{gru, []int{0, 1, 3, 4, 5, 6}, []*graph.Node{row(y, 0), row(y, 1)}}

	y, last, cell := b.LSTM("lstm", x, units, Recurrence{Initial: h0, Cell: c0})
	m["lstm"] = sequenceCase{append([]*graph.Node{x, h0, c0}, state("lstm/kernel", "lstm/recurrent_kernel", "lstm/bias")...),
		[]int{0, 1, 2, 3, 4, 5}, []*graph.Node{y, last, cell}}

	ids := graph.ConstOf([]float32{0, 6, 3, 3, 1, 5, 5, 0, 2, 6}, batch, steps)
	y = b.Embedding("words", ids, 7, d, Normal(0, 1))
	m["embedding"] = sequenceCase{state("words/embeddings"), []int{3}, []*graph.Node{y}}
	y = b.LayerNorm("norm", x)
	m["layer norm"] = sequenceCase{append([]*graph.Node{x}, state("norm/gamma", "norm/beta")...), []int{0, 3, 4}, []*graph.Node{y}}

	q, memory := graph.Input("q", tensor.Float32, batch, steps, 6), graph.Input("m", tensor.Float32, batch, steps, 6)
	y = b.Attention("attention", q, q, 2, true, nil)
	params := state("attention/query/kernel", "attention/query/bias", "attention/key/kernel", "attention/key/bias",
		"attention/value/kernel", "attention/value/bias", "attention/output/kernel", "attention/output/bias")
	m["attention, causal"] = sequenceCase{append([]*graph.Node{q}, params...), []int{0, 3, 4, 5, 6, 7, 8, 9, 10}, []*graph.Node{y}}
	y = b.Attention("attention", q, memory, 2, false, mask)
	m["attention, masked"] = sequenceCase{append([]*graph.Node{q, memory}, params...), []int{0, 1, 3, 4, 5, 6, 7, 8, 9, 10}, []*graph.Node{y}}

	for _, dilation := range []int{1, 2, 4} {
		y = b.CausalConv1D("conv", x, units, 3, dilation, None)
		m[fmt.Sprintf("causal convolution, dilation %d", dilation)] = sequenceCase{
			append([]*graph.Node{x}, state("conv/kernel", "conv/bias")...), []int{0, 3, 4}, []*graph.Node{y}}
	}
	return m
}

// The layers of sequences, and their gradients in all operands, are those of PyTorch: see testdata/layers.py. The tolerance
// is what a constant in float32, such as 1e-5 or 1/√3, leaves.
func TestSequenceLayersEqualPyTorch(t *testing.T) {
	data, err := os.ReadFile("testdata/layers.json")
	if err != nil {
		t.Fatal(err)
	}
	var oracle map[string]struct{ Results, Gradients []graph.Value }
	if err := json.Unmarshal(data, &oracle); err != nil {
		t.Fatal(err)
	}
	cases := sequenceCases()
	if len(oracle) != len(cases) {
		t.Errorf("%d cases in testdata/layers.json, want %d", len(oracle), len(cases))
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			values := map[string]graph.Value{}
			for i, x := range c.arrays {
				values[x.Name()] = sines(c.numbers[i], x.Shape().Size())
			}
			loss := graph.Const(0)
			for i, y := range c.results {
				w := sines(100+i, y.Shape().Size())
				values[fmt.Sprint("weights", i)] = w
				loss = graph.Add(loss, graph.Sum(graph.Mul(y, graph.Input(fmt.Sprint("weights", i), tensor.Float32, y.Shape()...))))
			}
			want := oracle[name]
			check := func(what string, y *graph.Node, want graph.Value) {
				got := eval(t, y, values)
				if len(got) != len(want) {
					t.Fatalf("%s has %d elements, want %d", what, len(got), len(want))
				}
				for i, w := range want {
					if !(math.Abs(got[i]-w) < 1e-7) {
						t.Fatalf("%s: element %d is %.12g, want %.12g", what, i, got[i], w)
					}
				}
			}
			for i, y := range c.results {
				check(fmt.Sprint("result ", i), y, want.Results[i])
			}
			for i, g := range graph.Grad(loss, c.arrays...) {
				check(fmt.Sprint("gradient in ", c.arrays[i].Name()), g, want.Gradients[i])
			}
		})
	}
}

// A layer called step by step with its last state gives what it gives at once, and a step that is masked changes nothing.
func TestRecurrenceStepByStep(t *testing.T) {
	b := NewBuilder()
	x := graph.Input("x", tensor.Float32, 2, 3, 2)
	whole, _ := b.GRU("gru", x, 2, Recurrence{})
	values := map[string]graph.Value{"x": sines(0, 12), "gru/kernel": sines(1, 12), "gru/recurrent_kernel": sines(2, 12), "gru/bias": sines(3, 6), "gru/recurrent_bias": sines(4, 6)}
	want := eval(t, whole, values)
	var h *graph.Node
	for i := range 3 {
		step := graph.Slice(x, []int{0, i, 0}, []int{2, i + 1, 2}, []int{1, 1, 1})
		_, h = b.GRU("gru", step, 2, Recurrence{Initial: h})
		for j, v := range eval(t, h, values) {
			if w := want[j/2*6+i*2+j%2]; v != w {
				t.Errorf("step %d: %v, want %v", i, v, w)
			}
		}
	}
	_, same, cell := b.LSTM("lstm", x, 2, Recurrence{Initial: h, Cell: h, Mask: graph.BroadcastTo(graph.Const(0), 2, 3)})
	values["lstm/kernel"], values["lstm/recurrent_kernel"], values["lstm/bias"] = sines(1, 16), sines(2, 16), sines(3, 8)
	for i, v := range eval(t, graph.Sub(graph.Add(same, cell), graph.Scale(h, 2)), values) {
		if v != 0 {
			t.Errorf("masked: element %d differs by %v", i, v)
		}
	}
}

// Operands that do not fit are errors that name the layer.
func TestSequenceShapeErrors(t *testing.T) {
	f := func(shape ...int) *graph.Node { return graph.Input("f", tensor.Float32, shape...) }
	b := NewBuilder()
	x := f(2, 5, 6)
	for _, c := range []struct {
		build func()
		want  string
	}{
		{func() { b.GRU("g", f(2, 6), 4, Recurrence{}) }, "graph: gru g([2,6]): want sequences (B, T, D)"},
		{func() { b.LSTM("l", x, 4, Recurrence{Cell: f(2, 3)}) }, "graph: lstm l([2,5,6], [2,3]): want an initial cell of shape [2,4]"},
		{func() { b.GRU("g", x, 4, Recurrence{Mask: f(2, 4)}) }, "graph: gru g([2,5,6], [2,4]): want a mask of shape [2,5]"},
		{func() { b.LayerNorm("n", f(3)) }, "graph: layer_norm n([3]): want (B, …, D)"},
		{func() { b.Attention("a", x, x, 4, false, nil) }, "graph: attention a([2,5,6], [2,5,6]): want a number of heads that divides the features"},
		{func() { b.Attention("a", x, f(3, 5, 6), 2, false, nil) }, "graph: attention a([2,5,6], [3,5,6]): want a memory of the same batch"},
		{func() { b.Attention("a", x, f(2, 4, 6), 2, true, nil) }, "graph: attention a([2,5,6], [2,4,6]): want a memory of as many steps for causal attention"},
		{func() { b.Attention("a", x, x, 2, false, f(2, 4)) }, "graph: attention a([2,5,6], [2,5,6], [2,4]): want a mask (B, S)"},
		{func() { b.CausalConv1D("c", x, 4, 3, 0, None) }, "graph: causal_conv1d c([2,5,6]): want a kernel and a dilation of 1 or more"},
	} {
		var shape *graph.ShapeError
		if err := graph.Try(c.build); !errors.As(err, &shape) || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

// The initial kernels of recurrent layers are within ±1/√units, and fill that range.
func TestRecurrentKernels(t *testing.T) {
	b := NewBuilder()
	b.GRU("gru", graph.Input("x", tensor.Float32, 1, 1, 30), 16, Recurrence{})
	for _, p := range []Param{b.Params()[0], b.Params()[2]} { // between them is the bias
		low, high := float32(0), float32(0)
		for _, v := range p.Draw(rng.New(1)).F32() {
			low, high = min(low, v), max(high, v)
		}
		if !(low >= -0.25 && low < -0.24 && high <= 0.25 && high > 0.24) {
			t.Errorf("%s is from %v to %v, want ±0.25", p.Name, low, high)
		}
	}
}
