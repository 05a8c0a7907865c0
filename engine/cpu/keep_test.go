package cpu_test

import (
	"slices"
	"testing"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// TestPacksAreKept checks that the weights are packed once for all programs that only read them, and anew after they change: by
// Set, and by the update of another program.
func TestPacksAreKept(t *testing.T) {
	b := cpu.New(2)
	defer b.Close()
	st := b.NewState()
	w := tensor.New(tensor.Float32, 40, 30)
	rng.New(1).Normal(w.F32())
	if err := st.Set("w", w); err != nil {
		t.Fatal(err)
	}
	compile := func(rows int) (run func() []float32, packs func() int64) {
		x := graph.Input("x", tensor.Float32, rows, 30)
		p, err := b.Compile(function(t, []*graph.Node{x}, graph.MatMulT(x, graph.State("w", 40, 30), false, true)), st, backend.Options{})
		if err != nil {
			t.Fatal(err)
		}
		in, out := []*tensor.Tensor{p.Inputs()[0].New()}, []*tensor.Tensor{p.Outputs()[0].New()}
		for i := range in[0].F32() {
			in[0].F32()[i] = 1
		}
		p.(backend.Profiler).Profile(true)
		run = func() []float32 {
			if err := p.Run(in, out); err != nil {
				t.Fatal(err)
			}
			return out[0].F32()[:40]
		}
		return run, func() (n int64) {
			for _, k := range p.(backend.Profiler).Kernels() {
				if k.Name == "pack" {
					n += k.Calls
				}
			}
			return n
		}
	}
	// sums are those of the rows of w.
	sums := func() (s []float32) {
		now, err := st.Get("w")
		if err != nil {
			t.Fatal(err)
		}
		for row := range slices.Chunk(now.F32(), 30) {
			var sum float32
			for _, v := range row {
				sum += v
			}
			s = append(s, sum)
		}
		return s
	}
	one, packsOfOne := compile(1)
	many, packsOfMany := compile(70)
	check := func(what string, run func() []float32, packs func() int64, want int64) {
		t.Helper()
		for i, got := range run() {
			if d := got - sums()[i]; d > 1e-4 || d < -1e-4 {
				t.Fatalf("%s: row %d is %v, want %v", what, i, got, sums()[i])
			}
		}
		if got := packs(); got != want {
			t.Errorf("%s: %d packs in all, want %d", what, got, want)
		}
	}
	check("first", one, packsOfOne, 1)
	check("again", one, packsOfOne, 1)
	check("another program", many, packsOfMany, 0)
	w.F32()[0] += 7
	if err := st.Set("w", w); err != nil {
		t.Fatal(err)
	}
	check("after Set", many, packsOfMany, 1)
	check("the first after Set", one, packsOfOne, 1)
	v := graph.State("w", 40, 30)
	f, err := graph.NewFunc("double", nil, nil, []graph.Update{{State: v, Value: graph.Add(v, v)}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.Compile(f, st, backend.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(nil, nil); err != nil {
		t.Fatal(err)
	}
	check("after an update", one, packsOfOne, 2)
	check("another program after it", many, packsOfMany, 1)
}
