package exec

import (
	"context"
	"fmt"
	"sync"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/interrupt"
	"github.com/imago-ml/imago/internal/memory"
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

// within does what Program does, until ctx ends.
func (f *Func) within(ctx context.Context, batch int) (p *Program, err error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var made *Program
	err = interrupt.Within(ctx, func() (err error) {
		made, err = f.Program(batch)
		return err
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// Run runs one batch and returns its results by name. It fails if in lacks an input of the
// function, or has it in another shape. Inputs that the function does not take are ignored:
// a function without randomness takes no random key.
func (f *Func) Run(ctx context.Context, batch int, in Inputs) (map[string]*tensor.Tensor, error) {
	p, err := f.within(ctx, batch)
	if err != nil {
		return nil, err
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
	return f.each(ctx, span{0, rows, batch}, feed, use)
}

// A span is rows from … to−1, which are run in batches of that size.
type span struct{ from, to, batch int }

// each calls use on the rows of a span, as Each does on all rows.
func (f *Func) each(ctx context.Context, s span, feed, use Feeder) error {
	p, err := f.within(ctx, s.batch)
	if err != nil {
		return err
	}
	c := p.Acquire()
	defer p.Release(c)
	for at := s.from; at < s.to; at += s.batch {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := min(s.batch, s.to-at)
		if n < s.batch {
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
	return f.collect(ctx, rows, []span{{0, rows, batch}}, feed)
}

// FittedRows is Rows in batches of most rows, but for the rows that do not fill a batch: they
// are run as one batch of Fit's size. So one row costs what a batch of one costs. The programs
// may round differently: of some models a row alone differs in the last bits from the same row
// among others. The same number of rows gives the same bits.
//
// → (rows, …) by the name of the output.
func (f *Func) FittedRows(ctx context.Context, rows, most int, feed Feeder) (map[string][]float32, error) {
	whole := rows - rows%max(1, most)
	var spans []span
	if whole > 0 {
		spans = append(spans, span{0, whole, most})
	}
	if whole < rows || rows == 0 {
		spans = append(spans, span{whole, rows, Fit(rows-whole, most)})
	}
	return f.collect(ctx, rows, spans, feed)
}

// Fit returns the size of the batch that runs so many rows, at most most: the least power of two
// that is not below rows, or most. So a function is compiled for no more than 2 + log₂ most sizes.
func Fit(rows, most int) int {
	batch := 1
	for batch < rows && batch < most {
		batch *= 2
	}
	return min(batch, most)
}

// collect runs spans, which together are all rows, and returns the results of all rows.
func (f *Func) collect(ctx context.Context, rows int, spans []span, feed Feeder) (map[string][]float32, error) {
	all := map[string][]float32{}
	for _, part := range spans {
		p, err := f.within(ctx, part.batch)
		if err != nil {
			return nil, err
		}
		outputs := p.Outputs()
		for _, s := range outputs {
			if len(s.Shape) == 0 || s.Shape[0] != part.batch || s.DType != tensor.Float32 {
				return nil, fmt.Errorf("exec: %s: output %v: want float32 and a row for each of %d", p.Name(), s, part.batch)
			}
			if all[s.Name] == nil {
				width := s.Shape.Size() / part.batch
				if err := memory.Check(4*int64(rows)*int64(width), "the %s of %s for %d rows", s.Name, p.Name(), rows); err != nil {
					return nil, fmt.Errorf("exec: %w", err)
				}
				all[s.Name] = make([]float32, rows*width)
			}
		}
		err = f.each(ctx, part, feed, func(c *Call, at, n int) error {
			for i, s := range outputs {
				width := s.Shape.Size() / part.batch
				copy(all[s.Name][at*width:(at+n)*width], c.out[i].F32())
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}
