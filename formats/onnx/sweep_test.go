package onnx_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/graph/graphtest"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/onnx"
	"github.com/imago-ml/imago/formats/onnx/onnxtest"
)

// A device runs functions as ONNX models, so that graphtest can compare them with the interpreter.
type device struct{ runtime *onnxtest.Runtime }

type state map[string]*tensor.Tensor

func (s state) Get(name string) (*tensor.Tensor, error) {
	if s[name] == nil {
		return nil, fmt.Errorf("no state %q", name)
	}
	return s[name], nil
}

func (s state) Set(name string, t *tensor.Tensor) error { s[name] = t; return nil }

func (device) NewState() state { return state{} }

// Compile returns a program that writes f when it runs, with the states as they then are.
func (d device) Compile(f *graph.Func, s state, _ struct{}) (program, error) {
	return program{d.runtime, f, s}, nil
}

type program struct {
	runtime *onnxtest.Runtime
	f       *graph.Func
	state   state
}

func (p program) Run(in, out []*tensor.Tensor) error {
	var file bytes.Buffer
	draws, err := onnx.Write(&file, func(int) (*graph.Func, error) { return p.f, nil }, onnx.Options{Weights: p.state.Get})
	if err != nil {
		return err
	}
	s, err := p.runtime.Load(file.Bytes())
	if err != nil {
		return err
	}
	inputs := map[string]onnxtest.Array{}
	var key rng.Key
	for i, n := range p.f.Inputs {
		if n.DType() == tensor.Int32 {
			key = rng.FromWords([4]int32(in[i].I32()))
			continue
		}
		inputs[n.Name()] = onnxtest.Array{Shape: n.Shape(), Data: in[i].F32()}
	}
	count := map[string]int{} // of the draws of a stream: the second one of "c" is the input "c 2"
	for _, n := range graph.Simplify(p.f).Nodes() {
		if n.Op() != graph.OpNormal && n.Op() != graph.OpUniform {
			continue
		}
		stream := n.Attr().Name
		name := stream
		if count[stream]++; count[stream] > 1 {
			name = fmt.Sprint(stream, " ", count[stream])
		}
		x := make([]float32, n.Shape().Size())
		for _, d := range draws {
			switch {
			case d.Name != name:
				continue
			case d.Distribution == "N(0,1)":
				key.Split(stream).Normal(x)
			default:
				key.Split(stream).Uniform(x)
			}
			inputs[name] = onnxtest.Array{Shape: n.Shape(), Data: x}
		}
	}
	results, err := s.Run(inputs)
	if err != nil {
		return err
	}
	for i, o := range p.f.Outputs {
		if want, got := o.Value.Shape(), results[o.Name].Shape; !want.Equal(got) {
			return fmt.Errorf("output %s has the shape %v, want %v", o.Name, got, want)
		}
		copy(out[i].F32(), results[o.Name].Data)
	}
	return s.Free()
}

// Every primitive, with its first and second derivatives, gives in ONNX Runtime what the interpreter gives.
func TestSweep(t *testing.T) {
	graphtest.SweepDevice(t, device{onnxtest.Start(t)}, 1e-6)
}

// So do random functions, whose updates of states are left out: they have no place in a model that is carried away.
func TestRandom(t *testing.T) {
	d := device{onnxtest.Start(t)}
	for seed := range uint64(60) {
		key := rng.New(seed)
		f := graphtest.RandomFunc(key)
		if len(f.Outputs) == 0 {
			continue
		}
		f, err := graph.NewFunc(f.Name, f.Inputs, f.Outputs, nil)
		if err != nil {
			t.Fatal(err)
		}
		graphtest.Agree(t, d, f, graphtest.RandomEnv(key, f), 1e-6)
	}
}
