// Package backend defines what a device is: the interfaces Backend, State and Program. Package cpu implements them.
//
// To use a device, compile a function of package graph over a State and run the program:
//
//	state := be.NewState()
//	program, err := be.Compile(f, state, backend.Options{})
//	err = program.Run(in, out) // operands as in program.Inputs and program.Outputs
//
// All programs that are compiled with one State share its arrays, which are updated in place: a training step, an
// encoder and a sampler use the same parameters without a copy. Package exec wraps these steps for concurrent callers.
//
// To add a device, implement the interfaces and check the result with graphtest.SweepDevice and graphtest.Agree. Code that
// uses devices imports this package and must not know a concrete device; this package must not know models.
package backend

import (
	"fmt"
	"time"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// A Backend compiles graphs for one device.
type Backend interface {
	// Name returns the name of the device on the command line.
	Name() string
	// Arithmetic says what decides the last bits of results: the precision and the kind of kernels, as "float32 avx2/avx512".
	// Devices of equal Arithmetic and version give equal bits.
	Arithmetic() string
	// NewState returns a State without arrays.
	NewState() State
	// Compile returns a program for f over s. It adds a state of f that s lacks to s, filled with zeros. It returns an
	// error if s has that state with another shape, or if f is not well-formed.
	Compile(f *graph.Func, s State, opt Options) (Program, error)
	// Memory returns the bytes of memory that a program for f takes beside its states, those of its operands included. It
	// compiles f and allocates none of them.
	Memory(f *graph.Func) (int64, error)
	// Close ends the threads of the device. Its programs must not be run afterwards.
	Close() error
}

// Options are the settings of a compilation.
type Options struct {
	// CheckFinite makes Run stop at the first node whose value is not finite and return a *NonFiniteError. Such a program
	// is slow and changes no state. It serves to find the layer that caused a loss that is not finite.
	CheckFinite bool
}

// A State is a set of named float32 arrays on the device that persist between runs: parameters, the slots of an
// optimiser, running statistics. No one may read or write it while one of its programs runs.
type State interface {
	// Names returns the names of the arrays in the order in which they were added.
	Names() []string
	// Get returns a copy of an array, or an error if there is none of that name.
	Get(name string) (*tensor.Tensor, error)
	// Set copies t into the array of that name, and adds the array if there is none. It returns an error if the array has
	// another shape.
	Set(name string, t *tensor.Tensor) error
}

// A Program is a compiled function. Runs do not overlap: a second call of Run waits for the first.
type Program interface {
	// Inputs and Outputs return the operands that Run takes and gives, in order.
	Inputs() []Spec
	Outputs() []Spec
	// Run executes the function once: it reads in, writes out, and then replaces the states by their new values. It
	// allocates no memory. It returns an error, and changes nothing, if an operand does not have the type and the shape of
	// its Spec.
	Run(in, out []*tensor.Tensor) error
}

// A Profiler is a Program that measures the time of its kernels.
type Profiler interface {
	Program
	// Profile turns the measurement on or off. Turning it on clears earlier measurements.
	Profile(on bool)
	// Kernels returns the kernels in the order in which they run.
	Kernels() []Kernel
}

// A Kernel is a group of primitives that a device computes together, with the measurements of its runs.
type Kernel struct {
	Name     string        // the primitive of its matrix product or convolution, or another name: loop, pack
	Layer    string        // the layer that it belongs to; "" = none
	Shape    tensor.Shape  // of its main result
	Fused    []string      // the primitives that it computes as well, in order
	Flops    int64         // operations of a run; a multiply-add counts as two, an element-wise result as one
	MatFlops int64         // the part of Flops in matrix products and convolutions, by their definitions
	Executed int64         // the operations that it executes for MatFlops: fewer where a convolution has Winograd's form
	Bytes    int64         // the size of the operands that a run reads and of the results that it writes
	Calls    int64         // the number of pieces of work that were measured
	Time     time.Duration // the sum over all threads and all measured runs
}

// A Spec describes an operand of a program.
type Spec struct {
	Name  string
	DType tensor.DType
	Shape tensor.Shape
}

// String returns the name, the type and the shape: x f32[128,784].
func (s Spec) String() string { return fmt.Sprintf("%s %v%v", s.Name, s.DType, s.Shape) }

// New returns a tensor of zeros with the type and the shape of the Spec.
func (s Spec) New() *tensor.Tensor { return tensor.New(s.DType, s.Shape...) }

// A NonFiniteError reports the first value of a run that is NaN or infinite. See Options.CheckFinite.
type NonFiniteError struct {
	Func  string       // the function that ran
	Op    string       // the primitive that computed the value
	Layer string       // the layer that it belongs to; "" = none
	Value float64      // NaN, +Inf or −Inf
	At    int          // the index of the element, in row-major order
	Shape tensor.Shape // of the result of the primitive
}

// Error returns one line with the layer, the primitive and the value.
func (e *NonFiniteError) Error() string {
	layer := e.Layer
	if layer == "" {
		layer = "no layer"
	}
	return fmt.Sprintf("%s: %s: %s gave %v at element %d of %v", e.Func, layer, e.Op, e.Value, e.At, e.Shape)
}
