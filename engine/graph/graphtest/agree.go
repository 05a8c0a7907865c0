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

// A Device has the methods of a backend.Backend that Agree needs. S is its state, O its options and P its program; Go
// infers all three from the argument.
type Device[S State, O any, P Program] interface {
	NewState() S
	Compile(f *graph.Func, s S, opt O) (P, error)
}

// A State has the methods of a backend.State that Agree needs.
type State interface {
	Get(name string) (*tensor.Tensor, error)
	Set(name string, t *tensor.Tensor) error
}

// A Program has the method of a backend.Program that Agree needs.
type Program interface {
	Run(in, out []*tensor.Tensor) error
}

// Run compiles f on d, sets the states of env, runs f once and returns its outputs. It stores the new values of states in
// env.States. It does on a device what graph.Interp does on the host.
func Run[S State, O any, P Program](d Device[S, O, P], f *graph.Func, env graph.Env) ([]graph.Value, error) {
	rounded, err := roundEnv(f, env)
	if err != nil {
		return nil, err
	}
	r, err := compile(d, f, rounded)
	if err != nil {
		return nil, err
	}
	out, err := r.run(rounded)
	if err == nil {
		maps.Copy(env.States, rounded.States)
	}
	return out, err
}

// Agree runs f twice in a row on d and on the interpreter, and fails t unless all outputs and all states agree after each
// run. An element may differ by
//
//	tol·max|want over its array| + 16·r
//
// where r is an estimate of the error that float32 rounding causes in that element. The estimate comes from runs of the
// interpreter with random rounding errors, so only an ill-conditioned f has a large tolerance. Use tol = 1e-6. Agree also
// fails t if inputs, or states that f does not update, change.
func Agree[S State, O any, P Program](t testing.TB, d Device[S, O, P], f *graph.Func, env graph.Env, tol float64) {
	t.Helper()
	AgreeWith(t, d, NewReference(f, env), tol)
}

// A Reference is a function with inputs and states for AgreeWith, and what the interpreter gives. The values of a function
// that updates no state are computed once, for all devices.
type Reference struct {
	f         *graph.Func
	env       graph.Env
	evaluator *nodeEvaluator
	want      []graph.Value
	errors    map[int][]graph.Value // by the number of runs
}

// NewReference returns a reference of f, whose inputs and states are env.
func NewReference(f *graph.Func, env graph.Env) *Reference {
	return &Reference{f: f, env: env, evaluator: newNodeEvaluator(f), errors: map[int][]graph.Value{}}
}

// values returns the outputs and updates of the function.
func (r *Reference) values(env graph.Env) ([]graph.Value, error) {
	if r.want != nil && len(r.f.Updates) == 0 {
		return r.want, nil
	}
	var err error
	r.want, err = r.evaluator.run(env, nil)
	clear(r.errors)
	return r.want, err
}

// roundingErrors returns the estimate of the rounding errors of values, out of so many runs.
func (r *Reference) roundingErrors(env graph.Env, runs int) ([]graph.Value, error) {
	if r.errors[runs] == nil {
		errors, err := r.evaluator.roundingErrors(env, r.want, runs)
		if err != nil {
			return nil, err
		}
		r.errors[runs] = errors
	}
	return r.errors[runs], nil
}

// AgreeWith compares as Agree does, with a reference that may be used again, for another device.
func AgreeWith[S State, O any, P Program](t testing.TB, d Device[S, O, P], r *Reference, tol float64) {
	t.Helper()
	f := r.f
	env, err := roundEnv(f, r.env)
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := compile(d, f, env)
	if err != nil {
		t.Fatalf("%v\n%v", err, f)
	}
	for run := range 2 {
		want, err := r.values(env)
		if err != nil {
			t.Fatalf("interpreter: %v\n%v", err, f)
		}
		before := graph.Env{Inputs: env.Inputs, States: map[string]graph.Value{}}
		for _, st := range f.States {
			before.States[st.Name()] = env.States[st.Name()]
		}
		got, err := compiled.run(env)
		if err != nil {
			t.Fatalf("run %d: %v\n%v", run+1, err, f)
		}
		// A few runs miss half of the comparisons whose result depends on rounding. If there are differences, the errors are
		// estimated again with many runs.
		var differences []string
		for _, runs := range []int{fewRuns, manyRuns} {
			errors, err := r.roundingErrors(before, runs)
			if err != nil {
				t.Fatalf("interpreter: %v\n%v", err, f)
			}
			if differences = compare(f, got, env.States, before.States, want, errors, tol); len(differences) == 0 {
				break
			}
		}
		for _, e := range differences {
			t.Errorf("run %d: %s", run+1, e)
		}
		if len(differences) > 0 {
			t.Fatalf("the function:\n%v", f)
		}
	}
}

