package exec

import (
	"context"
	"fmt"
	"sync"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// Inputs are operands by name.
type Inputs map[string]*tensor.Tensor

// A Func is a function that is compiled for each batch size with which it is run.
type Func struct {
	runner   *Runner
	build    func(batch int) (*graph.Func, error)
	mu       sync.Mutex
	programs map[int]*Program // by batch size
}

// Func returns the function that build makes for batches of a size. Nothing is built
// before it is run.
func (r *Runner) Func(build func(batch int) (*graph.Func, error)) *Func {
	return &Func{runner: r, build: build, programs: map[int]*Program{}}
}

// Program returns the function compiled for a batch size, which is at least 1. It is
// compiled once.
func (f *Func) Program(batch int) (*Program, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.programs[batch]; p != nil {
		return p, nil
	}
	if batch < 1 {
		return nil, fmt.Errorf("exec: a batch of %d: want 1 or more", batch)
	}
	g, err := f.build(batch)
	if err != nil {
		return nil, err
	}
	p, err := f.runner.Compile(g)
	if err != nil {
		return nil, err
	}
	f.programs[batch] = p
	return p, nil
}

// Run runs one batch and returns its results by name. It fails if in lacks an input of the
// function, or has it in another shape. Inputs that the function does not take are ignored:
// a function without randomness takes no random key.
func (f *Func) Run(ctx context.Context, batch int, in Inputs) (map[string]*tensor.Tensor, error) {
	p, err := f.Program(batch)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	c := &Call{program: p}
	for _, s := range p.Inputs() {
		t := in[s.Name]
		if t == nil || t.DType() != s.DType || !t.Shape().Equal(s.Shape) {
			return nil, fmt.Errorf("exec: %s: input %v is given %s", p.Name(), s, describe(t))
		}
		c.in = append(c.in, t)
	}
	out := map[string]*tensor.Tensor{}
	for _, s := range p.Outputs() {
		t := s.New()
		c.out, out[s.Name] = append(c.out, t), t
	}
	return out, c.Run()
}

// A Feeder fills the operands of a batch with rows at … at+n−1. For a short batch all
// operands are 0 before the call.
type Feeder func(c *Call, at, n int) error

// Each runs the function over rows, a batch at a time in order. For each batch it calls feed,
// runs the program and calls use, which reads the results. Both are called with rows
// at … at+n−1; for the last batch n may be less than its size. An error of feed or use ends
// the run and is returned unchanged.
func (f *Func) Each(ctx context.Context, rows, batch int, feed, use Feeder) error {
	p, err := f.Program(batch)
	if err != nil {
		return err
	}
	c := p.Acquire()
	defer p.Release(c)
	for at := 0; at < rows; at += batch {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := min(batch, rows-at)
		if n < batch {
			c.clear()
		}
		if err := feed(c, at, n); err != nil {
			return err
		}
		if err := c.Run(); err != nil {
			return err
		}
		if err := use(c, at, n); err != nil {
			return err
		}
	}
	return nil
}

// Rows runs the function over rows, a batch at a time, and returns the results of all rows by
// the name of the output. Each output must be float32 with the batch as its first axis.
//
// → (rows, …) by the name of the output.
func (f *Func) Rows(ctx context.Context, rows, batch int, feed Feeder) (map[string][]float32, error) {
	p, err := f.Program(batch)
	if err != nil {
		return nil, err
	}
	all := map[string][]float32{}
	for _, s := range p.Outputs() {
		if len(s.Shape) == 0 || s.Shape[0] != batch || s.DType != tensor.Float32 {
			return nil, fmt.Errorf("exec: %s: output %v: want float32 and a row for each of %d", p.Name(), s, batch)
		}
		all[s.Name] = make([]float32, rows*(s.Shape.Size()/batch))
	}
	err = f.Each(ctx, rows, batch, feed, func(c *Call, at, n int) error {
		for i, s := range p.Outputs() {
			width := s.Shape.Size() / batch
			copy(all[s.Name][at*width:(at+n)*width], c.out[i].F32())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
