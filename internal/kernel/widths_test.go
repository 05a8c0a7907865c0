package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/imago-ml/imago/internal/cpuid"
)

// Vectors of 8 and of 16 lanes give the same bits, so that a run can go on on another processor: for every 509th float32, and
// for the formulas of optimisers.
func TestWidthsEqual(t *testing.T) {
	var x []float32
	for bits := uint64(0); bits < 1<<32; bits += 509 {
		x = append(x, math.Float32frombits(uint32(bits)))
	}
	r := rand.New(rand.NewPCG(5, 6))
	random := make([][]float32, 3)
	for i := range random {
		for range 1 << 12 {
			random[i] = append(random[i], r.Float32())
		}
	}
	first := map[string][]float32{}
	cpuid.EachImpl(t, "kernel", func(t *testing.T) {
		if strings.HasSuffix(t.Name(), "generic") {
			return // rounds products and sums
		}
		results := map[string][]float32{}
		for _, f := range mathTests {
			results[f.name] = make([]float32, len(x))
			f.f(results[f.name], x)
		}
		for name, f := range map[string]func(dst []float32){
			"EMA":       func(dst []float32) { EMA(dst, random[0], random[1], 0.9, 0.1) },
			"EMASquare": func(dst []float32) { EMASquare(dst, random[0], random[1], 0.9, 0.1) },
			"AdamStep":  func(dst []float32) { AdamStep(dst, random[0], random[1], random[2], 1e-3, 0.5, 1e-8) },
			"MulAdd":    func(dst []float32) { MulAdd(dst, random[0], random[1], random[2]) },
		} {
			results[name] = make([]float32, len(random[0]))
			f(results[name])
		}
		for mr := 1; mr <= MaxRows; mr++ {
			for k := range 70 {
				offs := []int32{0, 99, 7, 250, 31, 500, 3, 4, 5, 6, 7, 8}
				c := make([]float32, MaxRows)
				Dot(mr, &DotArgs{Base: &random[0][0], Offs: &offs[0], W: &random[1][0], C: &c[0], COffs: &[]int32{0, 1, 2, 3, 4, 5}[0], Taps: 2, K: k})
				results[fmt.Sprint("Dot ", mr, k)] = c
			}
		}
		for name, got := range results {
			want := first[name]
			if want == nil {
				first[name] = got
				continue
			}
			for i := range got {
				if !sameBits(got[i], want[i]) {
					t.Fatalf("%s: element %d is %v with the widest vectors, and %v here", name, i, want[i], got[i])
				}
			}
		}
	})
}
