package eval

import (
	"context"
	"math"
	"reflect"
	"testing"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/rng"
)

// TestNeighbourSearch checks that the blocked search gives what a loop over all pairs gives:
// the same neighbours and the same counts, also far from the origin, where products in
// float32 say little, and where points coincide. The pool is longer than a block.
func TestNeighbourSearch(t *testing.T) {
	const dims, n, pool = 6, 700, 5000
	be := cpu.New(2)
	defer be.Close()
	for name, tt := range map[string]struct{ offset, spread float32 }{
		"near the origin": {0, 1},
		"far from it":     {1000, 1},
		"almost one":      {0, 1e-4},
		"coincident":      {3, 0},
	} {
		a, b := make([]float32, n*dims), make([]float32, pool*dims)
		rng.New(1).Normal(a)
		rng.New(2).Normal(b)
		for _, x := range [][]float32{a, b} {
			for i := range x {
				x[i] = tt.offset + tt.spread*x[i]
			}
		}
		copy(b[17*dims:], a[5*dims:6*dims]) // a copy, and once more
		copy(b[4999*dims:], a[5*dims:6*dims])
		if name == "almost one" {
			for i := range dims {
				b[i] = 1e3 // an outlier, whose length makes for slack
			}
		}
		ended := false
		r, err := newNeighbourSearch(be, dims, func(done, total int) { ended = done == total })
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range []int{1, 5} {
			want, err := latent.Neighbours(context.Background(), a, b, dims, k, latent.Euclidean, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.nearest(context.Background(), a, pointsOf(b, dims), k, false)
			if err != nil || !ended || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: the %d nearest are others than by a loop; %v", name, k, err)
			}
		}
		want, err := latent.Neighbours(context.Background(), b[:n*dims], b[:n*dims], dims, 3, latent.Euclidean, func(i int) int { return i })
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.nearest(context.Background(), b[:n*dims], pointsOf(b[:n*dims], dims), 3, true)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the neighbours among themselves are others than by a loop; %v", name, err)
		}

		radii, counts := make([]float64, pool), make([]int, n)
		for j := range radii {
			radii[j] = latent.Euclidean(a[j%n*dims:(j%n+1)*dims], b[j*dims:(j+1)*dims]) // of which one is met to the bit
		}
		for i := range n {
			for j, d := range radii {
				if latent.Euclidean(a[i*dims:(i+1)*dims], b[j*dims:(j+1)*dims]) <= d {
					counts[i]++
				}
			}
		}
		within, err := r.within(context.Background(), a, pointsOf(b, dims), radii)
		if err != nil || !reflect.DeepEqual(within, counts) {
			t.Errorf("%s: other counts than by a loop; %v", name, err)
		}
	}
}

// TestProductsAreNotEnough checks a case in which products alone would be wrong, so the search
// has to measure in float64.
func TestProductsAreNotEnough(t *testing.T) {
	be := cpu.New(1)
	defer be.Close()
	r, err := newNeighbourSearch(be, 2, func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	query := []float32{4096, 4096, -4096, -4096} // their mean is 0
	pool := []float32{4096.5, 4096, 4096, 4096.25}
	var off float64
	err = r.eachBlock(context.Background(), query, pointsOf(pool, 2), func(i int, s distanceBlock) {
		for j, v := range s.squares {
			d := s.exact(j)
			off = max(off, math.Abs(float64(v)-d*d))
			if !(math.Abs(float64(v)-d*d) <= float64(s.slack)) {
				t.Errorf("query %d, point %d: the square is %v, %v to within %v", i, j, d*d, v, s.slack)
			}
		}
	})
	if err != nil || off < 1e-3 {
		t.Errorf("the products are off by %v at most, %v", off, err)
	}
	near, err := r.nearest(context.Background(), query[:2], pointsOf(pool, 2), 2, false)
	if err != nil || near[0][0].Index != 1 || near[0][0].Distance != 0.25 || near[0][1].Distance != 0.5 {
		t.Errorf("the neighbours are %v, %v", near, err)
	}
}
