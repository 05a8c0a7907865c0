package nn

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/graph/graphtest"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// A kernelLayer is a layer with a kernel, and a function that writes the kernel as a matrix (D, O).
type kernelLayer struct {
	in, kernel graph.Shape
	apply      func(b *Builder, x *graph.Node) *graph.Node
	matrix     func(w graph.Value) *mat.Dense
}

func kernelLayers() map[string]kernelLayer {
	return map[string]kernelLayer{
		"Dense": {graph.Shape{2, 5}, graph.Shape{5, 4},
			func(b *Builder, x *graph.Node) *graph.Node { return b.Dense("l", x, 4, None) },
			func(w graph.Value) *mat.Dense { return mat.NewDense(5, 4, slices.Clone(w)) }},
		"Conv2D": {graph.Shape{2, 4, 4, 3}, graph.Shape{3, 3, 3, 4},
			func(b *Builder, x *graph.Node) *graph.Node { return b.Conv2D("l", x, 4, 3, 2, graph.Same, None) },
			func(w graph.Value) *mat.Dense { return mat.NewDense(27, 4, slices.Clone(w)) }},
		"ConvTranspose2D": {graph.Shape{2, 2, 2, 3}, graph.Shape{3, 3, 4, 3},
			func(b *Builder, x *graph.Node) *graph.Node {
				return b.ConvTranspose2D("l", x, 4, 3, 2, graph.Same, None)
			},
			func(w graph.Value) *mat.Dense { // (tap, out, in) → (tap and in, out)
				m := mat.NewDense(27, 4, nil)
				for i, v := range w {
					m.Set(i/12*3+i%3, i/3%4, v)
				}
				return m
			}},
	}
}

// singularValues returns the two largest singular values of m and the right singular vector of the first.
func singularValues(t *testing.T, m *mat.Dense) (first, second float64, right graph.Value) {
	t.Helper()
	var svd mat.SVD
	if !svd.Factorize(m, mat.SVDThin) {
		t.Fatal("no singular values")
	}
	var v mat.Dense
	svd.VTo(&v)
	return svd.Values(nil)[0], svd.Values(nil)[1], mat.Col(nil, 0, &v)
}

// The kernel is W/σ(W), with σ from the singular value decomposition of gonum, after the power method has run for
// some steps. Outside training the layer uses the stored vector and does not update it.
func TestSpectralKernelHasNormOne(t *testing.T) {
	for name, l := range kernelLayers() {
		w := graphtest.Uniform(rng.New(1).Split(name), -1, 1, l.kernel...).Value
		x := graphtest.Uniform(rng.New(2), -1, 1, l.in...).Value
		sigma, second, _ := singularValues(t, l.matrix(w))
		if !(second > 0.3*sigma) {
			t.Fatalf("%s: singular values %v and %v: too easy", name, sigma, second)
		}
		states := map[string]graph.Value{"l/kernel": w, "l/bias": {0, 0, 0, 0}, "l/u": {1, -1, 0.5, 2}}
		build := func(training, spectral bool) *graph.Func {
			b := NewBuilder()
			b.Training, b.Spectral = training, spectral
			in := graph.Input("x", tensor.Float32, l.in...)
			y := l.apply(b, in)
			l.apply(b, graph.Neg(in)) // a second use has the same kernel and does not update u again
			f, err := graph.NewFunc("layer", []*graph.Node{in}, []graph.Output{{Name: "y", Value: y}}, b.Updates())
			if err != nil {
				t.Fatal(err)
			}
			if updated := len(f.Updates) == 1; updated != (training && spectral) {
				t.Fatalf("%s: %d updates with Training = %t, Spectral = %t", name, len(f.Updates), training, spectral)
			}
			if params := b.Networks()[0].Params(); Count(b.Params()) != l.kernel.Size()+4 || params != Count(b.Params()) || len(b.States()) != 2 {
				t.Errorf("%s: %d parameters counted, %d of the layer, %d learned", name, Count(b.Params()), params, len(b.States()))
			}
			return f
		}
		run := func(f *graph.Func) graph.Value {
			out, err := graph.Interp(f, graph.Env{Inputs: map[string]graph.Value{"x": x}, States: states})
			if err != nil {
				t.Fatal(err)
			}
			return out[0]
		}
		plain := run(build(true, false))
		maxError := func(y graph.Value) float64 { // the largest error of y = plain/σ
			largest := 0.0
			for i := range y {
				largest = max(largest, math.Abs(y[i]-plain[i]/sigma))
			}
			return largest
		}
		train, inference := build(true, true), build(false, true)
		if !(maxError(run(train)) > 1e-4) {
			t.Errorf("%s: the power method has converged after one iteration", name)
		}
		for range 60 {
			run(train)
		}
		if d := maxError(run(train)); !(d < 1e-9) {
			t.Errorf("%s: after 60 iterations the output is off by %v", name, d)
		}
		kept := slices.Clone(states["l/u"])
		if d := maxError(run(inference)); !(d < 1e-9) || !slices.Equal(kept, states["l/u"]) {
			t.Errorf("%s: outside training the output is off by %v", name, d)
		}
	}
}

// At a singular vector, σ does not change with u to first order. The gradient of W/σ(W), which takes u as a constant,
// therefore agrees with finite differences.
func TestSpectralGradientFiniteDifferences(t *testing.T) {
	for name, l := range kernelLayers() {
		w := graphtest.Uniform(rng.New(3).Split(name), -0.1, 0.1, l.kernel...)
		for i := range w.Value {
			w.Value[i]++ // one large singular value
		}
		_, _, u := singularValues(t, l.matrix(w.Value))
		data := make([]float32, len(u))
		for i, v := range u {
			data[i] = float32(v)
		}
		f := func(x ...*graph.Node) *graph.Node {
			b := NewBuilder()
			b.Training, b.Spectral = true, true
			y := l.apply(b, x[0])
			return substituteStates(y, map[string]*graph.Node{
				"l/kernel": x[1], "l/u": graph.ConstOf(data, len(data)), "l/bias": graph.ConstOf(make([]float32, 4), 4),
			})
		}
		t.Run(name, func(t *testing.T) {
			graphtest.CheckGrad(t, f, []graphtest.Operand{graphtest.Uniform(rng.New(4), -1, 1, l.in...), w}, 1)
		})
	}
}