// compare returns a line for each output and each state that differs too much from its wanted value. want and errors hold
// the outputs first and then the updates; before holds the states before the run.
func compare(f *graph.Func, got []graph.Value, states, before map[string]graph.Value, want, errors []graph.Value, tol float64) []string {
	var differences []string
	check := func(what string, shape graph.Shape, got, want, errors graph.Value) {
		if err := checkDifference(got, want, errors, tol); err != nil {
			differences = append(differences, fmt.Sprintf("%s %v: %v", what, shape, err))
		}
	}
	for i, o := range f.Outputs {
		check(fmt.Sprintf("output %q", o.Name), o.Value.Shape(), got[i], want[i], errors[i])
	}
	updated := map[string]bool{}
	for i, u := range f.Updates {
		k, name := len(f.Outputs)+i, u.State.Name()
		check(fmt.Sprintf("state %q", name), u.State.Shape(), states[name], want[k], errors[k])
		updated[name] = true
	}
	for _, st := range f.States {
		if v := before[st.Name()]; !updated[st.Name()] {
			check(fmt.Sprintf("state %q, which is not updated,", st.Name()), st.Shape(), states[st.Name()], v, make(graph.Value, len(v)))
		}
	}
	return differences
}

// checkDifference returns an error if an element of got differs too much from want. The error describes the worst one.
func checkDifference(got, want, errors graph.Value, tol float64) error {
	largest := 0.0
	for _, w := range want {
		if !math.IsInf(w, 0) && !math.IsNaN(w) {
			largest = max(largest, math.Abs(w))
		}
	}
	count, index, worst := 0, 0, -1.0
	for i, w := range want {
		g := got[i]
		if math.IsNaN(w) && math.IsNaN(g) || math.Abs(w) > math.MaxFloat32 && g == math.Copysign(math.Inf(1), w) {
			continue
		}
		d, allowed := math.Abs(g-w), tol*largest+16*errors[i]+0x1p-120
		if d <= allowed {
			continue
		}
		count++
		if excess := d / allowed; worst < 0 || excess > worst {
			index, worst = i, excess
		}
	}
	if count == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d elements differ; element %d is %.9g, want %.9g ± %.2g", count, len(want), index,
		got[index], want[index], tol*largest+16*errors[index]+0x1p-120)
}

// A compiledFunc is a function that is compiled on a device, with its program and its state.
type compiledFunc struct {
	f *graph.Func
	p Program
	s State
}

// compile returns f compiled on d, with the states of env.
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

// run runs the function once and returns its outputs, which it reads from arrays that held NaN before. It stores the
// states in env.States. It returns an error if the run changes an input.
func (c *compiledFunc) run(env graph.Env) ([]graph.Value, error) {
	var in, out []*tensor.Tensor
	for _, n := range c.f.Inputs {
		in = append(in, toTensor(env.Inputs[n.Name()], n.DType(), n.Shape()))
	}
	for _, o := range c.f.Outputs {
		y := tensor.New(o.Value.DType(), o.Value.Shape()...)
		for i := range y.F32() {
			y.F32()[i] = float32(math.NaN())
		}
		out = append(out, y)
	}
	if err := c.p.Run(in, out); err != nil {
		return nil, fmt.Errorf("graphtest: run %s: %w", c.f.Name, err)
	}
	for i, n := range c.f.Inputs {
		for j, v := range fromTensor(in[i]) {
			if w := env.Inputs[n.Name()][j]; v != w && !math.IsNaN(w) {
				return nil, fmt.Errorf("graphtest: run %s: it changed its input %q: element %d is %v, was %v", c.f.Name, n.Name(), j, v, w)
			}
		}
	}
	vals := make([]graph.Value, len(out))
	for i, y := range out {
		vals[i] = fromTensor(y)
	}
	for _, n := range c.f.States {
		y, err := c.s.Get(n.Name())
		if err != nil {
			return nil, fmt.Errorf("graphtest: get state %q: %w", n.Name(), err)
		}
		env.States[n.Name()] = fromTensor(y)
	}
	return vals, nil
}

// roundEnv returns a copy of env with the values rounded to the types of the inputs and states of f.
func roundEnv(f *graph.Func, env graph.Env) (graph.Env, error) {
	out := graph.Env{Inputs: map[string]graph.Value{}, States: map[string]graph.Value{}}
	for _, n := range slices.Concat(f.Inputs, f.States) {
		src, dst := env.Inputs, out.Inputs
		if n.Op() == graph.OpState {
			src, dst = env.States, out.States
		}
		v := src[n.Name()]
		if len(v) != n.Shape().Size() {
			return out, fmt.Errorf("graphtest: %v %q: %d elements given, want %v", n.Op(), n.Name(), len(v), n.Shape())
		}
		dst[n.Name()] = fromTensor(toTensor(v, n.DType(), n.Shape()))
	}
	return out, nil
}
