package cpu

import (
	"fmt"
	"math"
	"testing"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/cpuid"
)

// The matrix product of an input, which skips zeros, has the same bits as that of a state, which does not, for any number of
// zeros and after any earlier runs.
func TestSparseProduct(t *testing.T) {
	const k, n = 45, minSparseColumns + 5
	cpuid.EachImpl(t, "cpu", func(t *testing.T) {
		for _, m := range []int{1, 7, 32, unpackedRows + 5} { // for the last, the right operand is packed
			for _, transA := range []bool{false, true} {
				t.Run(fmt.Sprint(m, transA), func(t *testing.T) {
					shape := []int{m, k}
					if transA {
						shape = []int{k, m}
					}
					x, s, w := graph.Input("x", tensor.Float32, shape...), graph.State("s", shape...), graph.State("w", k, n)
					f, err := graph.NewFunc("products", []*graph.Node{x}, []graph.Output{
						{Name: "of an input", Value: graph.MatMulT(x, w, transA, false)}, {Name: "of a state", Value: graph.MatMulT(s, w, transA, false)}}, nil)
					if err != nil {
						t.Fatal(err)
					}
					b := newTest(t, 2)
					st := b.NewState()
					p, err := b.Compile(f, st, backend.Options{})
					if err != nil {
						t.Fatal(err)
					}
					key := rng.New(uint64(m))
					weights := tensor.New(tensor.Float32, k, n)
					key.Split("w").Normal(weights.F32())
					if err := st.Set("w", weights); err != nil {
						t.Fatal(err)
					}
					in, out := p.Inputs()[0].New(), []*tensor.Tensor{p.Outputs()[0].New(), p.Outputs()[1].New()}
					for round, share := range []float64{0.8, 0, 1, 0.97, 0, 0.5, 0.99} {
						values := in.F32()
						key.Split("x").At(uint64(round)).Normal(values)
						for i := range values {
							if u := key.Split("zero").At(uint64(round)).At(uint64(i)).Float64(); u < share {
								values[i] = float32(math.Copysign(0, u-share/2)) // also −0
							}
						}
						if err := st.Set("s", in); err != nil {
							t.Fatal(err)
						}
						if err := p.Run([]*tensor.Tensor{in}, out); err != nil {
							t.Fatal(err)
						}
						for i, v := range out[0].F32() {
							if want := out[1].F32()[i]; v != want || math.Signbit(float64(v)) != math.Signbit(float64(want)) {
								t.Fatalf("%v zeros: element %d is %v, want %v", share, i, v, want)
							}
						}
					}
				})
			}
		}
	})
}

// listNonzeros returns the columns of a tile in which a row is not 0. After dense tasks, the next tasks do not search.
func TestListNonzeros(t *testing.T) {
	const rows, k = 8, 20
	a := &buffer{size: rows * k, data: newAligned(rows * k)}
	z := &zeroSkipper{a: a, lda: k, k: k, ldb: 3}
	a.data[2*k+4], a.data[5*k+4], a.data[1*k+19], a.data[6*k+7] = 1, 2, 3, 4
	scratch := newAligned(z.scratch())
	for _, c := range []struct {
		i, mr int
		want  string
	}{{0, 6, "[12 57]"}, {0, 2, "[57]"}, {3, 4, "[12 21]"}, {7, 1, "[]"}} {
		if _, from := z.listNonzeros(scratch, c.i, c.mr); fmt.Sprint(from) != c.want {
			t.Errorf("rows %d to %d: offsets %v, want %s", c.i, c.i+c.mr-1, from, c.want)
		}
	}
	z = &zeroSkipper{a: a, transA: true, lda: k, k: rows, ldb: 3}
	tile, from := z.listNonzeros(scratch, 4, 6) // columns 4 to 9
	if fmt.Sprint(from) != "[6 15 18]" || *tile != 1 || scratch[tileRows] != 2 || scratch[2*tileRows+3] != 4 {
		t.Errorf("columns 4 to 9: offsets %v, tile %v", from, scratch[:3*tileRows])
	}
	if z.skipsSearch() {
		t.Error("the first task does not search")
	}
	z.skipTasks.Store(2)
	for i, want := range []bool{true, true, false} {
		if got := z.skipsSearch(); got != want {
			t.Errorf("task %d skips the search: %v, want two tasks to do so", i, got)
		}
	}
}
