package eval

import (
	"context"
	"fmt"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
)

// A feed is a compiled function over images, its operands for a batch, and where
// among them what it is fed has its place.
type feed struct {
	program                  backend.Program
	in, out                  []*tensor.Tensor
	x, weight, words, labels *tensor.Tensor // nil if the function does not take it
	index                    []int32
}

// feed compiles f, whose inputs are of x, weight, key and labels.
func (e *Evaluator) feed(f *graph.Func, opt backend.Options) (*feed, error) {
	p, err := e.be.Compile(f, e.state, opt)
	if err != nil {
		return nil, err
	}
	d := &feed{program: p}
	for _, s := range p.Inputs() {
		t := s.New()
		switch s.Name {
		case model.InputX:
			d.x = t
		case model.InputWeight:
			d.weight = t
		case model.InputKey:
			d.words = t
		case model.InputLabels:
			d.labels = t
		default:
			return nil, fmt.Errorf("the model's %s takes %v: want x, weight, key and labels only", f.Name, s)
		}
		d.in = append(d.in, t)
	}
	if d.x == nil {
		return nil, fmt.Errorf("the model's %s takes %v: want x among them", f.Name, p.Inputs())
	}
	for _, s := range p.Outputs() {
		d.out = append(d.out, s.New())
	}
	d.index = make([]int32, d.x.Shape()[0])
	return d, nil
}

// fill puts images at … at+n−1 into the batch; what is left of it is zeros, of
// weight 0.
func (d *feed) fill(ctx context.Context, images data.Items, at, n int) error {
	size := d.x.Size() / len(d.index)
	for k := range n {
		d.index[k] = int32(at + k)
	}
	clear(d.x.F32()[n*size:])
	if err := data.Floats(ctx, images, d.index[:n], d.x.F32()); err != nil {
		return err
	}
	if d.weight != nil {
		w := d.weight.F32()
		for k := range n {
			w[k] = 1
		}
		clear(w[n:])
	}
	if d.labels == nil {
		return nil
	}
	return data.FillLabels(images, d.index[:n], d.labels)
}

// run runs the batch with what it draws drawn at key.
func (d *feed) run(key rng.Key) error {
	if d.words != nil {
		words := key.Words()
		copy(d.words.I32(), words[:])
	}
	return d.program.Run(d.in, d.out)
}
