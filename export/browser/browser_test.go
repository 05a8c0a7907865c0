package browser

import (
	"encoding/base64"
	"fmt"
	"math"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/graph/graphtest"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// A device runs functions as programs in Node, for the tests of package graphtest.
type device struct {
	*nodeProcess
	kernels string
}

type states map[string]*tensor.Tensor

func (s states) Get(name string) (*tensor.Tensor, error) {
	if s[name] == nil {
		return nil, fmt.Errorf("no state %q", name)
	}
	return s[name], nil
}

func (s states) Set(name string, t *tensor.Tensor) error {
	s[name] = t
	return nil
}

type function struct {
	*machine
	f *graph.Func
}

func (d device) NewState() states { return states{} }

func (d device) Compile(f *graph.Func, s states, _ struct{}) (*function, error) {
	folded, err := Fold([]Function{{"f", func(int) (*graph.Func, error) { return f, nil }}}, s.Get)
	if err != nil {
		return nil, err
	}
	p, err := folded.Program()
	if err != nil {
		return nil, err
	}
	m, err := d.load(p, false, d.kernels)
	return &function{m, f}, err
}

func (f *function) Run(in, out []*tensor.Tensor) error {
	operands := map[string]*tensor.Tensor{}
	for i, t := range in {
		operands[f.f.Inputs[i].Name()] = t
	}
	results, _, err := f.run("f", operands, 0, 1)
	if err != nil {
		return err
	}
	for i, o := range f.f.Outputs {
		copy(out[i].F32(), results[o.Name])
	}
	return nil
}

// TestSweep runs every primitive, and its derivatives, in Node and compares it with the interpreter.
func TestSweep(t *testing.T) {
	graphtest.SweepDevice(t, device{startNode(t), ""}, 1e-6)
}

// TestProducts runs convolutions, transposed ones and matrix products with constant kernels, scaled and shifted and
// activated, by each kind of kernels.
func TestProducts(t *testing.T) {
	node := startNode(t)
	conv := func(s0, s1 int, p graph.Padding) graph.ConvConfig {
		return graph.ConvConfig{Stride: [2]int{s0, s1}, Padding: p}
	}
	weight := func(shape ...int) graphtest.Operand {
		o := graphtest.Uniform(rng.New(7).Split(fmt.Sprint(shape)), -1, 1, shape...)
		o.State = true
		return o
	}
	image := func(shape ...int) graphtest.Operand {
		return graphtest.Uniform(rng.New(8).Split(fmt.Sprint(shape)), -1, 1, shape...)
	}
	for _, tt := range []struct {
		name     string
		f        func(x ...*graph.Node) *graph.Node
		operands []graphtest.Operand
	}{
		{"dense", func(x ...*graph.Node) *graph.Node { return graph.ReLU(graph.Add(graph.MatMul(x[0], x[1]), x[2])) },
			[]graphtest.Operand{image(1, 5), weight(5, 70), weight(70)}},
		{"dense, transposed, scaled", func(x ...*graph.Node) *graph.Node {
			return graph.LeakyReLU(graph.Mul(graph.Sub(graph.MatMulT(x[0], x[1], false, true), x[2]), graph.Exp(x[2])), 0.2)
		}, []graphtest.Operand{image(1, 8), weight(12, 8), weight(12)}},
		{"many rows", func(x ...*graph.Node) *graph.Node {
			return graph.Div(graph.MatMul(x[0], x[1]), graph.AddScalar(x[2], 3))
		},
			[]graphtest.Operand{image(9, 6), weight(6, 7), weight(7)}},
		{"reshaped, then normalised", func(x ...*graph.Node) *graph.Node {
			y := graph.Reshape(graph.MatMul(x[0], x[1]), 1, 3, 3, 4)
			return graph.Conv2DInputGrad(graph.ReLU(graph.Add(graph.Mul(y, x[2]), x[2])), x[3], graph.Shape{1, 6, 6, 3}, conv(2, 2, graph.Same))
		}, []graphtest.Operand{image(1, 5), weight(5, 36), weight(4), weight(4, 4, 3, 4)}},
		{"three convolutions", func(x ...*graph.Node) *graph.Node {
			y := graph.ReLU(graph.Add(graph.Conv2D(x[0], x[1], conv(2, 1, graph.Same)), x[2]))
			z := graph.LeakyReLU(graph.Conv2D(y, x[3], conv(1, 1, graph.Same)), 0.3)
			return graph.Add(graph.Conv2D(z, x[4], conv(1, 2, graph.Valid)), graph.Slice(y, []int{0, 0, 0, 0}, []int{1, 5, 7, 1}, []int{1, 1, 2, 1}))
		}, []graphtest.Operand{image(1, 13, 9, 3), weight(3, 3, 3, 8), weight(8), weight(5, 3, 8, 6), weight(3, 3, 6, 1)}},
		{"upsampling", func(x ...*graph.Node) *graph.Node {
			y := graph.ReLU(graph.Conv2DInputGrad(x[0], x[1], graph.Shape{1, 14, 14, 8}, conv(2, 2, graph.Same)))
			z := graph.ReLU(graph.Conv2DInputGrad(y, x[2], graph.Shape{1, 28, 28, 4}, conv(2, 2, graph.Same)))
			return graph.Sigmoid(graph.Add(graph.Conv2DInputGrad(z, x[3], graph.Shape{1, 28, 28, 1}, conv(1, 1, graph.Same)), x[4]))
		}, []graphtest.Operand{image(1, 7, 7, 4), weight(3, 3, 8, 4), weight(4, 4, 4, 8), weight(3, 3, 1, 4), weight(1)}},
		{"stride larger than the kernel", func(x ...*graph.Node) *graph.Node {
			return graph.Conv2DInputGrad(x[0], x[1], graph.Shape{1, 9, 8, 3}, conv(3, 3, graph.Same))
		}, []graphtest.Operand{image(1, 3, 3, 2), weight(2, 2, 3, 2)}},
		{"read by others", func(x ...*graph.Node) *graph.Node {
			y := graph.Add(graph.MatMul(x[0], x[1]), x[2])
			return graph.Concat(1, graph.ReLU(y), graph.Mul(y, x[2]), y)
		}, []graphtest.Operand{image(1, 5), weight(5, 6), weight(6)}},
	} {
		for _, kernels := range []string{"relaxed", "simd", "plain"} {
			t.Run(tt.name+"/"+kernels, func(t *testing.T) {
				f, env := assemble(t, tt.f, tt.operands)
				graphtest.Agree(t, device{node, kernels}, f, env, 1e-6)
			})
		}
	}
}

// assemble returns a function of operands, and their values.
func assemble(t *testing.T, build func(x ...*graph.Node) *graph.Node, operands []graphtest.Operand) (*graph.Func, graph.Env) {
	t.Helper()
	env := graph.Env{Inputs: map[string]graph.Value{}, States: map[string]graph.Value{}}
	var leaves, inputs []*graph.Node
	for i, o := range operands {
		name := fmt.Sprint("x", i)
		if o.State {
			leaves = append(leaves, graph.State(name, o.Shape...))
			env.States[name] = o.Value
			continue
		}
		in := graph.Input(name, tensor.Float32, o.Shape...)
		leaves, inputs = append(leaves, in), append(inputs, in)
		env.Inputs[name] = o.Value
	}
	f, err := graph.NewFunc("f", inputs, []graph.Output{{Name: "y", Value: build(leaves...)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f, env
}

// TestRandom compares random numbers with those of package rng: words and uniform numbers to the bit, normal ones to one unit
// in the last place, where the logarithms and cosines of Go and of the engine may round differently.
func TestRandom(t *testing.T) {
	node := startNode(t)
	for _, seed := range []uint64{0, 7, 1<<64 - 1} {
		key := rng.New(seed).Split("sample").At(3).Split("größe")
		from := fmt.Sprintf(`imago.split(imago.at(imago.split(imago.seeded("%d"), "sample"), 3), "größe")`, seed)
		for _, tt := range []struct {
			draw string
			fill func(rng.Key, []float32)
			ulps int
		}{{"uniform", rng.Key.Uniform, 0}, {"normal", rng.Key.Normal, 1}} {
			const skip, n = 5, 1000
			want := make([]float32, skip+n)
			tt.fill(key, want)
			got, err := node.evaluate(fmt.Sprintf("imago.%s(%s, %d, new Float32Array(%d))", tt.draw, from, skip, n))
			if err != nil {
				t.Fatal(err)
			}
			for i, w := range want[skip:] {
				if d := int(int32(math.Float32bits(got[i])) - int32(math.Float32bits(w))); max(d, -d) > tt.ulps {
					t.Fatalf("seed %d: %s number %d is %v, want %v", seed, tt.draw, i, got[i], w)
				}
			}
		}
	}
}

// TestHalf checks the conversion of all float16 numbers, and the rounding between neighbours.
func TestHalf(t *testing.T) {
	for h := range uint16(0x7c00) {
		v := tensor.FromHalf(h)
		if toHalf(v) != h || toHalf(-v) != h|0x8000 {
			t.Fatalf("%#04x is %v, which is stored as %#04x", h, v, toHalf(v))
		}
		if h == 0x7bff {
			break
		}
		next := tensor.FromHalf(h + 1)
		if even := h + h&1; toHalf((v+next)/2) != even {
			t.Fatalf("the middle of %v and %v is stored as %#04x, want %#04x", v, next, toHalf((v+next)/2), even)
		}
	}
	if toHalf(1e6) != 0x7bff || toHalf(float32(math.Inf(-1))) != 0xfbff {
		t.Error("numbers beyond the range are not stored as the largest one")
	}
}

// TestFill checks that a machine computes with other weights of its program after they are filled in.
func TestFill(t *testing.T) {
	node := startNode(t)
	program := func(scale float32) *Program {
		in, w := graph.Input("x", tensor.Float32, 1, 4), graph.State("w", 4, 8)
		f, err := graph.NewFunc("f", []*graph.Node{in}, []graph.Output{{Name: "y", Value: graph.ReLU(graph.MatMul(in, w))}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		weights := tensor.New(tensor.Float32, 4, 8)
		for i := range weights.F32() {
			weights.F32()[i] = scale * float32(i)
		}
		folded, err := Fold([]Function{{"f", func(int) (*graph.Func, error) { return f, nil }}}, states{"w": weights}.Get)
		if err != nil {
			t.Fatal(err)
		}
		p, err := folded.Program()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	x := tensor.New(tensor.Float32, 1, 4)
	for i := range x.F32() {
		x.F32()[i] = float32(i)
	}
	for _, kernels := range []string{"simd", "plain"} {
		m, err := node.load(program(1), false, kernels)
		if err != nil {
			t.Fatal(err)
		}
		other := base64.StdEncoding.EncodeToString(program(3).Weights(false))
		if _, err := node.evaluate(fmt.Sprintf("(machines[%d].fill(imago.bytesOf(%q), false), [1])", m.index, other)); err != nil {
			t.Fatal(err)
		}
		got, _, err := m.run("f", map[string]*tensor.Tensor{"x": x}, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		for j, v := range got["y"] {
			if want := float32(3 * (0*j + 1*(8+j) + 2*(16+j) + 3*(24+j))); v != want {
				t.Errorf("%s: number %d is %v, want %v", kernels, j, v, want)
			}
		}
	}
}
