package batch

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/catalog"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train"
)

func newRunner(t testing.TB) *exec.Runner {
	t.Helper()
	be := cpu.New(1)
	t.Cleanup(func() { be.Close() })
	return exec.New(be, nil)
}

// scaled builds y = weight·factor(batch, row)·x of x (batch, 2).
func scaled(factor func(batch, row int) float32) func(batch int) (*graph.Func, error) {
	return func(batch int) (*graph.Func, error) {
		x, w := graph.Input("x", tensor.Float32, batch, 2), graph.Input("weight", tensor.Float32, batch)
		factors := make([]float32, batch)
		for i := range factors {
			factors[i] = factor(batch, i)
		}
		by := graph.BroadcastTo(graph.Reshape(graph.Mul(w, graph.ConstOf(factors, batch)), batch, 1), batch, 2)
		return graph.NewFunc("scaled", []*graph.Node{x, w}, []graph.Output{{Name: "y", Value: graph.Mul(x, by)}}, nil)
	}
}

func by(f float32) func(int, int) float32 { return func(int, int) float32 { return f } }

// numbers returns n rows of two values that are those of no other caller.
func numbers(caller, n int) []float32 {
	x := make([]float32, 2*n)
	for i := range x {
		x[i] = float32(1000*caller + i)
	}
	return x
}

// A recorder keeps what a Queue tells of its batches.
type recorder struct {
	mu          sync.Mutex
	rows, sizes []int
}

func (r *recorder) observe(rows, size int, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows, r.sizes = append(r.rows, rows), append(r.sizes, size)
}

func TestRun(t *testing.T) {
	for _, alone := range []bool{false, true} {
		var seen recorder
		q, err := New(newRunner(t), scaled(by(2)), Options{Most: 9, Alone: alone, Observe: seen.observe})
		if err != nil {
			t.Fatal(err)
		}
		if q.Most() != 8 || q.Width("x") != 2 || q.Width("y") != 2 || q.Width("weight") != 0 || q.Bytes() <= 0 {
			t.Errorf("most %d, widths %d %d, %d bytes", q.Most(), q.Width("x"), q.Width("y"), q.Bytes())
		}
		var wg sync.WaitGroup
		for k := range 40 {
			wg.Go(func() {
				for n := range 20 {
					in := numbers(k, n)
					out, err := q.Run(t.Context(), n, Rows{"x": in})
					if err != nil {
						t.Error(err)
						return
					}
					for i, v := range out["y"] {
						if v != 2*in[i] {
							t.Errorf("caller %d, %d rows: value %d is %v, want %v", k, n, i, v, 2*in[i])
							return
						}
					}
					if len(out["y"]) != 2*n {
						t.Errorf("%d rows gave %d values", n, len(out["y"]))
					}
				}
			})
		}
		wg.Wait()
		sum := 0
		for i, n := range seen.rows {
			sum += n
			if size := seen.sizes[i]; size < n || size > 1 && size/2 >= n {
				t.Errorf("%d rows were run by a program of %d", n, size)
			}
		}
		if want := 40 * 190; sum != want || q.Waiting() != 0 {
			t.Errorf("%d rows were run, want %d; %d wait", sum, want, q.Waiting())
		}
	}
}

// TestCompany checks that callers who come while a batch runs go together, that many rows of one do
// not keep the others waiting, and that more than may wait are refused.
func TestCompany(t *testing.T) {
	var seen recorder
	block, entered := make(chan struct{}), make(chan struct{}, 1)
	var once sync.Once
	q, err := New(newRunner(t), scaled(by(2)), Options{Most: 8, Waiting: 20, Observe: func(rows, size int, took time.Duration) {
		seen.observe(rows, size, took)
		once.Do(func() { entered <- struct{}{}; <-block })
	}})
	if err != nil {
		t.Fatal(err)
	}
	q.fixed = true
	var wg sync.WaitGroup
	run := func(n int) {
		wg.Go(func() {
			if _, err := q.Run(t.Context(), n, Rows{"x": numbers(0, n)}); err != nil {
				t.Error(err)
			}
		})
	}
	run(1)
	<-entered
	run(12)
	for q.Waiting() != 12 {
		time.Sleep(time.Millisecond)
	}
	for range 3 {
		run(1)
	}
	for q.Waiting() != 15 {
		time.Sleep(time.Millisecond)
	}
	if _, err := q.Run(t.Context(), 6, Rows{"x": numbers(0, 6)}); !errors.Is(err, ErrFull) {
		t.Errorf("21 rows that wait: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	wg.Go(func() {
		if _, err := q.Run(ctx, 5, Rows{"x": numbers(0, 5)}); err != gone {
			t.Errorf("a caller who left: %v", err)
		}
	})
	for q.Waiting() != 20 {
		time.Sleep(time.Millisecond)
	}
	cancel(gone)
	for q.Waiting() != 15 {
		time.Sleep(time.Millisecond)
	}
	close(block)
	wg.Wait()
	if want := []int{1, 8, 7}; !slices.Equal(seen.rows, want) {
		t.Errorf("batches of %v rows, want %v: 8 of 12, then the three others and the rest", seen.rows, want)
	}
}

