package graphtest_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/graph/graphtest"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// A float32Device rounds every value to float32, as a correct device does. If fault is not nil, it falsifies each run.
type float32Device struct {
	fault func(p *float32Program, in, out []*tensor.Tensor)
}

type float32State map[string]*tensor.Tensor

type float32Program struct {
	f     *graph.Func
	s     float32State
	fault func(p *float32Program, in, out []*tensor.Tensor)
}

func (float32Device) Name() string            { return "float32Device" }
func (float32Device) NewState() backend.State { return float32State{} }

func (float32Device) Memory(*graph.Func) (int64, error) { return 0, nil }
func (float32Device) Close() error                      { return nil }

func (d float32Device) Compile(f *graph.Func, s backend.State, _ backend.Options) (backend.Program, error) {
	return &float32Program{f, s.(float32State), d.fault}, nil
}

func (s float32State) Names() []string { return nil }
func (s float32State) Get(name string) (*tensor.Tensor, error) {
	return tensor.FromSlice(slices.Clone(s[name].F32()), s[name].Shape()...)
}
func (s float32State) Set(name string, t *tensor.Tensor) error { s[name] = t; return nil }

func (p *float32Program) Inputs() []backend.Spec  { return nil }
func (p *float32Program) Outputs() []backend.Spec { return nil }

func (p *float32Program) Run(in, out []*tensor.Tensor) error {
	vals := map[*graph.Node]*tensor.Tensor{}
	for i, n := range p.f.Inputs {
		vals[n] = in[i]
	}
	for _, n := range p.f.States {
		vals[n] = p.s[n.Name()]
	}
	for _, n := range p.f.Nodes() {
		if vals[n] != nil {
			continue
		}
		env := graph.Env{Inputs: map[string]graph.Value{}}
		var leaves []*graph.Node
		for i, x := range n.In() {
			leaf := graph.Input(fmt.Sprint(i), x.DType(), x.Shape()...)
			leaves = append(leaves, leaf)
			v := make(graph.Value, x.Shape().Size())
			for j := range v {
				if x.DType() == tensor.Int32 {
					v[j] = float64(vals[x].I32()[j])
				} else {
					v[j] = float64(vals[x].F32()[j])
				}
			}
			env.Inputs[fmt.Sprint(i)] = v
		}
		y, err := graph.Interp(&graph.Func{Name: "one", Inputs: leaves, Outputs: []graph.Output{{Name: "y", Value: graph.Rebuild(n, leaves...)}}}, env)
		if err != nil {
			return err
		}
		vals[n] = tensor.New(n.DType(), n.Shape()...)
		for i, v := range y[0] {
			vals[n].F32()[i] = float32(v)
		}
	}
	for i, o := range p.f.Outputs {
		copy(out[i].F32(), vals[o.Value].F32())
	}
	next := map[string]*tensor.Tensor{}
	for _, u := range p.f.Updates {
		next[u.State.Name()], _ = tensor.FromSlice(slices.Clone(vals[u.Value].F32()), u.State.Shape()...)
	}
	for k, v := range next {
		p.s[k] = v
	}
	if p.fault != nil {
		p.fault(p, in, out)
	}
	return nil
}

// A recorder is a testing.TB that records failures and does not fail.
type recorder struct {
	testing.TB
	failed string
}

func (p *recorder) Helper() {}
func (p *recorder) Errorf(format string, args ...any) {
	p.failed += fmt.Sprintf(format, args...) + "\n"
}
func (p *recorder) Fatal(args ...any) { p.Errorf("%s", fmt.Sprint(args...)); panic(p) }
func (p *recorder) Fatalf(format string, args ...any) {
	p.Errorf(format, args...)
	panic(p)
}

// failureMessage returns the messages of check about its failures, "" if there are none.
func failureMessage(t *testing.T, check func(t testing.TB)) (msg string) {
	p := &recorder{TB: t}
	defer func() {
		if r := recover(); r != nil && r != any(p) {
			panic(r)
		}
		msg = p.failed
	}()
	check(p)
	return ""
}

