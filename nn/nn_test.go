package nn

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// eval returns the value of y in float64 for the given inputs and states.
func eval(t *testing.T, y *graph.Node, values map[string]graph.Value) graph.Value {
	t.Helper()
	f := &graph.Func{Name: "test", Outputs: []graph.Output{{Name: "y", Value: y}}}
	for _, n := range f.Nodes() {
		switch n.Op() {
		case graph.OpInput:
			f.Inputs = append(f.Inputs, n)
		case graph.OpState:
			f.States = append(f.States, n)
		}
	}
	out, err := graph.Interp(f, graph.Env{Inputs: values, States: values})
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

// ramp returns n numbers that begin with from and grow by step.
func ramp(n int, from, step float64) graph.Value {
	v := make(graph.Value, n)
	for i := range v {
		v[i] = from + step*float64(i)
	}
	return v
}

func TestDense(t *testing.T) {
	b := NewBuilder()
	x := graph.Input("x", tensor.Float32, 1, 2)
	values := map[string]graph.Value{"x": {3, -1}, "d/kernel": {1, 2, -3, 4, 5, 6}, "d/bias": {0.5, 0, 0}}
	for name, c := range map[string]struct {
		act  Activation
		want graph.Value // x·W + b = (−0.5, 1, −15)
	}{
		"none":    {None, graph.Value{-0.5, 1, -15}},
		"relu":    {ReLU, graph.Value{0, 1, 0}},
		"leaky":   {LeakyReLU(0.25), graph.Value{-0.125, 1, -3.75}},
		"tanh":    {Tanh, graph.Value{math.Tanh(-0.5), math.Tanh(1), math.Tanh(-15)}},
		"sigmoid": {Sigmoid, graph.Value{1 / (1 + math.Exp(0.5)), 1 / (1 + math.Exp(-1)), 1 / (1 + math.Exp(15))}},
	} {
		values["d/kernel"] = graph.Value{1, 2, -3, 4, 5, 6}
		got := eval(t, b.Dense("d", x, 3, c.act), values)
		for i, w := range c.want {
			if !(math.Abs(got[i]-w) < 1e-12) {
				t.Errorf("%s: %v, want %v", name, got, c.want)
				break
			}
		}
	}
}

// A 2×2 kernel of ones with stride 2 adds up blocks of four pixels; its transpose copies each pixel to a block.
func TestConvolutionsByHand(t *testing.T) {
	b := NewBuilder()
	x := graph.Input("x", tensor.Float32, 1, 4, 4, 1)
	values := map[string]graph.Value{"x": ramp(16, 0, 1), "c/kernel": {1, 1, 1, 1}, "c/bias": {100}, "t/kernel": {1, 10, 100, 1000}, "t/bias": {-1}}
	y := b.Conv2D("c", x, 1, 2, 2, graph.Same, None)
	if got, want := eval(t, y, values), (graph.Value{110, 118, 142, 150}); !slices.Equal(got, want) {
		t.Errorf("convolution: %v, want %v", got, want)
	}
	z := b.ConvTranspose2D("t", graph.Input("z", tensor.Float32, 1, 1, 2, 1), 1, 2, 2, graph.Same, None)
	values["z"] = graph.Value{2, 3}
	if got, want := eval(t, z, values), (graph.Value{1, 19, 2, 29, 199, 1999, 299, 2999}); !slices.Equal(got, want) {
		t.Errorf("transposed convolution: %v, want %v", got, want)
	}
}

// The shapes of the outputs are those that Keras documents for the two paddings.
func TestShapes(t *testing.T) {
	for _, c := range []struct {
		in, kernel, stride   int
		pad                  graph.Padding
		conv, transposedConv int
	}{
		{7, 3, 2, graph.Same, 4, 14},
		{28, 3, 2, graph.Same, 14, 56},
		{28, 3, 1, graph.Same, 28, 28},
		{7, 3, 2, graph.Valid, 3, 15},
		{5, 5, 1, graph.Valid, 1, 9},
		{6, 2, 3, graph.Valid, 2, 18},
	} {
		b := NewBuilder()
		x := graph.Input("x", tensor.Float32, 2, c.in, c.in, 3)
		y := b.Conv2D("c", x, 5, c.kernel, c.stride, c.pad, None)
		if want := (tensor.Shape{2, c.conv, c.conv, 5}); !y.Shape().Equal(want) {
			t.Errorf("%+v: conv %v, want %v", c, y.Shape(), want)
		}
		z := b.ConvTranspose2D("t", x, 5, c.kernel, c.stride, c.pad, None)
		if want := (tensor.Shape{2, c.transposedConv, c.transposedConv, 5}); !z.Shape().Equal(want) {
			t.Errorf("%+v: transposed %v, want %v", c, z.Shape(), want)
		}
	}
}

func TestParametersAreDeclaredOnce(t *testing.T) {
	b := NewBuilder()
	d := b.Network("critic")
	x := graph.Input("x", tensor.Float32, 4, 6)
	y1 := d.Dense("out", d.Input("in", x), 2, None)
	y2 := b.Network("critic").Dense("out", graph.Neg(x), 2, None)
	if len(b.Params()) != 2 || len(b.States()) != 2 || b.Params()[0].Name != "critic/out/kernel" || Count(b.Params()) != 14 {
		t.Fatalf("two uses declared %+v", b.Params())
	}
	var used []*graph.Node
	for _, n := range (&graph.Func{Outputs: []graph.Output{{Name: "a", Value: y1}, {Name: "b", Value: y2}}}).Nodes() {
		if n.Op() == graph.OpState {
			used = append(used, n)
		}
	}
	if len(used) != 2 {
		t.Errorf("two uses have %d states, want the same 2", len(used))
	}
	if n := b.Networks(); len(n) != 1 || len(n[0].Layers) != 2 || n[0].Params() != 14 {
		t.Errorf("two uses are recorded as %+v", n)
	}
	err := graph.Try(func() { d.Dense("out", graph.Input("z", tensor.Float32, 4, 7), 2, None) })
	if err == nil || err.Error() != "graph: parameter critic/out/kernel([6,2], [7,2]): a parameter has one shape" {
		t.Errorf("another shape: %v", err)
	}
}

func TestLayersRecordTheirInputs(t *testing.T) {
	b := NewBuilder().Network("net")
	x := b.Input("in", graph.Input("x", tensor.Float32, 3, 4, 4, 2))
	h := b.Flatten("flatten", x)
	l, r := b.Dense("left", h, 6, Tanh), b.Dense("right", graph.Neg(h), 6, ReLU)
	y := b.Layer("add", "Add", graph.Add(l, r), l, r)
	b.Reshape("reshape", graph.Exp(y), 2, 3)
	got := ""
	for _, l := range b.Networks()[0].Layers {
		got += fmt.Sprintln(l.Name, l.Kind, l.Out, l.Params, l.Inputs)
	}
	const want = `in InputLayer [3,4,4,2] 0 []
flatten Flatten [3,32] 0 [in]
left Dense [3,6] 198 [flatten]
right Dense [3,6] 198 [flatten]
add Add [3,6] 0 [left right]
reshape Reshape [3,2,3] 0 [add]
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if x.Label() != "net/in" || r.Label() != "net/right" || y.Label() != "net/add" || r.In()[0].Label() != "net/right" {
		t.Errorf("labels %q %q %q", x.Label(), r.Label(), y.Label())
	}
}

func TestWrongRanks(t *testing.T) {
	b, x := NewBuilder(), graph.Input("x", tensor.Float32, 2, 3, 3)
	for name, build := range map[string]func(){
		"dense":      func() { b.Dense("a", x, 2, None) },
		"conv":       func() { b.Conv2D("b", x, 2, 3, 1, graph.Same, None) },
		"transposed": func() { b.ConvTranspose2D("c", x, 2, 3, 1, graph.Same, None) },
		"reshape":    func() { b.Reshape("d", x, 2, 2) },
		"no stride":  func() { b.Conv2D("e", graph.Reshape(x, 2, 3, 3, 1), 2, 3, 0, graph.Same, None) },
	} {
		if err := graph.Try(build); err == nil {
			t.Errorf("%s: no error for images (B,3,3)", name)
		}
	}
}

func TestInitialisers(t *testing.T) {
	key := rng.New(4)
	for _, c := range []struct {
		name         string
		init         Init
		shape        tensor.Shape
		bound, sigma float64 // the largest magnitude; the standard deviation
	}{
		{"glorot dense", GlorotUniform, tensor.Shape{300, 200}, math.Sqrt(6. / 500), math.Sqrt(2. / 500)},
		{"glorot conv", GlorotUniform, tensor.Shape{3, 3, 32, 64}, math.Sqrt(6. / (9 * 96)), math.Sqrt(2. / (9 * 96))},
		{"he dense", HeNormal, tensor.Shape{300, 200}, math.Inf(1), math.Sqrt(2. / 300)},
		{"he conv", HeNormal, tensor.Shape{3, 3, 32, 64}, math.Inf(1), math.Sqrt(2. / (9 * 32))},
	} {
		x := Param{Name: "w", Shape: c.shape, Init: c.init}.Draw(key).F32()
		var mean, square, largest float64
		for _, v := range x {
			mean += float64(v) / float64(len(x))
			square += float64(v) * float64(v) / float64(len(x))
			largest = max(largest, math.Abs(float64(v)))
		}
		// Five standard errors of 18,432 numbers or more.
		if sd := math.Sqrt(square); !(math.Abs(mean) < 0.037*c.sigma) || !(math.Abs(sd-c.sigma) < 0.03*c.sigma) || !(largest <= c.bound*(1+1e-6)) {
			t.Errorf("%s: mean %v, σ %v, largest %v; want 0, %v, at most %v", c.name, mean, sd, largest, c.sigma, c.bound)
		}
	}
	if x := (Param{Name: "b", Shape: tensor.Shape{3}, Init: Constant(2.5)}).Draw(key).F32(); !slices.Equal(x, []float32{2.5, 2.5, 2.5}) {
		t.Errorf("Constant(2.5) is %v", x)
	}
	if x := (Param{Name: "b", Shape: tensor.Shape{3}, Init: Zeros}).Draw(key).F32(); !slices.Equal(x, []float32{0, 0, 0}) {
		t.Errorf("Zeros is %v", x)
	}
}

// The initial value of a parameter depends on the key and its name, and not on other parameters.
func TestDrawDependsOnKeyAndName(t *testing.T) {
	w := Param{Name: "a/kernel", Shape: tensor.Shape{4, 4}, Init: GlorotUniform}
	v := Param{Name: "b/kernel", Shape: tensor.Shape{4, 4}, Init: GlorotUniform}
	first := slices.Clone(w.Draw(rng.New(1)).F32())
	other := v.Draw(rng.New(1)).F32()
	if !slices.Equal(first, w.Draw(rng.New(1)).F32()) || slices.Equal(first, other) || slices.Equal(first, w.Draw(rng.New(2)).F32()) {
		t.Error("an initial value depends on more than key and name, or not on both")
	}
}
