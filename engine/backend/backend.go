// Package backend says what a device is. Consumers import this package and
// never a concrete device: package cpu implements it, and so can others.
//
// A Backend compiles functions of package graph. The programs compiled against
// one State share its arrays, which are updated in place: a training step, an
// encoder and a sampler see the same parameters without a copy.
package backend

import (
	"fmt"
	"time"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// A Backend compiles graphs for one device.
type Backend interface {
	// Name is what the command line calls the device.
	Name() string
	// NewState is an empty set of arrays on the device.
	NewState() State
	// Compile turns f into a program over s. A state of f that s lacks is added
	// to s, filled with zeros; one of another shape is an error.
	Compile(f *graph.Func, s State, opt Options) (Program, error)
	// Close stops what the device runs in the background. Its programs are of no
	// use afterwards.
	Close() error
}

// Options of a compilation.
type Options struct {
	// CheckFinite makes Run stop at the first node whose value is not finite and
	// return a *NonFiniteError. Such a program is slow, changes no state, and is
	// what one runs to explain a loss that is not finite.
	CheckFinite bool
}

// A State is a set of named float32 arrays that outlives the programs' runs.
// It must not be read or written while one of its programs runs.
type State interface {
	// Names lists the arrays in the order in which they were added.
	Names() []string
	// Get copies an array to the host.
	Get(name string) (*tensor.Tensor, error)
	// Set copies t into the array of that name, which is added if there is none.
	// It fails if there is one of another shape.
	Set(name string, t *tensor.Tensor) error
}

// A Program is a compiled function. Its runs do not overlap: a second Run waits.
type Program interface {
	// Inputs and Outputs describe what Run takes and gives, in order.
	Inputs() []Spec
	Outputs() []Spec
	// Run executes the function once, copies its results into out, and puts the
	// new values of states in their place. It allocates nothing. An operand of
	// another type or shape than its Spec is an error, and nothing is changed.
	Run(in, out []*tensor.Tensor) error
}

// A Profiler is a Program that can say where its time goes.
type Profiler interface {
	Program
	// Profile turns measuring on or off; turning it on clears what was measured.
	Profile(on bool)
	// Kernels lists the fused kernels in the order in which they run.
	Kernels() []Kernel
}

// A Kernel is what a device computes at one go.
type Kernel struct {
	Name     string        // the primitive of its product or convolution, or what else it does: loop, pack
	Layer    string        // the layer it belongs to; empty if none
	Shape    tensor.Shape  // of its main result
	Fused    []string      // the primitives computed along with it, in order
	Flops    int64         // operations a run: two a multiply-add, one an element-wise result
	MatFlops int64         // of these, those of matrix products and convolutions
	Bytes    int64         // operands read and results written, each once a run
	Calls    int64         // pieces of work measured
	Time     time.Duration // of all threads together, over all runs measured
}

// A Spec describes an operand of a program.
type Spec struct {
	Name  string
	DType tensor.DType
	Shape tensor.Shape
}

// String returns x f32[128,784].
func (s Spec) String() string { return fmt.Sprintf("%s %v%v", s.Name, s.DType, s.Shape) }

// New returns a tensor of zeros that fits the Spec.
func (s Spec) New() *tensor.Tensor { return tensor.New(s.DType, s.Shape...) }

// NonFiniteError names the first value of a run that is NaN or infinite.
type NonFiniteError struct {
	Func  string  // the function that ran
	Op    string  // the primitive that made the value
	Layer string  // the layer it belongs to, if it has one
	Value float64 // NaN, +Inf or −Inf
	At    int     // its place in the value, row major
	Shape tensor.Shape
}

// Error returns one line: the layer, the primitive and what it gave.
func (e *NonFiniteError) Error() string {
	layer := e.Layer
	if layer == "" {
		layer = "no layer"
	}
	return fmt.Sprintf("%s: %s: %s gave %v at element %d of %v", e.Func, layer, e.Op, e.Value, e.At, e.Shape)
}
