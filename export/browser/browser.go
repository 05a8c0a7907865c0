// Package browser turns functions of package graph, with their weights, into a program that a page runs: a list of steps
// over one memory of float32 numbers, and a module of WebAssembly for the steps that take the time.
//
//	folded, err := browser.Fold([]browser.Function{{Name: "decode", Build: m.Decode}}, weights)
//	program, err := folded.Program()
//	err = json.NewEncoder(w).Encode(program)   // steps, addresses, and both modules
//	blob := program.Weights(half)               // what the page loads into the memory
//
// Fold computes what depends on weights alone: batch norm and spectral norm become part of kernels and biases. Program gives
// each value an address, and each convolution or product of a batch of one item its kernel of WebAssembly. A transposed
// convolution is one convolution for each residue of its stride. A value that only convolutions read is stored with the
// zeros of their padding around it. No address is used twice, so these zeros are written once.
//
// Runtime is the JavaScript that runs a program: with the relaxed module where WebAssembly.validate accepts it, else with the
// plain one, else with the same kernels in JavaScript. It draws the same random numbers as package rng, at the place of an
// item in a batch. What is rare is computed in JavaScript always: random numbers, exp and the like, reductions.
//
// The package must not know models, runs, pages or files.
package browser

import (
	_ "embed" // Runtime
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// Runtime is a script that defines the constant imago, by which a page loads and runs programs.
//
//go:embed runtime.js
var Runtime string

// A Function is a function of a model by the name that the page calls it.
type Function struct {
	Name  string
	Build func(batch int) (*graph.Func, error)
}

// A Program is what the page runs. Its JSON form is read by Runtime.
type Program struct {
	memory    int       // numbers of float32
	loads     [][]int   // how arrays of weights get into the memory
	words     []int     // address of the first number, then int32 numbers: offsets of the taps of convolutions
	kernels   []kernel  // of WebAssembly, by index
	functions []lowered // by name
	arrays    [][]float32
	streams   []string // names of random streams
}

// A lowered function is its operands and its steps.
type lowered struct {
	Name    string    `json:"name"`
	Inputs  []operand `json:"inputs"`
	Outputs []operand `json:"outputs"`
	Steps   [][]int   `json:"steps"`
}

// An operand is an input or an output: its address and its shape for one item.
type operand struct {
	Name  string `json:"name"`
	At    int    `json:"at"`
	Shape []int  `json:"shape"`
	Words bool   `json:"words,omitempty"` // int32, as a random key
}

// MarshalJSON returns the program without its weights.
func (p *Program) MarshalJSON() ([]byte, error) {
	shapes := [][]int{}
	for _, k := range p.kernels {
		shapes = append(shapes, []int{k.pixels, k.vectors, k.xCol, int(k.act)})
	}
	sizes := []int{}
	for _, a := range p.arrays {
		sizes = append(sizes, len(a))
	}
	return json.Marshal(map[string]any{
		"memory": p.memory, "arrays": sizes, "loads": p.loads, "words": p.words, "kernels": shapes, "functions": p.functions, "streams": p.streams,
		"relaxed": base64.StdEncoding.EncodeToString(module(p.kernels, true)), "simd": base64.StdEncoding.EncodeToString(module(p.kernels, false)),
	})
}

// halfFrom is the number of elements from which on an array is stored in halves, where they are asked for: what biases cost
// is nothing.
const halfFrom = 512

// Weights returns the arrays of the program one after another, little endian: float32, or float16 for the large ones if half
// is set.
func (p *Program) Weights(half bool) []byte {
	var b []byte
	for _, a := range p.arrays {
		small := !half || len(a) < halfFrom
		for _, v := range a {
			if small {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
			} else {
				b = binary.LittleEndian.AppendUint16(b, toHalf(v))
			}
		}
	}
	return b
}

// toHalf returns the float16 nearest to v, ties to even; beyond its range the largest.
func toHalf(v float32) uint16 { return tensor.Half(max(-tensor.MaxHalf, min(tensor.MaxHalf, v))) }

// An UnsupportedError names a primitive of a function that a page cannot run.
type UnsupportedError struct{ Func, Op, Why string }

// Error returns one line.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("browser: %s: %s: %s", e.Func, e.Op, e.Why)
}
