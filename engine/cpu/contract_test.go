package cpu_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/graph/graphtest"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
)

// function returns a function with the outputs a, b, …
func function(t testing.TB, in []*graph.Node, out ...*graph.Node) *graph.Func {
	t.Helper()
	var outs []graph.Output
	for i, o := range out {
		outs = append(outs, graph.Output{Name: string(rune('a' + i)), Value: o})
	}
	f, err := graph.NewFunc("f", in, outs, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// x − x is 0 only for a finite x, and 0·x is NaN otherwise: no pass may simplify these. optim.Guard relies on it.
func TestNonFiniteDifferences(t *testing.T) {
	b := cpu.New(1)
	defer b.Close()
	x := graph.Input("x", tensor.Float32, 5)
	f := function(t, []*graph.Node{x}, graph.Equal(graph.Sub(x, x), graph.Const(0)), graph.Mul(x, graph.Const(0)))
	inf := math.Inf(1)
	env := graph.Env{Inputs: map[string]graph.Value{"x": {1, inf, -inf, math.NaN(), -0.5}}}
	out, err := graphtest.Run(b, f, env)
	if err != nil {
		t.Fatal(err)
	}
	if want := (graph.Value{1, 0, 0, 0, 1}); !slices.Equal(out[0], want) {
		t.Errorf("x − x = 0 is %v, want %v", out[0], want)
	}
	if y := out[1]; y[0] != 0 || !math.IsNaN(y[1]) || !math.IsNaN(y[3]) {
		t.Errorf("0·x is %v, want NaN where x is not finite", y)
	}
}

// CheckFinite reports the layer of the first value that is not finite.
func TestCheckFiniteNamesTheLayer(t *testing.T) {
	b := cpu.New(2)
	defer b.Close()
	x := graph.Input("x", tensor.Float32, 2, 3)
	h := graph.Tag(graph.AddScalar(x, 1), "first")
	h = graph.Tag(graph.Log(graph.Reshape(h, 6)), "second")
	y := graph.Tag(graph.Sum(graph.Tanh(h)), "third")
	p, err := b.Compile(function(t, []*graph.Node{x}, y), b.NewState(), backend.Options{CheckFinite: true})
	if err != nil {
		t.Fatal(err)
	}
	in, out := tensor.New(tensor.Float32, 2, 3), tensor.New(tensor.Float32)
	if err := p.Run([]*tensor.Tensor{in}, []*tensor.Tensor{out}); err != nil || out.F32()[0] != 0 {
		t.Fatalf("for zeros: %v, %v; want 0", out.F32(), err)
	}
	in.F32()[4] = -3
	var bad *backend.NonFiniteError
	if err := p.Run([]*tensor.Tensor{in}, []*tensor.Tensor{out}); !errors.As(err, &bad) {
		t.Fatalf("got %v, want a NonFiniteError", err)
	}
	if bad.Layer != "second" || bad.Op != "log" || bad.At != 4 || !math.IsNaN(bad.Value) {
		t.Errorf("got %v; want log in the second layer, NaN at element 4", bad)
	}
}

// A few training steps give the same bits with any number of threads.
func TestThreadsDoNotChangeBits(t *testing.T) {
	for name, make := range map[string]func() (model.Kind, model.Recipe){"mlp-vae": vae.MLPVAE, "cnn-vae": vae.CNNVAE} {
		t.Run(name, func(t *testing.T) {
			checkThreads(t, func(threads int) (func(), backend.State) { return trainStep(t, make, threads) })
		})
	}
}

// checkThreads checks that three steps, compiled for 1, 2 and 5 threads, leave the same bits in the state.
func checkThreads(t *testing.T, compiled func(threads int) (step func(), state backend.State)) {
	t.Helper()
	var want []uint32
	for _, threads := range []int{1, 2, 5} {
		step, state := compiled(threads)
		for range 3 {
			step()
		}
		var got []uint32
		for _, n := range state.Names() {
			x, err := state.Get(n)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range x.F32() {
				got = append(got, math.Float32bits(v))
			}
		}
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d threads: the state after 3 steps is not that of 1 thread", threads)
		}
	}
}

func TestOperandErrors(t *testing.T) {
	b := cpu.New(1)
	defer b.Close()
	x := graph.Input("x", tensor.Float32, 2)
	s := b.NewState()
	p, err := b.Compile(function(t, []*graph.Node{x}, graph.Neg(x)), s, backend.Options{})
	if err != nil {
		t.Fatal(err)
	}
	two, three, ints := tensor.New(tensor.Float32, 2), tensor.New(tensor.Float32, 3), tensor.New(tensor.Int32, 2)
	for _, c := range []struct{ in, out []*tensor.Tensor }{
		{nil, []*tensor.Tensor{two}},
		{[]*tensor.Tensor{three}, []*tensor.Tensor{two}},
		{[]*tensor.Tensor{ints}, []*tensor.Tensor{two}},
		{[]*tensor.Tensor{nil}, []*tensor.Tensor{two}},
		{[]*tensor.Tensor{two}, []*tensor.Tensor{three}},
	} {
		if err := p.Run(c.in, c.out); err == nil {
			t.Errorf("no error from Run(%v, %v)", c.in, c.out)
		}
	}
	if err := s.Set("w", two); err != nil {
		t.Fatal(err)
	}
	if err := s.Set("w", three); err == nil {
		t.Error("no error for setting a state of 2 elements to 3")
	}
	w := graph.State("w", 3)
	if _, err := b.Compile(function(t, nil, graph.Neg(w)), s, backend.Options{}); err == nil {
		t.Error("no error for compiling a state of 2 elements as one of 3")
	}
	if _, err := s.Get("none"); err == nil {
		t.Error("no error for reading a state that does not exist")
	}
}
