package cpu

import (
	"fmt"
	"testing"

	"github.com/imago-ml/imago/backend"
	"github.com/imago-ml/imago/graph"
	"github.com/imago-ml/imago/tensor"
)

// BenchmarkConvForms times single convolutions, y (n, m, m, co) of x
// (n, 2m, 2m, ci), in both forms; GFLOP/s are those of the direct one.
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
			for form, form2 := range map[string]convForm{"direct": directForm, "winograd": winogradForm} {
				b.Run(fmt.Sprintf("%s/%dx%dx%d-%d/%d/%s", name, 2*s.m, 2*s.m, s.ci, s.co, s.k, form), func(b *testing.B) {
					be := newTest(b, 2)
					be.cut.form = form2
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
