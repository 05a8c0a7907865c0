package exec

import (
	"fmt"
	"sync"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// A Program is a compiled function.
type Program struct {
	runner          *Runner
	fn              *graph.Func
	program         backend.Program
	inputs, outputs map[string]int // places by name

	mu   sync.Mutex
	idle []*Call // for Acquire
}

func newProgram(r *Runner, f *graph.Func, p backend.Program) *Program {
	places := func(specs []backend.Spec) map[string]int {
		m := make(map[string]int, len(specs))
		for i, s := range specs {
			m[s.Name] = i
		}
		return m
	}
	return &Program{runner: r, fn: f, program: p, inputs: places(p.Inputs()), outputs: places(p.Outputs())}
}

// Name returns the name of the function.
func (p *Program) Name() string { return p.fn.Name }

// Inputs describes the operands, in order.
func (p *Program) Inputs() []backend.Spec { return p.program.Inputs() }

// Outputs describes the results, in order.
func (p *Program) Outputs() []backend.Spec { return p.program.Outputs() }

// Takes reports whether the function has an input of that name.
func (p *Program) Takes(input string) bool {
	_, ok := p.inputs[input]
	return ok
}

// Profiler returns the program as one that measures its kernels; ok is false if the
// device does not measure.
func (p *Program) Profiler() (pr backend.Profiler, ok bool) {
	pr, ok = p.program.(backend.Profiler)
	return pr, ok
}

// NewCall returns operands for the program, filled with zeros.
func (p *Program) NewCall() *Call {
	c := &Call{program: p}
	for _, s := range p.Inputs() {
		c.in = append(c.in, s.New())
	}
	for _, s := range p.Outputs() {
		c.out = append(c.out, s.New())
	}
	return c
}

// Acquire returns operands that are not in use; their values are undefined. The caller gives
// them back by Release.
func (p *Program) Acquire() *Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return c
	}
	return p.NewCall()
}

// maxIdle is the most operands that a Program keeps for later. A Runner runs one Call at a
// time, so more of them are filled and read beside it only.
const maxIdle = 4

// Release gives back operands of Acquire, which the caller must not use any more.
func (p *Program) Release(c *Call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) < maxIdle {
		p.idle = append(p.idle, c)
	}
}

// A Call is the operands and results of a program. Different Calls of a program may
// be filled and run at the same time, one Call by one goroutine only.
type Call struct {
	program *Program
	in, out []*tensor.Tensor
}

// Program returns the program that the Call runs.
func (c *Call) Program() *Program { return c.program }

// Input returns the operand of that name; nil if the function takes none.
func (c *Call) Input(name string) *tensor.Tensor {
	if i, ok := c.program.inputs[name]; ok {
		return c.in[i]
	}
	return nil
}

// Output returns the result of that name, which the next Run overwrites; nil if the
// function gives none.
func (c *Call) Output(name string) *tensor.Tensor {
	if i, ok := c.program.outputs[name]; ok {
		return c.out[i]
	}
	return nil
}

// Outputs returns all results, in the order of Program.Outputs.
func (c *Call) Outputs() []*tensor.Tensor { return c.out }

// Bind makes t the operand of that name in place of the Call's own, so that several Calls can
// share an operand. It does nothing if the function has no input of that name.
func (c *Call) Bind(name string, t *tensor.Tensor) error {
	i, ok := c.program.inputs[name]
	if !ok {
		return nil
	}
	want := c.program.Inputs()[i]
	if t == nil || t.DType() != want.DType || !t.Shape().Equal(want.Shape) {
		return fmt.Errorf("exec: %s: input %v is bound to %v", c.program.Name(), want, describe(t))
	}
	c.in[i] = t
	return nil
}

// Put copies v to the front of a float32 operand and fills the rest with 0. It does nothing if
// the function has no input of that name.
func (c *Call) Put(name string, v []float32) error {
	i, ok := c.program.inputs[name]
	if !ok {
		return nil
	}
	t := c.in[i]
	if t.DType() != tensor.Float32 || len(v) > t.Size() {
		return fmt.Errorf("exec: %s: input %v is given %d float32 values", c.program.Name(), c.program.Inputs()[i], len(v))
	}
	dst := t.F32()
	clear(dst[copy(dst, v):])
	return nil
}

// PutKey sets an int32 operand (4) to the words of a random key. It does nothing if the
// function has no input of that name.
func (c *Call) PutKey(name string, key rng.Key) error {
	i, ok := c.program.inputs[name]
	if !ok {
		return nil
	}
	words := key.Words()
	t := c.in[i]
	if t.DType() != tensor.Int32 || t.Size() != len(words) {
		return fmt.Errorf("exec: %s: input %v is given a random key, which is i32[%d]", c.program.Name(), c.program.Inputs()[i], len(words))
	}
	copy(t.I32(), words[:])
	return nil
}

// clear fills all operands with 0.
func (c *Call) clear() {
	for _, t := range c.in {
		clear(t.F32())
		clear(t.I32())
		clear(t.U8())
	}
}

// Run runs the program on the operands as they are. It allocates nothing.
func (c *Call) Run() error {
	r := c.program.runner
	r.mu.Lock()
	defer r.mu.Unlock()
	return c.program.program.Run(c.in, c.out)
}

// FirstNonFinite runs the function again on the operands as they are and returns a
// *backend.NonFiniteError of the first value that is NaN or infinite; nil if there is
// none. It changes no state and no result. The function is compiled for it, so it is
// slow: it explains a loss that is not finite.
func (c *Call) FirstNonFinite() error {
	p := c.program
	p.runner.mu.Lock()
	defer p.runner.mu.Unlock()
	checked, err := p.runner.be.Compile(p.fn, p.runner.state, backend.Options{CheckFinite: true})
	if err != nil {
		return err
	}
	var out []*tensor.Tensor
	for _, s := range checked.Outputs() {
		out = append(out, s.New())
	}
	return checked.Run(c.in, out)
}

// describe returns the type and shape of t.
func describe(t *tensor.Tensor) string {
	if t == nil {
		return "no tensor"
	}
	return t.String()
}
