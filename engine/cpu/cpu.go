// Package cpu compiles graphs for the processor and runs them on a fixed set of threads. It implements package backend.
//
// To use it, make a backend, compile a function over a state, and run the program:
//
//	be := cpu.New(0) // one thread for each processor
//	defer be.Close()
//	state := be.NewState()
//	program, err := be.Compile(f, state, backend.Options{})
//	err = program.Run(in, out)
//
// A compiled program allocates no memory when it runs. The division of the work into tasks does not depend on the number
// of threads, and partial sums are added in a fixed order, so all results have the same bits with any number of threads.
//
// The package is a small compiler. These are its passes, which compile.go lists:
//
//	graph.Simplify   makes equal nodes one and folds constants
//	region.go        finds nodes that treat the images of a batch one by one
//	fuse.go          forms groups: a matrix product or convolution with the element-wise nodes and
//	                 reductions that follow it
//	combine.go       recomputes cheap values instead of storing them, finds work that a scalar switches
//	                 off, and combines several nodes to one instruction
//	update.go        writes new values of states in place where that is safe
//	lower.go         turns groups into stages, which the threads run between two barriers; also matmul.go,
//	                 conv.go, filter.go, winograd.go, loop.go, move.go, and shard.go for regions
//	schedule.go      assigns stages to levels, and buffers to offsets in one arena
//	workers.go       runs the levels; share.go says by how many threads, where others use the processors
//
// Dump prints a function after each pass; docs/engine.md explains an example.
//
// The package must not know layers, models or files.
package cpu

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/cpuid"
	"github.com/imago-ml/imago/internal/invariants"
	"github.com/imago-ml/imago/internal/memory"
)

// A Backend compiles programs and runs them on the threads of one pool, one program at a time. Make one with New.
type Backend struct {
	mu     sync.Mutex // is held while a program runs, because all programs share the threads
	pool   *pool
	config shardConfig
}

var _ backend.Backend = (*Backend)(nil)

// New returns a backend with the given number of threads, which includes the thread that calls Run. With 0 there is one
// thread for each processor that Go may use. Close ends the threads.
func New(threads int) *Backend {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return &Backend{pool: newPool(threads), config: defaultShardConfig}
}

// Name returns "cpu".
func (b *Backend) Name() string { return "cpu" }

// Arithmetic returns the precision and the kinds of kernels that give the bits of those in use: float32 avx2/avx512, float32
// neon or float32 generic. AVX2 and AVX-512 multiply and add in the same order with one rounding; the kernels in Go round
// twice, because a fused multiply-add in software would be many times slower, and NEON adds in another order.
func (b *Backend) Arithmetic() string {
	kind := cpuid.Name()
	if kind == "avx2" || kind == "avx512" {
		kind = "avx2/avx512"
	}
	return "float32 " + kind
}

// Threads returns the number of threads that run a program.
func (b *Backend) Threads() int { return len(b.pool.workers) }

// Close ends the threads after the running program has ended.
func (b *Backend) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pool.close()
	return nil
}

// NewState returns a state without arrays.
func (b *Backend) NewState() backend.State { return newState() }

// Compile returns a program for f over s, which must come from NewState of this package. It adds the states of f that s
// lacks, filled with zeros. It returns an error if f is not well-formed or a state of s has another shape, and a
// *memory.Error if there is no memory for its states, operands or intermediate values.
func (b *Backend) Compile(f *graph.Func, s backend.State, opt backend.Options) (backend.Program, error) {
	st, ok := s.(*state)
	if !ok {
		return nil, fmt.Errorf("cpu: compile %s: the state is a %T; make it with NewState of this backend", f.Name, s)
	}
	c, err := b.compile(f, st, opt)
	if err != nil {
		return nil, err
	}
	p := c.prog
	p.be = b
	b.mu.Lock()
	err = b.pool.grow(c.scratch, c.loopOperands, c.bodyArena, p.arena.size)
	b.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("cpu: compile %s: %w", f.Name, err)
	}
	if invariants.Enabled {
		p.arena.bind(b.pool.mem)
		p.verify()
	}
	return p, nil
}

