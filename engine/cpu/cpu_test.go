package cpu

import (
	"fmt"
	"math"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/graph/graphtest"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/cpuid"
)

// tol is the tolerance for float32 against float64, relative to the largest element.
const tol = 2e-6

// newTest returns a backend that is closed when the test ends.
func newTest(t testing.TB, threads int) *Backend {
	b := New(threads)
	t.Cleanup(func() { b.Close() })
	return b
}

func TestSweep(t *testing.T) {
	cpuid.EachImpl(t, "cpu", func(t *testing.T) { graphtest.SweepDevice(t, newTest(t, 2), tol) })
}

func TestRandomFuncs(t *testing.T) {
	cpuid.EachImpl(t, "cpu", func(t *testing.T) {
		for _, b := range []*Backend{newTest(t, 2), newSharding(t, 2)} {
			for i := range uint64(150) {
				agreeOnRandom(t, b, i)
			}
		}
	})
}

// newSharding returns a backend that divides every possible region into shards of one or two images and three lanes.
func newSharding(t testing.TB, threads int) *Backend {
	b := newTest(t, threads)
	b.config = shardConfig{shardFloats: 40, maxWeights: 1 << 20, maxLanes: 3, laneSumFloats: 1 << 20, minLanes: 1}
	return b
}

// agreeOnRandom fails t unless b agrees with the interpreter on the random function of a seed.
func agreeOnRandom(t testing.TB, b *Backend, seed uint64) {
	t.Helper()
	key := rng.New(seed)
	f := graphtest.RandomFunc(key.Split("func"))
	graphtest.Agree(t, b, f, graphtest.RandomEnv(key.Split("env"), f), tol)
	if t.Failed() {
		t.Fatalf("seed %d", seed)
	}
}

func FuzzAgree(f *testing.F) {
	for i := range uint64(4) {
		f.Add(i + 1000)
	}
	b := New(2)
	f.Cleanup(func() { b.Close() })
	f.Fuzz(func(t *testing.T, seed uint64) { agreeOnRandom(t, b, seed) })
}

// TestConvolutions runs the three convolutions with sizes that reach every method: planes, inner products, panels of 8 and 16,
// partial tiles, several output windows, sums over several images, wide gradients, bands, and pixels that no tap of an adjoint
// reaches. It also reaches Winograd's form with one and two taps along an axis, with units of several images and of parts of
// one image, and with small and large kernels.
func TestConvolutions(t *testing.T) {
	type size struct{ n, h, w, ci, co, kh, kw, s0, s1 int }
	sizes := []size{
		{2, 7, 9, 1, 5, 3, 3, 1, 1}, {3, 8, 8, 1, 32, 3, 3, 2, 2}, {2, 6, 5, 3, 17, 4, 4, 2, 2}, {9, 5, 5, 8, 1, 3, 3, 1, 1},
		{2, 7, 7, 16, 3, 5, 3, 2, 1}, {2, 9, 8, 6, 20, 1, 1, 2, 2}, {1, 11, 4, 12, 33, 2, 3, 3, 1}, {17, 4, 4, 10, 8, 3, 3, 2, 2},
		{2, 10, 10, 9, 2, 2, 2, 3, 3}, {1, 1, 1, 7, 7, 3, 3, 1, 1}, {2, 3, 3, 64, 130, 4, 4, 2, 2},
		{2, 10, 10, 2, 9, 2, 2, 3, 3}, {3, 4, 4, 6, 260, 2, 2, 1, 1}, {20, 10, 10, 5, 6, 3, 3, 1, 1},
		// Several bands: by planes, by rows, and with windows that differ in the pixels of a band.
		{1, 40, 41, 3, 24, 3, 3, 1, 1}, {1, 36, 30, 9, 33, 3, 3, 1, 1}, {2, 38, 30, 32, 5, 3, 3, 2, 2},
		{18, 8, 8, 16, 24, 4, 4, 2, 2}, {3, 7, 6, 17, 16, 2, 2, 1, 1}, {2, 5, 9, 5, 9, 2, 4, 1, 2}, {1, 32, 32, 44, 2, 4, 4, 2, 2},
		{1, 32, 32, 2, 172, 4, 4, 2, 2},
		{17, 24, 23, 2, 3, 2, 2, 1, 1}, {1, 4, 4, 121, 122, 4, 4, 2, 2},
	}
	type reference struct {
		size
		pad graph.Padding
	}
	references := map[reference]*graphtest.Reference{} // for all implementations and both forms
	cpuid.EachImpl(t, "cpu", func(t *testing.T) {
		b := newTest(t, 2)
		for i := range 4 * len(sizes) {
			s, pad, form := sizes[i/4], graph.Padding(i%2), []convForm{directForm, winogradForm}[i/2%2]
			if pad == graph.Valid && (s.h < s.kh || s.w < s.kw) {
				continue
			}
			t.Run(fmt.Sprintf("%v/%v/%v", s, pad, form), func(t *testing.T) {
				b.config.form = form
				r := references[reference{s, pad}]
				if r == nil {
					f := convolutions(t, []int{s.n, s.h, s.w, s.ci}, []int{s.kh, s.kw, s.ci, s.co}, graph.ConvConfig{Stride: [2]int{s.s0, s.s1}, Padding: pad})
					r = graphtest.NewReference(f, graphtest.RandomEnv(rng.New(1), f))
					references[reference{s, pad}] = r
				}
				graphtest.AgreeWith(t, b, r, tol)
			})
		}
	})
}

