package exec

import (
	"context"
	"errors"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/memory"
)

func newRunner(t *testing.T) *Runner {
	t.Helper()
	be := cpu.New(2)
	t.Cleanup(func() { be.Close() })
	r := New(be, nil)
	w, err := tensor.FromSlice([]float32{2}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Set("w", w); err != nil {
		t.Fatal(err)
	}
	return r
}

// scaled builds y = w·x, and the weighted sum of the batch, of x (batch, 2).
func scaled(batch int) (*graph.Func, error) {
	x, weight := graph.Input("x", tensor.Float32, batch, 2), graph.Input("weight", tensor.Float32, batch)
	y := graph.Mul(x, graph.BroadcastTo(graph.State("w", 1), batch, 2))
	y = graph.Mul(y, graph.BroadcastTo(graph.Reshape(weight, batch, 1), batch, 2))
	return graph.NewFunc("scaled", []*graph.Node{x, weight}, []graph.Output{{Name: "y", Value: y}}, nil)
}

func numbers(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i + 1)
	}
	return x
}

// put feeds rows of x with weight 1.
func put(x []float32) Feeder {
	return func(c *Call, at, n int) error {
		return errors.Join(c.Put("x", x[2*at:2*(at+n)]), c.Put("weight", slices.Repeat([]float32{1}, n)))
	}
}

// TestRows checks that the result does not depend on the batch size, and that each size is built
// once.
func TestRows(t *testing.T) {
	r := newRunner(t)
	built := map[int]int{}
	f := r.Func(func(batch int) (*graph.Func, error) {
		built[batch]++
		return scaled(batch)
	})
	for range 2 {
		for _, batch := range []int{1, 3, 4, 100} {
			for _, rows := range []int{0, 1, 7, 8} {
				x := numbers(2 * rows)
				out, err := f.Rows(context.Background(), rows, batch, put(x))
				if err != nil {
					t.Fatal(err)
				}
				for i, v := range out["y"] {
					if v != 2*x[i] {
						t.Fatalf("%d rows by %d: %v", rows, batch, out["y"])
					}
				}
				if len(out["y"]) != len(x) {
					t.Errorf("%d rows by %d gave %d values", rows, batch, len(out["y"]))
				}
			}
		}
	}
	if want := map[int]int{1: 1, 3: 1, 4: 1, 100: 1}; !maps.Equal(built, want) {
		t.Errorf("built %v, want each size once", built)
	}
}

// TestFittedRows checks that the rows that do not fill a batch are run in a small one, that no more
// sizes are built than there are powers of two, and that the results are those of each row.
func TestFittedRows(t *testing.T) {
	built := map[int]int{}
	f := newRunner(t).Func(func(batch int) (*graph.Func, error) {
		built[batch]++
		return scaled(batch)
	})
	for rows := range 50 {
		x := numbers(2 * rows)
		out, err := f.FittedRows(context.Background(), rows, 12, put(x))
		if err != nil {
			t.Fatal(err)
		}
		if len(out["y"]) != len(x) {
			t.Fatalf("%d rows gave %d values", rows, len(out["y"]))
		}
		for i, v := range out["y"] {
			if v != 2*x[i] {
				t.Fatalf("%d rows: %v", rows, out["y"])
			}
		}
		if rows == 3 && !maps.Equal(built, map[int]int{1: 1, 2: 1, 4: 1}) {
			t.Errorf("up to 3 rows built %v", built)
		}
	}
	if want := map[int]int{1: 1, 2: 1, 4: 1, 8: 1, 12: 1}; !maps.Equal(built, want) {
		t.Errorf("built %v, want %v", built, want)
	}
}

// TestShortBatch checks that operands of a short batch are 0 beyond its rows, also after a full
// batch.
func TestShortBatch(t *testing.T) {
	f := newRunner(t).Func(scaled)
	var left []float32
	keep := func(c *Call, at, n int) error {
		left = slices.Clone(c.Input("x").F32())
		return nil
	}
	x := numbers(10)
	fill := func(c *Call, at, n int) error {
		copy(c.Input("x").F32(), x[2*at:2*(at+n)])
		return nil
	}
	if err := f.Each(context.Background(), 5, 3, fill, keep); err != nil || !slices.Equal(left, []float32{7, 8, 9, 10, 0, 0}) {
		t.Errorf("the last batch is %v, %v", left, err)
	}
}

