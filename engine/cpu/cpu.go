// Package cpu compiles graphs for the processor and runs them on a fixed set of
// threads.
//
// It is a small compiler, whose passes compile.go lists:
//
//	graph.Simplify   equal nodes become one, constants fold
//	region.go        what treats the images of a batch one by one is found
//	fuse.go          element-wise nodes, reductions and the matrix product or
//	                 convolution they follow become one group
//	combine.go       what is cheap is computed twice rather than stored; what a
//	                 scalar switches off is found; a few nodes become one instruction
//	update.go        new values of states are written in place where that is safe
//	lower.go         a group becomes stages: what the threads run between two
//	                 barriers; matmul.go, conv.go, filter.go, winograd.go, loop.go,
//	                 move.go, and shard.go for regions
//	schedule.go      stages become levels, buffers become places in one arena
//
// Dump prints a function after each of them; ARCHITECTURE.md has an example.
//
// A compiled program allocates nothing when it runs. Work is cut into tasks by
// rules that do not look at the number of threads, and partial sums are added
// in a fixed order, so results do not depend on it either, to the bit.
//
// The package knows graphs and kernels; it knows no layer, model or file.
package cpu

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/invariants"
)

// Backend runs programs on the threads of one pool.
type Backend struct {
	mu     sync.Mutex // one program runs at a time: they share the pool's threads
	pool   *pool
	config shardConfig
}

var _ backend.Backend = (*Backend)(nil)

// New starts a backend of the given number of threads, the caller's included;
// 0 takes one for each processor Go may use.
func New(threads int) *Backend {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return &Backend{pool: newPool(threads), config: defaultShardConfig}
}

// Name returns cpu.
func (b *Backend) Name() string { return "cpu" }

// Threads returns how many threads run a program.
func (b *Backend) Threads() int { return len(b.pool.workers) }

// Close ends the pool's threads once the running program has ended.
func (b *Backend) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pool.close()
	return nil
}

// NewState returns an empty set of arrays.
func (b *Backend) NewState() backend.State { return newState() }

// Compile turns f into a program over s, which must come from NewState of this
// package.
func (b *Backend) Compile(f *graph.Func, s backend.State, opt backend.Options) (backend.Program, error) {
	st, ok := s.(*state)
	if !ok {
		return nil, fmt.Errorf("cpu: compile %s: the state is a %T; make it with NewState of this backend", f.Name, s)
	}
	if err := graph.Verify(f); err != nil {
		return nil, fmt.Errorf("cpu: compile: %w", err)
	}
	for _, n := range f.States {
		if err := st.declare(n.Name(), n.Shape()); err != nil {
			return nil, fmt.Errorf("cpu: compile %s: %w", f.Name, err)
		}
	}
	c := newCompiler(f, st, opt.CheckFinite, b.config)
	p := c.compile(b.Threads(), nil)
	p.be = b
	b.mu.Lock()
	b.pool.grow(c.scratch, c.loopOperands, c.bodyArena, p.arena.size)
	b.mu.Unlock()
	if invariants.Enabled {
		p.arena.bind(b.pool.mem)
		p.verify()
	}
	return p, nil
}

// program is a compiled function.
type program struct {
	be      *Backend
	name    string
	levels  []level
	in, out []operand
	check   bool
	// measured is whether stages are timed; it changes only between runs.
	measured   bool
	sharedBufs map[*buffer]bool // of a region's body: buffers of the whole
	arena      arena
}

// operand ties a Spec to its memory.
type operand struct {
	backend.Spec
	buf *buffer
}

// Inputs describes what Run takes.
func (p *program) Inputs() []backend.Spec { return specs(p.in) }

// Outputs describes what Run gives.
func (p *program) Outputs() []backend.Spec { return specs(p.out) }

func specs(ops []operand) []backend.Spec {
	s := make([]backend.Spec, len(ops))
	for i, o := range ops {
		s[i] = o.Spec
	}
	return s
}

// Run executes the program once.
func (p *program) Run(in, out []*tensor.Tensor) error {
	if err := p.checkOperands("input", p.in, in); err != nil {
		return err
	}
	if err := p.checkOperands("output", p.out, out); err != nil {
		return err
	}
	p.be.mu.Lock()
	defer p.be.mu.Unlock()
	p.arena.bind(p.be.pool.mem)
	for i, t := range in {
		if p.in[i].DType == tensor.Int32 {
			copy(p.in[i].buf.i32, t.I32())
		} else {
			copy(p.in[i].buf.data, t.F32())
		}
	}
	if p.check {
		if err := p.runChecked(); err != nil {
			return err
		}
	} else {
		p.be.pool.run(p)
	}
	for i, t := range out {
		copy(t.F32(), p.out[i].buf.data)
	}
	return nil
}

func (p *program) checkOperands(kind string, want []operand, got []*tensor.Tensor) error {
	if len(got) != len(want) {
		return fmt.Errorf("cpu: %s: %d %ss, want %d", p.name, len(got), kind, len(want))
	}
	for i, t := range got {
		switch {
		case t == nil:
			return fmt.Errorf("cpu: %s: %s %v is nil", p.name, kind, want[i].Spec)
		case t.DType() != want[i].DType || !t.Shape().Equal(want[i].Shape):
			return fmt.Errorf("cpu: %s: %s %v was given %v", p.name, kind, want[i].Spec, t)
		}
	}
	return nil
}