// TestCancelled checks that callers who leave at any moment stop nobody else.
func TestCancelled(t *testing.T) {
	q, err := New(newRunner(t), scaled(by(2)), Options{Most: 4})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var left atomic.Int64
	for k := range 30 {
		wg.Go(func() {
			for i := range 100 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(k*i%50)*time.Microsecond)
				n := 1 + (k+i)%9
				in := numbers(k, n)
				out, err := q.Run(ctx, n, Rows{"x": in})
				cancel()
				switch {
				case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
					left.Add(1)
				case err != nil || out["y"][2*n-1] != 2*in[2*n-1]:
					t.Errorf("%v, %v", out, err)
				}
			}
		})
	}
	wg.Wait()
	if q.Waiting() != 0 || left.Load() == 0 {
		t.Errorf("%d rows wait; %d callers left", q.Waiting(), left.Load())
	}
	if _, err := q.Run(t.Context(), 1, Rows{"x": numbers(0, 1)}); err != nil {
		t.Error(err)
	}
}

// TestSizes checks that only programs are used that give the same bits.
func TestSizes(t *testing.T) {
	next := math.Nextafter32(2, 3)
	for what, c := range map[string]struct {
		factor func(batch, row int) float32
		sizes  []int // by which the first of 1, 2, … 8 rows are run
	}{
		"all": {by(2), []int{1, 2, 4, 4, 4, 4, 8, 8}},
		"small ones differ": {func(batch, _ int) float32 {
			if batch < 4 {
				return next
			}
			return 2
		}, []int{4, 4, 4, 4, 4, 4, 8, 8}},
		"one between differs": {func(batch, _ int) float32 {
			if batch == 4 {
				return next
			}
			return 2
		}, []int{1, 2, 8, 8, 8, 8, 8, 8}},
		"the last place differs": {func(batch, row int) float32 {
			if row == 7 {
				return next
			}
			return 2
		}, []int{1, 1, 1, 1, 1, 1, 1, 1}},
	} {
		var seen recorder
		q, err := New(newRunner(t), scaled(c.factor), Options{Most: 8, Observe: seen.observe})
		if err != nil {
			t.Fatal(err)
		}
		q.fixed = true
		for n := 1; n <= 8; n++ {
			seen.sizes = nil
			out, err := q.Run(t.Context(), n, Rows{"x": numbers(0, n)})
			if err != nil {
				t.Fatal(err)
			}
			if seen.sizes[0] != c.sizes[n-1] {
				t.Errorf("%s: %d rows by a program of %d, want %d", what, n, seen.sizes[0], c.sizes[n-1])
			}
			for i, v := range out["y"] {
				if want := 2 * float32(i); v != want {
					t.Errorf("%s: %d rows: value %d is %v, want %v", what, n, i, v, want)
				}
			}
		}
	}
}

func TestErrors(t *testing.T) {
	q, err := New(newRunner(t), scaled(by(2)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Run(t.Context(), 2, Rows{"x": numbers(0, 1)}); err == nil || !strings.Contains(err.Error(), "input x is given 2 values for 2 rows, want 4") {
		t.Error(err)
	}
	for want, build := range map[string]func(int) (*graph.Func, error){
		"want float32 and a row for each of 64": func(batch int) (*graph.Func, error) {
			x := graph.Input("x", tensor.Float32, batch)
			return graph.NewFunc("total", []*graph.Node{x}, []graph.Output{{Name: "sum", Value: graph.Sum(x)}}, nil)
		},
		"no such model": func(int) (*graph.Func, error) { return nil, errors.New("no such model") },
	} {
		if _, err := New(newRunner(t), build, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestModels checks, for models that imago brings along, that a row has the same bits whatever its company.
func TestModels(t *testing.T) {
	var models model.Registry
	catalog.Models(&models)
	catalog.Zoo()
	for _, name := range []string{"zoo:cnn-vae", "zoo:cvae", "zoo:face-vae"} {
		be := cpu.New(1)
		trained, err := train.OpenModel(name, &models, be)
		if err != nil {
			t.Fatal(err)
		}
		for what, f := range map[string]model.Function{"decode": trained.Model().Decode, "encode": trained.Model().Encode, "reconstruct": trained.Model().Reconstruct} {
			var seen recorder
			q, err := New(trained.Runner(), f, Options{Observe: seen.observe})
			if err != nil {
				t.Fatal(err)
			}
			const n = 100
			in := Rows{}
			for _, s := range q.wants {
				in[s.Name] = make([]float32, n*width(s))
				rng.New(5).Split(s.Name).Uniform(in[s.Name])
			}
			all, err := q.Run(t.Context(), n, in)
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for k := range 8 {
				wg.Go(func() {
					for from := k; from < n; from += 1 + k {
						rows := min(1+(from*k)%7, n-from)
						part := Rows{}
						for _, s := range q.wants {
							part[s.Name] = in[s.Name][from*width(s) : (from+rows)*width(s)]
						}
						out, err := q.Run(t.Context(), rows, part)
						if err != nil {
							t.Error(err)
							return
						}
						for _, s := range q.outputs {
							if !slices.Equal(out[s.Name], all[s.Name][from*width(s):(from+rows)*width(s)]) {
								t.Errorf("%s %s: %d rows from %d on differ in %s", name, what, rows, from, s.Name)
							}
						}
					}
				})
			}
			wg.Wait()
			slices.Sort(seen.sizes)
			t.Logf("%s %s: programs of %v", name, what, slices.Compact(seen.sizes))
		}
		be.Close()
	}
}
