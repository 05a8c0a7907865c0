package eval

import (
	"fmt"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// products are the dot products of each point of a block with each point of another,
// in float32 on the device: what comparing many images with many others costs.
type products struct {
	rows, cols, dims int
	call             *exec.Call
	a, b             []float32 // (rows, dims), (cols, dims): the points
	ab               []float32 // (rows, cols)
}

// newProducts returns the compiled products for blocks of that size.
func newProducts(be backend.Backend, rows, cols, dims int) (*products, error) {
	var f *graph.Func
	err := graph.Try(func() {
		a, b := graph.Input("a", tensor.Float32, rows, dims), graph.Input("b", tensor.Float32, cols, dims)
		var err error
		if f, err = graph.NewFunc("products", []*graph.Node{a, b}, []graph.Output{{Name: "ab", Value: graph.MatMulT(a, b, false, true)}}, nil); err != nil {
			panic(err)
		}
	})
	var p *exec.Program
	if err == nil {
		p, err = exec.New(be, nil).Compile(f)
	}
	if err != nil {
		return nil, fmt.Errorf("products of %d by %d points of %d values: %w", rows, cols, dims, err)
	}
	c := p.NewCall()
	return &products{
		rows: rows, cols: cols, dims: dims, call: c,
		a: c.Input("a").F32(), b: c.Input("b").F32(), ab: c.Output("ab").F32(),
	}, nil
}

// run computes ab from a and b.
func (p *products) run() error { return p.call.Run() }
