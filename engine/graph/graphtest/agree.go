package graphtest

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// A Device is what Agree needs of a backend.Backend, with its state S, options O
// and program P; Go infers all three from the argument.
type Device[S State, O any, P Program] interface {
	NewState() S
	Compile(f *graph.Func, s S, opt O) (P, error)
}

// State is what Agree needs of a backend.State.
type State interface {
	Get(name string) (*tensor.Tensor, error)
	Set(name string, t *tensor.Tensor) error
}

// Program is what Agree needs of a backend.Program.
type Program interface {
	Run(in, out []*tensor.Tensor) error
}

// Run compiles f on d, gives it the states of env, runs it once and returns its
// outputs; new values of states are written to env.States. It is graph.Interp on
// a device.
func Run[S State, O any, P Program](d Device[S, O, P], f *graph.Func, env graph.Env) ([]graph.Value, error) {
	on, err := roundEnv(f, env)
	if err != nil {
		return nil, err
	}
	r, err := compile(d, f, on)
	if err != nil {
		return nil, err
	}
	out, err := r.run(on)
	if err == nil {
		maps.Copy(env.States, on.States)
	}
	return out, err
}

// Agree runs f twice in a row on d and on the interpreter and fails t unless all
// outputs and all states agree after each run. An element may differ by
//
//	tol·max|want over its array| + 16·r
//
// where r is what float32 rounding does to that element, found by imitating it:
// so an ill-conditioned f is given the room it needs, and no other is. 1e-6 is a
// good tol. States that f does not update must not change, nor may inputs.
func Agree[S State, O any, P Program](t testing.TB, d Device[S, O, P], f *graph.Func, env graph.Env, tol float64) {
	t.Helper()
	env, err := roundEnv(f, env)
	if err != nil {
		t.Fatal(err)
	}
	r, err := compile(d, f, env)
	if err != nil {
		t.Fatalf("%v\n%v", err, f)
	}
	s := newNodeEvaluator(f)
	for run := range 2 {
		want, err := s.run(env, nil)
		if err != nil {
			t.Fatalf("interpreter: %v\n%v", err, f)
		}
		kept := map[string]graph.Value{}
		for _, st := range f.States {
			kept[st.Name()] = env.States[st.Name()]
		}
		before := graph.Env{Inputs: env.Inputs, States: kept}
		got, err := r.run(env)
		if err != nil {
			t.Fatalf("run %d: %v\n%v", run+1, err, f)
		}
		// Few runs miss half of the comparisons that rounding decides, so what
		// differs is asked once more with many.
		var faults []string
		for _, runs := range []int{fewRuns, manyRuns} {
			room, err := s.roundingErrors(before, want, runs)
			if err != nil {
				t.Fatalf("interpreter: %v\n%v", err, f)
			}
			if faults = compare(f, got, env.States, kept, want, room, tol); len(faults) == 0 {
				break
			}
		}
		for _, e := range faults {
			t.Errorf("run %d: %s", run+1, e)
		}
		if len(faults) > 0 {
			t.Fatalf("the function:\n%v", f)
		}
	}
}

// compare lists the outputs and states that are too far from what is wanted:
// outputs first, then updates. kept is the states before the run.
func compare(f *graph.Func, got []graph.Value, states, kept map[string]graph.Value, want, room []graph.Value, tol float64) []string {
	var faults []string
	check := func(what string, shape graph.Shape, got, want, room graph.Value) {
		if err := describeDifference(got, want, room, tol); err != nil {
			faults = append(faults, fmt.Sprintf("%s %v: %v", what, shape, err))
		}
	}
	for i, o := range f.Outputs {
		check(fmt.Sprintf("output %q", o.Name), o.Value.Shape(), got[i], want[i], room[i])
	}
	updated := map[string]bool{}
	for i, u := range f.Updates {
		k, name := len(f.Outputs)+i, u.State.Name()
		check(fmt.Sprintf("state %q", name), u.State.Shape(), states[name], want[k], room[k])
		updated[name] = true
	}
	for _, st := range f.States {
		if v := kept[st.Name()]; !updated[st.Name()] {
			check(fmt.Sprintf("state %q, which is not updated,", st.Name()), st.Shape(), states[st.Name()], v, make(graph.Value, len(v)))
		}
	}
	return faults
}