// compile returns the compiler that has compiled f over st.
func (b *Backend) compile(f *graph.Func, st *state, opt backend.Options) (*compiler, error) {
	if err := graph.Verify(f); err != nil {
		return nil, fmt.Errorf("cpu: compile: %w", err)
	}
	if err := memory.Check(operandBytes(f), "the inputs and results of %s", f.Name); err != nil {
		return nil, fmt.Errorf("cpu: compile %s: %w", f.Name, err)
	}
	for _, n := range f.States {
		if err := st.declare(n.Name(), n.Shape()); err != nil {
			return nil, fmt.Errorf("cpu: compile %s: %w", f.Name, err)
		}
	}
	c := newCompiler(f, st, opt.CheckFinite, b.config)
	c.compile(b.Threads(), nil)
	c.prog.whole = &schedule{c.prog, c.prog.levels}
	c.prog.unpacked = c.prog.whole
	if len(c.prog.kept) > 0 {
		c.prog.unpacked = &schedule{c.prog, withoutPacks(c.prog.levels, c.prog.kept, max(b.Threads(), 1))}
	}
	if err := c.allocateKept(); err != nil {
		return nil, fmt.Errorf("cpu: compile %s: %w", f.Name, err)
	}
	return c, nil
}

// Memory returns the bytes that a program for f takes beside its states. It allocates none of them.
func (b *Backend) Memory(f *graph.Func) (int64, error) {
	st := newState()
	st.empty = true
	c, err := b.compile(f, st, backend.Options{})
	if err != nil {
		return 0, err
	}
	return operandBytes(f) + 4*int64(c.prog.arena.size+c.keptFloats()+b.Threads()*(c.scratch+c.bodyArena)), nil
}

// operandBytes returns the bytes of the operands of f: those of the program, and those that the caller gives to Run.
func operandBytes(f *graph.Func) int64 {
	n := int64(0)
	for _, in := range f.Inputs {
		n += 2 * 4 * int64(in.Shape().Size())
	}
	for _, o := range f.Outputs {
		n += 4 * int64(o.Value.Shape().Size())
	}
	return n
}

// A program is a compiled function.
type program struct {
	be      *Backend
	name    string
	levels  []level
	in, out []operand
	state   *state
	updates bool // whether a run changes the state
	// kept are the packed forms of the state that runs share. whole executes all levels, and unpacked those without packing.
	kept            []*keptPack
	whole, unpacked *schedule
	check           bool // whether Run looks for values that are not finite
	// measured is whether the stages are timed. It changes only between runs.
	measured   bool
	sharedBufs map[*buffer]bool // of the body of a region: the buffers of the function
	arena      arena
	share      share
}

// An operand is an input or an output of a program with its buffer.
type operand struct {
	backend.Spec
	buf *buffer
}

// Inputs returns the operands that Run reads.
func (p *program) Inputs() []backend.Spec { return specs(p.in) }

// Outputs returns the operands that Run writes.
func (p *program) Outputs() []backend.Spec { return specs(p.out) }

func specs(ops []operand) []backend.Spec {
	s := make([]backend.Spec, len(ops))
	for i, o := range ops {
		s[i] = o.Spec
	}
	return s
}

// Run executes the program once. See backend.Program.
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
		p.be.pool.run(p.scheduleNow())
		p.ran()
	}
	for i, t := range out {
		copy(t.F32(), p.out[i].buf.data)
	}
	return nil
}

// checkOperands returns an error if the number, a type or a shape of the operands got is wrong.
func (p *program) checkOperands(kind string, want []operand, got []*tensor.Tensor) error {
	if len(got) != len(want) {
		return fmt.Errorf("cpu: %s: %d %ss, want %d", p.name, len(got), kind, len(want))
	}
	for i, t := range got {
		switch {
		case t == nil:
			return fmt.Errorf("cpu: %s: %s %v is nil", p.name, kind, want[i].Spec)
		case t.DType() != want[i].DType || !t.Shape().Equal(want[i].Shape):
			return fmt.Errorf("cpu: %s: %s %v is given as %v", p.name, kind, want[i].Spec, t)
		}
	}
	return nil
}
