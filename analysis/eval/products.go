package eval

import (
	"fmt"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// products are the dot products of two blocks of points, each with each, in float32
// on the device: what comparing many images with many others costs.
type products struct {
	rows, cols, dims int
	program          backend.Program
	in, out          []*tensor.Tensor
	a, b             []float32 // (rows, dims), (cols, dims): the points
	ab               []float32 // (rows, cols)
}

func newProducts(be backend.Backend, rows, cols, dims int) (*products, error) {
	p := &products{rows: rows, cols: cols, dims: dims}
	var f *graph.Func
	err := graph.Try(func() {
		a, b := graph.Input("a", tensor.Float32, rows, dims), graph.Input("b", tensor.Float32, cols, dims)
		var err error
		if f, err = graph.NewFunc("products", []*graph.Node{a, b}, []graph.Output{{Name: "ab", Value: graph.MatMulT(a, b, false, true)}}, nil); err != nil {
			panic(err)
		}
	})
	if err == nil {
		p.program, err = be.Compile(f, be.NewState(), backend.Options{})
	}
	if err != nil {
		return nil, fmt.Errorf("products of %d by %d points of %d values: %w", rows, cols, dims, err)
	}
	for _, s := range p.program.Inputs() {
		p.in = append(p.in, s.New())
	}
	p.out = []*tensor.Tensor{p.program.Outputs()[0].New()}
	p.a, p.b, p.ab = p.in[0].F32(), p.in[1].F32(), p.out[0].F32()
	return p, nil
}

// run computes ab from a and b.
func (p *products) run() error { return p.program.Run(p.in, p.out) }
