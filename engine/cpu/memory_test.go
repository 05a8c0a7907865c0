package cpu

import (
	"errors"
	"runtime"
	"testing"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/memory"
)

// TestMemory checks that Memory counts what Compile takes, without taking it, and that what the budget has no room for is
// refused: states, operands and intermediate values.
func TestMemory(t *testing.T) {
	product := func(batch, in, out int) *graph.Func {
		x := graph.Input("x", tensor.Float32, batch, in)
		h := graph.MatMul(x, graph.State("a", in, out))
		y := graph.Sum(graph.MatMul(h, graph.State("b", out, out)))
		f, err := graph.NewFunc("f", []*graph.Node{x}, []graph.Output{{Name: "y", Value: y}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	be := New(2)
	defer be.Close()
	runtime.GC()
	memory.SetLimit(memory.InUse() + 64<<20)
	defer memory.SetLimit(0)

	f := product(2048, 8, 512) // 4 MiB between the products
	n, err := be.Memory(f)
	if err != nil || n < 4*512*2048 || n > 3*4*512*2048 {
		t.Errorf("Memory is %d (%v), want about 2·4·512·2048", n, err)
	}
	if used := be.pool.mem; used != nil {
		t.Errorf("Memory has taken %d values", len(used))
	}
	if _, err := be.Compile(f, be.NewState(), backend.Options{}); err != nil {
		t.Fatal(err)
	}
	if got := 4 * int64(len(be.pool.mem)); got > n || got < n/2 {
		t.Errorf("Compile has taken %d bytes, Memory says %d", got, n)
	}
	for what, f := range map[string]*graph.Func{
		"states":              product(1, 8, 6000),
		"operands":            product(1<<14, 1024, 1),
		"intermediate values": product(1<<14, 1, 1500),
	} {
		var over *memory.Error
		if _, err := be.Compile(f, be.NewState(), backend.Options{}); !errors.As(err, &over) {
			t.Errorf("too large %s: %v", what, err)
		}
	}
	memory.SetLimit(0)
	s := be.NewState()
	if err := s.Set("a", tensor.New(tensor.Float32, 6<<20)); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	memory.SetLimit(memory.InUse() + 8<<20)
	var over *memory.Error
	if _, err := s.Get("a"); !errors.As(err, &over) {
		t.Errorf("a copy of 24 MiB in 8: %v", err)
	}
}
