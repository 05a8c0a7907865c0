// Package onnx writes a function of package graph as an ONNX model, which ONNX Runtime and many other programs run.
//
//	err := onnx.Write(w, m.Decode, onnx.Options{Weights: runner.Get})
//
// The file is a ModelProto of protocol buffers (https://onnx.ai, onnx.proto3), of IR version 8 and operator set 17:
//
//   - The inputs and outputs are those of the function, float32 in its layout: images are (B,H,W,C). Axes that grow with
//     the batch are named "batch", or "batch*n" where they are n times as long. Write builds the function for two sizes
//     of a batch and sees by their difference which axes these are; it fails where a number depends on the batch in
//     another way.
//   - States are initializers: the weights at the time of writing. What depends on weights and constants alone is computed
//     when the file is written, in float64, and rounded once.
//   - A random key is no input. Each array that is drawn by it is: its documentation says of which distribution.
//   - Convolutions are Conv and ConvTranspose, which want (N,C,H,W), with explicit pads and output_padding. Between them
//     nothing is transposed, and kernels are stored transposed. A scale and a shift for each channel after a convolution
//     or a matrix product, as of batch norm in inference, are in its kernel and bias.
//   - With Float16, weights are stored in 16 bits, and layers compute in 16. Inputs, outputs and draws stay float32. So do
//     sums, maxima, exponentials, logarithms and divisions, and all that a comparison of two computed values depends on,
//     such as the choice of the nearest code: a rounded operand may change what it chooses.
//   - metadata_props are the pairs of Options.Metadata, in their order.
//
// A function with updates of states is refused, and so is what has no operator: the error names the primitive. The bytes
// depend on the arguments alone.
//
// The package knows no model, no device and no file.
package onnx

import (
	"errors"
	"fmt"
	"io"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// ErrUnsupported marks a function that cannot be written. Test with errors.Is.
var ErrUnsupported = errors.New("cannot be written as ONNX")

// unsupported returns an error that wraps ErrUnsupported.
func unsupported(format string, args ...any) error {
	return fmt.Errorf("onnx: %s: %w", fmt.Sprintf(format, args...), ErrUnsupported)
}

// A Precision is the type in which weights are stored and layers compute.
type Precision int

// The precisions.
const (
	Float32 Precision = iota
	Float16
)

// String returns "float32" or "float16".
func (p Precision) String() string {
	if p == Float16 {
		return "float16"
	}
	return "float32"
}

// Options are what Write needs beside the function.
type Options struct {
	// Weights returns the value of the state of a name.
	Weights   func(name string) (*tensor.Tensor, error)
	Precision Precision
	Name      string      // of the graph; "" = that of the function
	About     string      // what the model computes
	Producer  string      // the version of the program that writes it
	Metadata  [][2]string // keys and values
	// Describe says what an input or output holds; nil = nothing is said.
	Describe func(name string) string
}

// A Draw is an input that takes the place of random numbers.
type Draw struct {
	Name         string
	Distribution string // "N(0,1)" or "U[0,1)"
}

// The distributions of draws.
const (
	normalDraw  = "N(0,1)"
	uniformDraw = "U[0,1)"
)

// What Write builds a function for: of both, rewrites of package graph that depend on the size of a batch give the same.
const batch, otherBatch = 16, 17

// Write writes a function as an ONNX model: build returns it for a batch. It returns the inputs that take the place of
// random numbers. It fails with ErrUnsupported where the function cannot be written.
func Write(w io.Writer, build func(batch int) (*graph.Func, error), o Options) (draws []Draw, err error) {
	f, err := build(batch)
	if err != nil {
		return nil, err
	}
	g, err := build(otherBatch)
	if err != nil {
		return nil, err
	}
	if len(f.Updates) > 0 {
		return nil, unsupported("%s updates states", f.Name)
	}
	l, err := newLowerer(graph.Simplify(f), graph.Simplify(g), o.Weights)
	if err != nil {
		return nil, err
	}
	outputs, err := l.outputs()
	if err != nil {
		return nil, err
	}
	m := &modelWriter{Options: o, lowered: l, outputs: outputs}
	if m.Name == "" {
		m.Name = f.Name
	}
	return l.draws, m.write(w)
}