// convolutions returns a function of the three convolutions of images x and a kernel w of those shapes: the results in
// memory, and with loops that follow them.
func convolutions(t *testing.T, xShape, wShape []int, cfg graph.ConvConfig) *graph.Func {
	x, w := graph.State("x", xShape...), graph.State("w", wShape...)
	y := graph.Conv2D(x, w, cfg)
	gy := graph.State("gy", y.Shape()...)
	dx, dw := graph.Conv2DInputGrad(gy, w, x.Shape(), cfg), graph.Conv2DFilterGrad(x, gy, w.Shape(), cfg)
	f, err := graph.NewFunc("conv", nil, []graph.Output{
		{Name: "y", Value: y}, {Name: "dx", Value: dx}, {Name: "dw", Value: dw},
		{Name: "relu", Value: graph.ReLU(graph.Add(y, graph.Const(0.1)))},
		{Name: "bias", Value: graph.Sum(y, 0, 1, 2)},
		{Name: "images", Value: graph.Sum(graph.Square(dx), 1, 2, 3)},
		{Name: "norm", Value: graph.Sum(graph.Square(dw))},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestSoftmax runs a function with operations that random functions seldom have: a broadcast that is reshaped and broadcast
// again, and two reductions of rows.
func TestSoftmax(t *testing.T) {
	const rows, cols = 5, 7
	x, y := graph.State("x", rows, cols), graph.State("y", rows, cols)
	largest := graph.ReduceMax(x, 1)
	lse := graph.Add(largest, graph.Log(graph.Sum(graph.Exp(graph.Sub(x, graph.Reshape(largest, rows, 1))), 1)))
	loss := graph.Mean(graph.Sub(lse, graph.Sum(graph.Mul(y, x), 1)))
	f, err := graph.NewFunc("softmax", nil, []graph.Output{{Name: "loss", Value: loss}, {Name: "grad", Value: graph.Grad(loss, x)[0]}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	graphtest.Agree(t, newTest(t, 2), f, graphtest.RandomEnv(rng.New(3), f), tol)
}

// TestOneArrayTwoKernels reads one array as kernels of two shapes, which have different packed forms.
func TestOneArrayTwoKernels(t *testing.T) {
	w := graph.State("w", 2, 2, 2, 3)
	cfg := graph.ConvConfig{Stride: [2]int{2, 2}}
	wide := graph.ConvConfig{Stride: [2]int{3, 3}}
	gy, gz := graph.State("gy", 2, 3, 1, 3), graph.State("gz", 1, 1, 1, 2)
	f, err := graph.NewFunc("f", nil, []graph.Output{
		{Name: "z", Value: graph.Conv2DInputGrad(gz, graph.Reshape(w, 3, 4, 1, 2), graph.Shape{1, 2, 2, 1}, wide)},
		{Name: "y", Value: graph.Conv2DInputGrad(gy, w, graph.Shape{2, 6, 2, 2}, cfg)},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	graphtest.Agree(t, newTest(t, 1), f, graphtest.RandomEnv(rng.New(1), f), tol)
}

// Products of large matrices, which are packed and added up in blocks, agree with the reference on a few of their rows, and
// a maximum over long rows finds its place and NaN anywhere in them.
func TestLargeProducts(t *testing.T) {
	const m, k, n = 70, 1100, 500
	b := newTest(t, 2)
	a, x := graph.Input("a", tensor.Float32, k, m), graph.Input("x", tensor.Float32, k, n)
	rows := graph.Input("rows", tensor.Float32, 3, 1000)
	y := graph.MatMulT(a, x, true, false)
	z := graph.MatMul(graph.MatMulT(x, a, true, false), graph.Reshape(a, m, k))
	f, err := graph.NewFunc("f", []*graph.Node{a, x, rows}, []graph.Output{{Name: "y", Value: graph.Slice(y, []int{0, 0}, []int{m, n}, []int{23, 41})},
		{Name: "z", Value: graph.Slice(z, []int{0, 0}, []int{n, k}, []int{97, 101})}, {Name: "max", Value: graph.ReduceMax(rows, 1)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	env := graphtest.RandomEnv(rng.New(3), f)
	env.Inputs["rows"][1700], env.Inputs["rows"][2990] = math.NaN(), 3
	graphtest.Agree(t, b, f, env, tol)
}
