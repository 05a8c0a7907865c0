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

// simplified is the interpreter, run on what Simplify makes of a function.
type simplified struct{}

type hostState map[string]*tensor.Tensor

func (s hostState) Get(name string) (*tensor.Tensor, error) { return s[name], nil }
func (s hostState) Set(name string, v *tensor.Tensor) error { s[name] = v; return nil }

type interpreted struct {
	f *graph.Func
	s hostState
}

func (simplified) NewState() hostState { return hostState{} }

func (simplified) Compile(f *graph.Func, s hostState, _ struct{}) (interpreted, error) {
	g := graph.Simplify(f)
	return interpreted{g, s}, graph.Verify(g)
}

func (p interpreted) Run(in, out []*tensor.Tensor) error {
	env := graph.Env{Inputs: map[string]graph.Value{}, States: map[string]graph.Value{}}
	wide := func(t *tensor.Tensor) graph.Value {
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
		env.Inputs[n.Name()] = wide(in[i])
	}
	for name, v := range p.s {
		env.States[name] = wide(v)
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

// Simplify keeps the meaning, but for the rounding of folded constants to
// float32; it finds nothing more to do when run again, and leaves the inputs in
// their order and its argument alone.
func TestSimplify(t *testing.T) {
	before, after := 0, 0
	for seed := range uint64(150) {
		key := rng.New(seed)
		f := graphtest.RandomFunc(key)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			text := f.String()
			g := graph.Simplify(f)
			if f.String() != text {
				t.Error("the function given was changed")
			}
			if again := graph.Simplify(g); again.String() != g.String() {
				t.Errorf("simplified\n%v\nand again\n%v\nof\n%s", g, again, text)
			}
			before, after = before+len(f.Nodes()), after+len(g.Nodes())
			for i, n := range f.Inputs {
				if i >= len(g.Inputs) || g.Inputs[i].Name() != n.Name() {
					t.Fatalf("inputs of\n%v\nare not those of\n%v", g, f)
				}
			}
			graphtest.Agree(t, simplified{}, f, graphtest.RandomEnv(key, f), 1e-6)
		})
	}
	if !(float64(after) < 0.9*float64(before)) {
		t.Errorf("%d nodes became %d, want a tenth fewer at least", before, after)
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
