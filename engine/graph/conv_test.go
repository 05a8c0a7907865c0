package graph_test

import (
	"math"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// Window follows the rule of TensorFlow, from "Notes on padding" of its API documentation (tf.nn). Same pads
// max((⌈in/s⌉−1)·s + k − in, 0) zeros, half of them, rounded down, before the image. Valid gives the length
// ⌈(in−k+1)/s⌉. Length 13 with kernel 6 and stride 5 is the drawing in Stack Overflow 37674306 (same: 1 zero before and 2
// after; valid: the last two columns are not used). The other cases follow from the rule by hand.
func TestWindow(t *testing.T) {
	for _, c := range []struct {
		in, k, s int
		pad      graph.Padding
		out, lo  int
	}{
		{13, 6, 5, graph.Same, 3, 1},
		{13, 6, 5, graph.Valid, 2, 0},
		{5, 2, 1, graph.Same, 5, 0}, // 1 zero, after the image
		{5, 3, 1, graph.Same, 5, 1},
		{5, 4, 1, graph.Same, 5, 1}, // 3 zeros, 1 of them before the image
		{28, 3, 2, graph.Same, 14, 0},
		{7, 3, 2, graph.Same, 4, 1},
		{7, 3, 2, graph.Valid, 3, 0},
		{8, 3, 2, graph.Valid, 3, 0},
		{5, 1, 3, graph.Same, 2, 0}, // the kernel skips elements, so no zero is needed
		{2, 5, 1, graph.Same, 2, 2},
		{5, 5, 3, graph.Valid, 1, 0},
	} {
		cfg := graph.ConvConfig{Stride: [2]int{c.s, 1}, Padding: c.pad}
		if out, lo, ok := cfg.Window(0, c.in, c.k); out != c.out || lo != c.lo || !ok {
			t.Errorf("length %d, kernel %d, stride %d, %v: output %d, zeros before %d, %v; want %d, %d", c.in, c.k, c.s, c.pad, out, lo, ok, c.out, c.lo)
		}
	}
	for _, c := range []struct{ in, k, s int }{{4, 5, 1}, {4, 0, 1}, {4, 2, 0}, {0, 1, 1}, {4, 2, -1}} {
		if _, _, ok := (graph.ConvConfig{Stride: [2]int{1, c.s}, Padding: graph.Valid}).Window(1, c.in, c.k); ok {
			t.Errorf("length %d, kernel %d, stride %d, valid: a kernel that does not fit is accepted", c.in, c.k, c.s)
		}
	}
}

// evaluate returns the value of y for inputs of these names.
func evaluate(t *testing.T, y *graph.Node, in map[string]graph.Value) graph.Value {
	t.Helper()
	f := &graph.Func{Name: "run", Outputs: []graph.Output{{Name: "y", Value: y}}}
	for _, n := range f.Nodes() {
		if n.Op() == graph.OpInput {
			f.Inputs = append(f.Inputs, n)
		}
	}
	out, err := graph.Interp(f, graph.Env{Inputs: in})
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

// wantNear fails t unless got equals want with the tolerance tol.
func wantNear(t *testing.T, what string, got graph.Value, tol float64, want ...float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if !(math.Abs(got[i]-w) <= tol) {
			t.Errorf("%s: element %d is %v, want %v ± %g", what, i, got[i], w, tol)
		}
	}
}

// Image and kernel are those of the example in the documentation of tf.nn.conv2d. The wanted values are the formula of
// that page, computed in Python.
func TestConv2DExample(t *testing.T) {
	img := graph.Input("x", tensor.Float32, 1, 5, 5, 1)
	w := graph.Input("w", tensor.Float32, 2, 2, 1, 2)
	y := graph.Conv2D(img, w, graph.ConvConfig{Stride: [2]int{1, 1}, Padding: graph.Valid})
	got := evaluate(t, y, map[string]graph.Value{
		"x": {2, 1, 2, 0, 1, 1, 3, 2, 2, 3, 1, 1, 3, 3, 0, 2, 2, 0, 1, 1, 0, 0, 3, 1, 2},
		"w": {2, 0.1, 3, 0.2, 0, 0.3, 1, 0.4},
	})
	wantNear(t, "conv2d", got, 1e-12,
		10, 1.9, 10, 2.2, 6, 1.6, 6, 2.0,
		12, 1.4, 15, 2.2, 13, 2.7, 13, 1.7,
		7, 1.7, 11, 1.3, 16, 1.3, 7, 1.0,
		10, 0.6, 7, 1.4, 4, 1.5, 7, 1.4)
}

// The row 1 … 5 with the kernel (1, 10, 100): the digits of the result show which elements were multiplied by which
// weight. Same pads one zero on each side for stride 1 and 2; with a kernel of length 2 it pads after the image only.
func TestConv2DByHand(t *testing.T) {
	row := map[string]graph.Value{"x": {1, 2, 3, 4, 5}}
	img := graph.Input("x", tensor.Float32, 1, 1, 5, 1)
	wide := graph.ConstOf([]float32{1, 10, 100}, 1, 3, 1, 1)
	two := graph.ConstOf([]float32{1, 10}, 1, 2, 1, 1)
	cfg := func(s int, p graph.Padding) graph.ConvConfig {
		return graph.ConvConfig{Stride: [2]int{1, s}, Padding: p}
	}
	wantEqual(t, "same, stride 1", evaluate(t, graph.Conv2D(img, wide, cfg(1, graph.Same)), row), 210, 321, 432, 543, 54)
	wantEqual(t, "same, stride 2", evaluate(t, graph.Conv2D(img, wide, cfg(2, graph.Same)), row), 210, 432, 54)
	wantEqual(t, "same, stride 3", evaluate(t, graph.Conv2D(img, wide, cfg(3, graph.Same)), row), 321, 54) // one zero, after the image
	wantEqual(t, "valid, stride 1", evaluate(t, graph.Conv2D(img, wide, cfg(1, graph.Valid)), row), 321, 432, 543)
	wantEqual(t, "valid, stride 2", evaluate(t, graph.Conv2D(img, wide, cfg(2, graph.Valid)), row), 321, 543)
	wantEqual(t, "same, kernel 2", evaluate(t, graph.Conv2D(img, two, cfg(1, graph.Same)), row), 21, 32, 43, 54, 5)
	wantEqual(t, "same, kernel 2, stride 2", evaluate(t, graph.Conv2D(img, two, cfg(2, graph.Same)), row), 21, 43, 5)

	// The transposed convolution of three places by stride 2 back to five and to six columns.
	three := graph.Input("x", tensor.Float32, 1, 1, 3, 1)
	back := func(n int) graph.Value {
		return evaluate(t, graph.Conv2DInputGrad(three, wide, graph.Shape{1, 1, n, 1}, cfg(2, graph.Same)), map[string]graph.Value{"x": {1, 2, 3}})
	}
	// Five: places begin at −1, 1, 3. Column 1 gets 100·1 + 1·2.
	wantEqual(t, "transposed to 5", back(5), 10, 102, 20, 203, 30)
	// Six: places begin at 0, 2, 4. Column 2 gets 100·1 + 1·2.
	wantEqual(t, "transposed to 6", back(6), 1, 10, 102, 20, 203, 30)

	// The kernel's gradient for x = 1 … 5, gy = 1, 2, 3, stride 2, same.
	gy := graph.ConstOf([]float32{1, 2, 3}, 1, 1, 3, 1)
	wantEqual(t, "filter gradient", evaluate(t, graph.Conv2DFilterGrad(img, gy, graph.Shape{1, 3, 1, 1}, cfg(2, graph.Same)), row),
		2*2+4*3, 1*1+3*2+5*3, 2*1+4*2)
}

// The convolution sums over channels, keeps images separate, and does not exchange rows and columns.
func TestConv2DLayout(t *testing.T) {
	// x[n,i,j,c] = 1000n + 100i + 10j + c; each output of the kernel reads one row, column and channel.
	v := graph.Value{}
	for n := range 2 {
		for i := range 3 {
			for j := range 4 {
				for c := range 2 {
					v = append(v, float64(1000*n+100*i+10*j+c))
				}
			}
		}
	}
	img := graph.Input("x", tensor.Float32, 2, 3, 4, 2)
	kernel := make([]float32, 2*3*2*2)
	kernel[((1*3+2)*2+1)*2+0] = 1 // row 1, column 2, channel 1 → output 0
	kernel[((0*3+1)*2+0)*2+1] = 1 // row 0, column 1, channel 0 → output 1
	y := graph.Conv2D(img, graph.ConstOf(kernel, 2, 3, 2, 2), graph.ConvConfig{Stride: [2]int{1, 1}, Padding: graph.Valid})
	wantEqual(t, "conv2d", evaluate(t, y, map[string]graph.Value{"x": v}),
		121, 10, 131, 20, 221, 110, 231, 120,
		1121, 1010, 1131, 1020, 1221, 1110, 1231, 1120)
}

// ⟨conv(x, w), y⟩ = ⟨x, inputgrad(y, w)⟩ = ⟨w, filtergrad(x, y)⟩: the gradients are the adjoints of the convolution.
func TestConvolutionsAreAdjoints(t *testing.T) {
	key, trial := rng.New(8), uint64(0)
	for h := 1; h <= 6; h++ {
		for k := 1; k <= 5; k++ {
			for s := 1; s <= 3; s++ {
				for _, pad := range []graph.Padding{graph.Same, graph.Valid} {
					trial++
					c := graph.ConvConfig{Stride: [2]int{s, 1 + (s+h)%3}, Padding: pad}
					xs, ws := graph.Shape{2, h, h + k, 3}, graph.Shape{k, 1 + (k+s)%4, 3, 2}
					rows, _, ok := c.Window(0, xs[1], ws[0])
					cols, _, ok2 := c.Window(1, xs[2], ws[1])
					if !ok || !ok2 {
						continue
					}
					ys := graph.Shape{2, rows, cols, 2}
					in, leaf := map[string]graph.Value{}, map[string]*graph.Node{}
					for name, shape := range map[string]graph.Shape{"x": xs, "w": ws, "y": ys} {
						u := make([]float32, shape.Size())
						key.At(trial).Split(name).Normal(u)
						in[name] = make(graph.Value, len(u))
						for i, e := range u {
							in[name][i] = float64(e)
						}
						leaf[name] = graph.Input(name, tensor.Float32, shape...)
					}
					inner := func(a *graph.Node, b string) float64 {
						return evaluate(t, graph.Sum(graph.Mul(a, leaf[b])), in)[0]
					}
					want := inner(graph.Conv2D(leaf["x"], leaf["w"], c), "y")
					for name, got := range map[string]float64{
						"input gradient":  inner(graph.Conv2DInputGrad(leaf["y"], leaf["w"], xs, c), "x"),
						"filter gradient": inner(graph.Conv2DFilterGrad(leaf["x"], leaf["y"], ws, c), "w"),
					} {
						if !(math.Abs(got-want) <= 1e-11*(1+math.Abs(want))) {
							t.Errorf("%s: %v by %v, %v %v: %v, want %v", name, xs, ws, c.Stride, pad, got, want)
						}
					}
				}
			}
		}
	}
}
