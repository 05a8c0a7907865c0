package graph_test

import (
	"fmt"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/graph/graphtest"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/datadriven"
)

// A simplifyingDevice simplifies a function and runs it with the interpreter.
type simplifyingDevice struct{}

type hostState map[string]*tensor.Tensor

func (s hostState) Get(name string) (*tensor.Tensor, error) { return s[name], nil }
func (s hostState) Set(name string, v *tensor.Tensor) error { s[name] = v; return nil }

type interpretedProgram struct {
	f *graph.Func
	s hostState
}

func (simplifyingDevice) NewState() hostState { return hostState{} }

func (simplifyingDevice) Compile(f *graph.Func, s hostState, _ struct{}) (interpretedProgram, error) {
	g := graph.Simplify(f)
	return interpretedProgram{g, s}, graph.Verify(g)
}

func (p interpretedProgram) Run(in, out []*tensor.Tensor) error {
	env := graph.Env{Inputs: map[string]graph.Value{}, States: map[string]graph.Value{}}
	toValue := func(t *tensor.Tensor) graph.Value {
		v := make(graph.Value, t.Size())
		for i := range v {
			if t.DType() == tensor.Int32 {
				v[i] = float64(t.I32()[i])
			} else {
				v[i] = float64(t.F32()[i])
			}
		}
		return v
	}
	for i, n := range p.f.Inputs {
		env.Inputs[n.Name()] = toValue(in[i])
	}
	for name, v := range p.s {
		env.States[name] = toValue(v)
	}
	y, err := graph.Interp(p.f, env)
	for i := range y {
		for j, v := range y[i] {
			out[i].F32()[j] = float32(v)
		}
	}
	for name, v := range p.s {
		p.s[name] = tensor.New(tensor.Float32, v.Shape()...)
		for j, e := range env.States[name] {
			p.s[name].F32()[j] = float32(e)
		}
	}
	return err
}

// Simplify keeps the meaning, up to the rounding of folded constants to float32. A second call changes nothing. The order
// of the inputs and the argument stay the same.
func TestSimplify(t *testing.T) {
	before, after := 0, 0
	for seed := range uint64(150) {
		key := rng.New(seed)
		f := graphtest.RandomFunc(key)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			text := f.String()
			g := graph.Simplify(f)
			if f.String() != text {
				t.Error("the argument was changed")
			}
			if again := graph.Simplify(g); again.String() != g.String() {
				t.Errorf("simplified\n%v\nand again\n%v\nof\n%s", g, again, text)
			}
			before, after = before+len(f.Nodes()), after+len(g.Nodes())
			for i, n := range f.Inputs {
				if i >= len(g.Inputs) || g.Inputs[i].Name() != n.Name() {
					t.Fatalf("the inputs of\n%v\nare not those of\n%v", g, f)
				}
			}
			graphtest.Agree(t, simplifyingDevice{}, f, graphtest.RandomEnv(key, f), 1e-6)
		})
	}
	if !(float64(after) < 0.9*float64(before)) {
		t.Errorf("%d nodes became %d, want at least a tenth fewer", before, after)
	}
	t.Logf("%d nodes became %d", before, after)
}

func TestSimplifyGoldens(t *testing.T) {
	datadriven.Run(t, "testdata/simplify.txt", func(t *testing.T, c datadriven.Case) string {
		f, err := graph.Parse(c.Input)
		if err != nil {
			return err.Error() + "\n"
		}
		if c.Cmd != "simplify" {
			t.Fatalf("no command %q", c.Cmd)
		}
		return graph.Simplify(f).String()
	})
}
