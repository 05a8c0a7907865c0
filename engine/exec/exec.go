// Package exec runs functions of package graph on a device. It compiles a function
// for a batch size when that size is first needed, allocates operands, fills them by
// name and runs.
//
// A Runner is a backend and a state, which its functions share:
//
//	r := exec.New(cpu.New(0), nil)
//	err := r.SetAll(nn.InitialValues(params, key)) // parameters by name
//	decode := r.Func(m.Decode)                      // compiles nothing yet
//	out, err := decode.Run(ctx, batch, exec.Inputs{"z": z})
//
// There are three ways to run a function:
//
//   - Func.Run runs one batch whose operands are given as tensors.
//   - Func.Rows runs any number of rows, a batch at a time, and returns the outputs of
//     all rows; Func.FittedRows runs a few rows in a small batch, so that one row is not
//     computed as many; Func.Each hands out the operands of each batch instead.
//   - A Call holds the operands of a program from one run to the next. A training step
//     has a Call for each batch that is prepared ahead: the goroutine that reads
//     images fills Call.Input, and the loop runs the Call. Running allocates nothing.
//
// A Runner, its Funcs and its Programs are safe for concurrent use: each caller has its
// own operands, and a Runner does one thing at a time: a run, a compilation or an access
// to its state. So those who share a state must share its Runner.
//
// Errors name the function and the operand. The package knows no model, no data and
// no concrete device.
package exec

import (
	"fmt"
	"iter"
	"sync"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// A Runner compiles and runs functions over one state.
type Runner struct {
	be    backend.Backend
	state backend.State
	mu    sync.Mutex // held while the state is in use: by a run, a compilation or a copy
}

// New returns a Runner over the arrays of st; nil is a new state. The caller closes
// the backend when no function runs any more.
func New(be backend.Backend, st backend.State) *Runner {
	if st == nil {
		st = be.NewState()
	}
	return &Runner{be: be, state: st}
}

// Backend returns the device.
func (r *Runner) Backend() backend.Backend { return r.be }

// Names returns the names of the arrays of the state, in the order in which they were
// added.
func (r *Runner) Names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.Names()
}

// Get returns a copy of the array of that name.
func (r *Runner) Get(name string) (*tensor.Tensor, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.Get(name)
}

// Set copies t into the array of that name, which is added if there is none. It
// fails if there is one of another shape.
func (r *Runner) Set(name string, t *tensor.Tensor) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.Set(name, t)
}

// SetAll sets arrays by name, those of several sequences one after another: the
// initial values of parameters and of optimiser slots, or a map by maps.All.
func (r *Runner) SetAll(values ...iter.Seq2[string, *tensor.Tensor]) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, seq := range values {
		for name, t := range seq {
			if err := r.state.Set(name, t); err != nil {
				return fmt.Errorf("exec: %w", err)
			}
		}
	}
	return nil
}

// Restore sets the arrays of want to the values of their names. It fails, and sets
// nothing, if a value is missing, is not float32 or has another shape; the error
// names it. Values beyond those that are wanted are ignored.
func (r *Runner) Restore(want iter.Seq2[string, tensor.Shape], values map[string]*tensor.Tensor) error {
	for name, shape := range want {
		switch v := values[name]; {
		case v == nil:
			return fmt.Errorf("exec: the values lack %s %v", name, shape)
		case v.DType() != tensor.Float32 || !v.Shape().Equal(shape):
			return fmt.Errorf("exec: %s is %v, want f32%v", name, v, shape)
		}
	}
	return r.SetAll(func(yield func(string, *tensor.Tensor) bool) {
		for name := range want {
			if !yield(name, values[name]) {
				return
			}
		}
	})
}

// Copy copies arrays of another Runner, by name, into the state.
func (r *Runner) Copy(from *Runner, names []string) error {
	for _, name := range names {
		t, err := from.Get(name)
		if err == nil {
			err = r.Set(name, t)
		}
		if err != nil {
			return fmt.Errorf("exec: %w", err)
		}
	}
	return nil
}

// Compile returns f as a program over the state. States of f that the Runner does
// not have are added, filled with zeros.
func (r *Runner) Compile(f *graph.Func) (*Program, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, err := r.be.Compile(f, r.state, backend.Options{})
	if err != nil {
		return nil, err // the backend names the function
	}
	return newProgram(r, f, p), nil
}