// differ describes the worst element of got that is too far from want.
func describeDifference(got, want, room graph.Value, tol float64) error {
	largest := 0.0
	for _, w := range want {
		if !math.IsInf(w, 0) && !math.IsNaN(w) {
			largest = max(largest, math.Abs(w))
		}
	}
	bad, at, worst := 0, 0, -1.0
	for i, w := range want {
		g := got[i]
		if math.IsNaN(w) && math.IsNaN(g) || math.Abs(w) > math.MaxFloat32 && g == math.Copysign(math.Inf(1), w) {
			continue
		}
		d, allowed := math.Abs(g-w), tol*largest+16*room[i]+0x1p-120
		if d <= allowed {
			continue
		}
		bad++
		if excess := d / allowed; worst < 0 || excess > worst {
			at, worst = i, excess
		}
	}
	if bad == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d elements differ; element %d is %.9g, want %.9g ± %.2g", bad, len(want), at,
		got[at], want[at], tol*largest+16*room[at]+0x1p-120)
}

// A loaded function is compiled, with the states of its environment in place.
type compiledFunc struct {
	f *graph.Func
	p Program
	s State
}

func compile[S State, O any, P Program](d Device[S, O, P], f *graph.Func, env graph.Env) (*compiledFunc, error) {
	s := d.NewState()
	for _, n := range f.States {
		if err := s.Set(n.Name(), toTensor(env.States[n.Name()], n.DType(), n.Shape())); err != nil {
			return nil, fmt.Errorf("graphtest: set state %q: %w", n.Name(), err)
		}
	}
	var opt O
	p, err := d.Compile(f, s, opt)
	if err != nil {
		return nil, fmt.Errorf("graphtest: compile %s: %w", f.Name, err)
	}
	return &compiledFunc{f: f, p: p, s: s}, nil
}

// run gives the outputs as they stand in arrays that held NaN before.
func (l *compiledFunc) run(env graph.Env) ([]graph.Value, error) {
	var in, out []*tensor.Tensor
	for _, n := range l.f.Inputs {
		in = append(in, toTensor(env.Inputs[n.Name()], n.DType(), n.Shape()))
	}
	for _, o := range l.f.Outputs {
		y := tensor.New(o.Value.DType(), o.Value.Shape()...)
		for i := range y.F32() {
			y.F32()[i] = float32(math.NaN())
		}
		out = append(out, y)
	}
	if err := l.p.Run(in, out); err != nil {
		return nil, fmt.Errorf("graphtest: run %s: %w", l.f.Name, err)
	}
	for i, n := range l.f.Inputs {
		for j, v := range fromTensor(in[i]) {
			if w := env.Inputs[n.Name()][j]; v != w && !math.IsNaN(w) {
				return nil, fmt.Errorf("graphtest: run %s: it wrote to its input %q: element %d is %v, was %v", l.f.Name, n.Name(), j, v, w)
			}
		}
	}
	vals := make([]graph.Value, len(out))
	for i, y := range out {
		vals[i] = fromTensor(y)
	}
	for _, n := range l.f.States {
		y, err := l.s.Get(n.Name())
		if err != nil {
			return nil, fmt.Errorf("graphtest: get state %q: %w", n.Name(), err)
		}
		env.States[n.Name()] = fromTensor(y)
	}
	return vals, nil
}

// given returns env as a device takes it: copied, and rounded to the types of f.
func roundEnv(f *graph.Func, env graph.Env) (graph.Env, error) {
	out := graph.Env{Inputs: map[string]graph.Value{}, States: map[string]graph.Value{}}
	for _, n := range slices.Concat(f.Inputs, f.States) {
		from, to := env.Inputs, out.Inputs
		if n.Op() == graph.OpState {
			from, to = env.States, out.States
		}
		v := from[n.Name()]
		if len(v) != n.Shape().Size() {
			return out, fmt.Errorf("graphtest: %v %q: %d elements given, want %v", n.Op(), n.Name(), len(v), n.Shape())
		}
		to[n.Name()] = fromTensor(toTensor(v, n.DType(), n.Shape()))
	}
	return out, nil
}
