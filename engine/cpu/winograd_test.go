package cpu

import (
	"fmt"
	"slices"
	"testing"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// The result of an image has the same bits in a batch of any size: with units of one image and of several, and a last unit with
// fewer images.
func TestWinogradUnits(t *testing.T) {
	const all = 69
	cfg := graph.ConvConfig{Stride: [2]int{2, 2}}
	values := map[string][]float32{"x": make([]float32, all*8*6*5), "g": make([]float32, all*4*3*7), "w": make([]float32, 4*4*5*7)}
	for i, name := range []string{"x", "g", "w"} {
		rng.New(uint64(i)).Normal(values[name])
	}
	run := func(n int) []*tensor.Tensor {
		b := newTest(t, 3)
		b.config.form = winogradForm
		x, g, w := graph.State("x", n, 8, 6, 5), graph.State("g", n, 4, 3, 7), graph.State("w", 4, 4, 5, 7)
		f, err := graph.NewFunc("f", nil, []graph.Output{
			{Name: "y", Value: graph.Conv2D(x, w, cfg)}, {Name: "dx", Value: graph.Conv2DInputGrad(g, w, x.Shape(), cfg)},
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := b.NewState()
		for _, st := range f.States {
			v := tensor.New(tensor.Float32, st.Shape()...)
			copy(v.F32(), values[st.Name()])
			if err := s.Set(st.Name(), v); err != nil {
				t.Fatal(err)
			}
		}
		p, err := b.Compile(f, s, backend.Options{})
		if err != nil {
			t.Fatal(err)
		}
		out := []*tensor.Tensor{p.Outputs()[0].New(), p.Outputs()[1].New()}
		if err := p.Run(nil, out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	batch := run(all)
	for _, n := range []int{1, 2, 5, 23} {
		for i, part := range run(n) {
			if !slices.Equal(part.F32(), batch[i].F32()[:len(part.F32())]) {
				t.Errorf("output %d: the bits of %d images differ from those in a batch of %d", i, n, all)
			}
		}
	}
}

// BenchmarkConvForms measures single convolutions from x (n, 2m, 2m, ci) to y (n, m, m, co) in both forms. GFLOP/s counts the
// operations of the direct form.
func BenchmarkConvForms(b *testing.B) {
	cfg := graph.ConvConfig{Stride: [2]int{2, 2}}
	for _, s := range []struct{ m, ci, co, k int }{
		{16, 32, 64, 4}, {8, 64, 128, 4}, {4, 128, 256, 4}, {16, 64, 128, 4}, {8, 128, 256, 4}, {4, 256, 512, 4}, {7, 32, 64, 3}, {7, 64, 64, 3}, {14, 32, 64, 3}, {4, 128, 256, 3},
	} {
		const n = 64
		x, w := graph.State("x", n, 2*s.m, 2*s.m, s.ci), graph.State("w", s.k, s.k, s.ci, s.co)
		gy := graph.State("gy", n, s.m, s.m, s.co)
		for name, y := range map[string]*graph.Node{
			"conv": graph.Conv2D(x, w, cfg), "input": graph.Conv2DInputGrad(gy, w, x.Shape(), cfg), "filter": graph.Conv2DFilterGrad(x, gy, w.Shape(), cfg),
		} {
			for form, f := range map[string]convForm{"direct": directForm, "winograd": winogradForm} {
				b.Run(fmt.Sprintf("%s/%dx%dx%d-%d/%d/%s", name, 2*s.m, 2*s.m, s.ci, s.co, s.k, form), func(b *testing.B) {
					be := newTest(b, 2)
					be.config.form = f
					f, err := graph.NewFunc("f", nil, []graph.Output{{Name: "y", Value: y}}, nil)
					if err != nil {
						b.Fatal(err)
					}
					p, err := be.Compile(f, be.NewState(), backend.Options{})
					if err != nil {
						b.Fatal(err)
					}
					out := []*tensor.Tensor{p.Outputs()[0].New()}
					flops := 2 * float64(gy.Shape().Size()) * float64(s.k*s.k*s.ci)
					for b.Loop() {
						if err := p.Run(nil, out); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
			}
		}
	}
}
