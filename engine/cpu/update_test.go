package cpu

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/graph/graphtest"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// twoUpdates returns a function that updates a matrix and its moving average twice, each time only if a scalar is not 0. It
// reads the matrix before, between and after the updates. With lateRead it reads the old value once more after the first
// update; with output the value between the updates is an output.
func twoUpdates(t testing.TB, lateRead, output bool) *graph.Func {
	t.Helper()
	const n = 24
	w, m := graph.State("w", n, n), graph.State("m", n, n)
	x := graph.Input("x", tensor.Float32, n, n)
	in, value, moment := []*graph.Node{x}, w, m
	var out []graph.Output
	for k, name := range []string{"first", "second"} {
		ok := graph.Input(name, tensor.Float32)
		in = append(in, ok)
		y := graph.Tanh(graph.MatMul(x, value))
		m2 := graph.Add(graph.Scale(moment, 0.9), graph.Scale(graph.MatMul(x, y), 0.1))
		w2 := graph.Sub(value, graph.Scale(m2, 0.01))
		value, moment = graph.Select(ok, w2, value), graph.Select(ok, m2, moment)
		if k == 0 && lateRead {
			y = graph.Add(y, graph.MatMul(value, w))
		}
		if k == 0 && output {
			out = append(out, graph.Output{Name: "between", Value: value})
		}
		out = append(out, graph.Output{Name: name + " sum", Value: graph.Sum(y)})
	}
	out = append(out, graph.Output{Name: "after", Value: graph.Sum(graph.MatMul(x, value))})
	f, err := graph.NewFunc("two updates", in, out, []graph.Update{{State: w, Value: value}, {State: m, Value: moment}})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A state that is updated twice is written in place both times, whatever the conditions, unless a later node reads the value
// that would be overwritten.
func TestTwoUpdates(t *testing.T) {
	const inPlace = "writes %"
	for _, c := range []struct {
		lateRead, output bool
		w, m             int // the number of in-place updates of each state
	}{{false, false, 2, 2}, {true, false, 1, 2}, {false, true, 1, 2}} {
		f := twoUpdates(t, c.lateRead, c.output)
		text := dumpText(t, f, 2, defaultShardConfig)
		_, text, _ = strings.Cut(text, "# updates\n")
		lines := strings.Split(text, "\n")
		if w, m := strings.Count(lines[0], inPlace), strings.Count(lines[1], inPlace); w != c.w || m != c.m {
			t.Errorf("late read %v, output %v: %d and %d in-place updates, want %d and %d:\n%s\n%s", c.lateRead, c.output, w, m, c.w, c.m, lines[0], lines[1])
		}
		for ok := range 4 {
			for _, threads := range []int{1, 3} {
				t.Run(fmt.Sprint(c, ok, threads), func(t *testing.T) {
					env := graphtest.RandomEnv(rng.New(uint64(ok)).Split("env"), f)
					env.Inputs["first"], env.Inputs["second"] = graph.Value{float64(ok & 1)}, graph.Value{float64(ok >> 1)}
					graphtest.Agree(t, newTest(t, threads), f, env, tol)
				})
			}
		}
	}
}