func seeds(t *testing.T) uint64 {
	if testing.Short() {
		return 40
	}
	return 150
}

func TestAgreeAcceptsFloat32(t *testing.T) {
	for seed := range seeds(t) {
		key := rng.New(seed)
		f := graphtest.RandomFunc(key)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			graphtest.Agree(t, float32Device{}, f, graphtest.RandomEnv(key, f), 1e-6)
		})
	}
}

// Agree fails for a device with any of these faults, which are small or rare.
func TestAgreeFindsFaults(t *testing.T) {
	for name, fault := range map[string]func(p *float32Program, in, out []*tensor.Tensor){
		"one element with a small error": func(_ *float32Program, _, out []*tensor.Tensor) {
			y := out[0].F32()
			i := 0
			for j, v := range y {
				if math.Abs(float64(v)) > math.Abs(float64(y[i])) {
					i = j
				}
			}
			y[i] += 1e-3*y[i] + 1e-3
		},
		"NaN":                           func(_ *float32Program, _, out []*tensor.Tensor) { out[0].F32()[0] = float32(math.NaN()) },
		"an output that is not written": func(_ *float32Program, _, out []*tensor.Tensor) { out[len(out)-1].F32()[0] = float32(math.NaN()) },
		"a state with an error": func(p *float32Program, _, _ []*tensor.Tensor) {
			p.s[p.f.States[0].Name()].F32()[0] += 0.01
		},
		"an input that is changed": func(p *float32Program, in, _ []*tensor.Tensor) {
			for i, n := range p.f.Inputs {
				if n.DType() == tensor.Float32 {
					in[i].F32()[0]++
					return
				}
			}
			p.s[p.f.States[0].Name()].F32()[0]++
		},
	} {
		t.Run(name, func(t *testing.T) {
			passed, tried := 0, 0
			for seed := range uint64(60) {
				key := rng.New(seed)
				f := graphtest.RandomFunc(key)
				if len(f.States) == 0 {
					continue
				}
				tried++
				if failureMessage(t, func(t testing.TB) {
					graphtest.Agree(t, float32Device{fault}, f, graphtest.RandomEnv(key, f), 1e-6)
				}) == "" {
					passed++
				}
			}
			if tried < 30 || passed > 0 {
				t.Errorf("Agree passes for %d of %d functions", passed, tried)
			}
		})
	}
}

// Random functions contain every primitive, their values are finite and moderate, and equal keys give equal functions.
func TestRandomFunc(t *testing.T) {
	count := map[graph.Op]int{}
	withGradients, withUpdates, n := 0, 0, 0
	largest := 0.0
	for seed := range uint64(400) {
		key := rng.New(seed)
		f := graphtest.RandomFunc(key)
		if again := graphtest.RandomFunc(key); f.String() != again.String() {
			t.Fatalf("seed %d: one key gives two functions", seed)
		}
		used := map[graph.Op]bool{}
		for _, x := range f.Nodes() {
			used[x.Op()] = true
			n++
		}
		for op := range used {
			count[op]++
		}
		if strings.Contains(f.String(), `"gradient`) {
			withGradients++
		}
		if len(f.Updates) > 0 {
			withUpdates++
		}
		out, err := graph.Interp(f, graphtest.RandomEnv(key, f))
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range out {
			for _, x := range v {
				if !(math.Abs(x) < 1e12) {
					t.Errorf("seed %d: an element of output %q is %v", seed, f.Outputs[i].Name, x)
				}
				largest = max(largest, math.Abs(x))
			}
		}
	}
	for _, op := range graph.Ops() {
		if count[op] < 10 {
			t.Errorf("%v occurs in %d of 400 functions, want 10 or more", op, count[op])
		}
	}
	if withGradients < 100 || withUpdates < 100 {
		t.Errorf("%d functions have gradients and %d updates, want 100 of each", withGradients, withUpdates)
	}
	t.Logf("%d nodes a function; largest value %.3g; %v", n/400, largest, count)
}