// TestConcurrent shares a function of several batch sizes between goroutines, beside a step that
// changes the state it reads and a reader of the state. Run with -race.
func TestConcurrent(t *testing.T) {
	r := newRunner(t)
	f := r.Func(scaled)
	w := graph.State("w", 1)
	g, err := graph.NewFunc("double", nil, []graph.Output{{Name: "w", Value: graph.Sum(w)}}, []graph.Update{{State: w, Value: graph.Scale(w, 2)}})
	if err != nil {
		t.Fatal(err)
	}
	double, err := r.Compile(g)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for k := range 6 {
		wg.Go(func() {
			x := slices.Repeat([]float32{float32(k + 1)}, 2*20)
			for range 20 {
				err := f.Each(context.Background(), 20, 4+k%2, put(x), func(c *Call, at, n int) error {
					// One batch is computed with one value of w: all of its values are equal.
					y := c.Output("y").F32()[:2*n]
					if slices.Min(y) != slices.Max(y) {
						t.Errorf("goroutine %d: %v", k, y)
					}
					if w := float64(y[0]) / float64(k+1); w < 2 || math.Exp2(math.Round(math.Log2(w))) != w {
						t.Errorf("goroutine %d: w = %v is no power of 2", k, w)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		c := double.NewCall()
		for range 20 {
			if err := c.Run(); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Go(func() {
		for range 20 {
			if _, err := r.Get("w"); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	if w, err := r.Get("w"); err != nil || w.F32()[0] != 1<<21 {
		t.Errorf("w = %v after 20 doublings of 2, %v", w.F32(), err)
	}
}

func TestRun(t *testing.T) {
	r := newRunner(t)
	f := r.Func(scaled)
	x, _ := tensor.FromSlice(numbers(4), 2, 2)
	ones, _ := tensor.FromSlice([]float32{1, 1}, 2)
	ctx := context.Background()
	out, err := f.Run(ctx, 2, Inputs{"x": x, "weight": ones, "key": tensor.New(tensor.Int32, 4)})
	if err != nil || !slices.Equal(out["y"].F32(), []float32{2, 4, 6, 8}) {
		t.Errorf("%v, %v", out, err)
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := f.Run(stopped, 2, Inputs{"x": x, "weight": ones}); !errors.Is(err, context.Canceled) {
		t.Errorf("a run that was cancelled: %v", err)
	}
	if _, err := f.Rows(stopped, 2, 2, put(numbers(4))); !errors.Is(err, context.Canceled) {
		t.Errorf("rows that were cancelled: %v", err)
	}
}

// TestErrors checks that an error names the function and the operand.
func TestErrors(t *testing.T) {
	r := newRunner(t)
	f := r.Func(scaled)
	ctx := context.Background()
	p, err := f.Program(2)
	if err != nil {
		t.Fatal(err)
	}
	c := p.NewCall()
	x := tensor.New(tensor.Float32, 2, 2)
	sum := r.Func(func(batch int) (*graph.Func, error) {
		x := graph.Input("x", tensor.Float32, batch)
		return graph.NewFunc("total", []*graph.Node{x}, []graph.Output{{Name: "sum", Value: graph.Sum(x)}}, nil)
	})
	other := r.Func(func(batch int) (*graph.Func, error) {
		return graph.NewFunc("other", nil, []graph.Output{{Name: "w", Value: graph.State("w", batch)}}, nil)
	})
	shapes := func(shape ...int) func(yield func(string, tensor.Shape) bool) {
		return maps.All(map[string]tensor.Shape{"v": shape})
	}
	for want, act := range map[string]func() error{
		"scaled: input weight f32[2] is given no tensor": func() error {
			_, err := f.Run(ctx, 2, Inputs{"x": x})
			return err
		},
		"scaled: input x f32[3,2] is given f32[2,2]": func() error {
			_, err := f.Run(ctx, 3, Inputs{"x": x})
			return err
		},
		"scaled: input x f32[2,2] is bound to f32[3]":         func() error { return c.Bind("x", tensor.New(tensor.Float32, 3)) },
		"scaled: input x f32[2,2] is bound to no tensor":      func() error { return c.Bind("x", nil) },
		"scaled: input x f32[2,2] is given 5 float32 values":  func() error { return c.Put("x", make([]float32, 5)) },
		"scaled: input weight f32[2] is given a random key":   func() error { return c.PutKey("weight", rng.New(1)) },
		"total: output sum f32[]: want float32 and a row for": func() error { _, err := sum.Rows(ctx, 3, 2, put(nil)); return err },
		"a batch of 0: want 1 or more":                        func() error { _, err := f.Program(0); return err },
		`cpu: compile other: state "w"`:                       func() error { _, err := other.Program(3); return err },
		"the values lack v [2]":                               func() error { return r.Restore(shapes(2), nil) },
		"v is f32[2,2], want f32[2]": func() error {
			return r.Restore(shapes(2), map[string]*tensor.Tensor{"v": x})
		},
	} {
		if err := act(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for _, err := range []error{c.Bind("stranger", nil), c.Put("stranger", numbers(9)), c.PutKey("stranger", rng.New(1))} {
		if err != nil {
			t.Errorf("an operand that the function does not take: %v", err)
		}
	}
	if c.Input("stranger") != nil || c.Output("stranger") != nil || p.Takes("stranger") || !p.Takes("x") {
		t.Error("operands by a name that the function does not have")
	}
	if slices.Contains(r.Names(), "v") {
		t.Error("a restoration that failed has set an array")
	}
}

func TestState(t *testing.T) {
	r := newRunner(t)
	v, _ := tensor.FromSlice(numbers(2), 2)
	want := map[string]tensor.Shape{"v": {2}, "w": {1}}
	w, _ := tensor.FromSlice([]float32{9}, 1)
	if err := r.Restore(maps.All(want), map[string]*tensor.Tensor{"v": v, "w": w, "unused": v}); err != nil {
		t.Fatal(err)
	}
	s := New(r.Backend(), nil)
	if err := s.Copy(r, []string{"w", "v"}); err != nil || !slices.Equal(s.Names(), []string{"w", "v"}) {
		t.Fatalf("copied %v, %v", s.Names(), err)
	}
	if got, err := s.Get("w"); err != nil || got.F32()[0] != 9 {
		t.Errorf("w = %v, %v", got, err)
	}
	if err := s.Copy(r, []string{"stranger"}); err == nil {
		t.Error("an array that is not there was copied")
	}
	if err := s.SetAll(maps.All(map[string]*tensor.Tensor{"v": w})); err == nil || !strings.Contains(err.Error(), "v") {
		t.Errorf("an array of another shape: %v", err)
	}
}

func TestFirstNonFinite(t *testing.T) {
	r := newRunner(t)
	x, w := graph.Input("x", tensor.Float32, 2), graph.State("w", 1)
	g, err := graph.NewFunc("log", []*graph.Node{x}, []graph.Output{{Name: "y", Value: graph.Log(x)}}, []graph.Update{{State: w, Value: graph.Scale(w, 2)}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Compile(g)
	if err != nil {
		t.Fatal(err)
	}
	c := p.NewCall()
	copy(c.Input("x").F32(), []float32{1, 2})
	if err := c.FirstNonFinite(); err != nil {
		t.Errorf("of finite values: %v", err)
	}
	copy(c.Input("x").F32(), []float32{1, -2})
	var bad *backend.NonFiniteError
	if err := c.FirstNonFinite(); !errors.As(err, &bad) || bad.Func != "log" || bad.At != 1 {
		t.Errorf("of the logarithm of −2: %v", err)
	}
	if w, err := r.Get("w"); err != nil || w.F32()[0] != 2 {
		t.Errorf("the search has changed the state to %v, %v", w.F32(), err)
	}
	if pr, ok := p.Profiler(); !ok || len(pr.Kernels()) == 0 {
		t.Error("the cpu measures no kernels")
	}
}

// TestRowsWithinBudget checks that the results of more rows than there is memory for are refused before a row is run.
func TestRowsWithinBudget(t *testing.T) {
	f := newRunner(t).Func(scaled)
	runtime.GC()
	memory.SetLimit(memory.InUse() + 32<<20)
	defer memory.SetLimit(0)
	var over *memory.Error
	_, err := f.Rows(t.Context(), 16<<20, 64, func(*Call, int, int) error { return errors.New("a row is run") })
	if !errors.As(err, &over) || !strings.Contains(err.Error(), "the y of scaled for 16777216 rows takes 134 MB") {
		t.Error(err)
	}
}
