package probe

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// A neighbour is a row of the training set and its distance.
type neighbour struct {
	row      int32
	distance float32 // squared, minus a constant of the query
}

// nearer orders neighbours by distance, and equal distances by row.
func nearer(a, b neighbour) int {
	return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.row, b.row))
}

// Nearest returns the k rows nearest to each query by Euclidean distance, the nearest
// first.
//
// x (N, D), queries (M, D) → (M, k), in [0, N). Distances are computed from float32
// products: two neighbours whose distances differ by rounding only may be exchanged.
func Nearest(ctx context.Context, x, queries []float32, d, k int) ([]int32, error) {
	n, err := rows("nearest neighbours", x, d)
	if err != nil {
		return nil, err
	}
	m, err := rows("nearest neighbours", queries, d)
	if err != nil {
		return nil, err
	}
	if k < 1 || k > n {
		return nil, fmt.Errorf("probe: nearest neighbours: %d of %d rows, want 1 to all of them", k, n)
	}
	half := make([]float32, n) // ½|x|², as ½|x − q|² = ½|x|² − x·q + ½|q|²
	for i := range half {
		row := x[i*d : (i+1)*d]
		half[i] = dot(row, row) / 2
	}
	const queryRows = 64
	products := blas32.General{Stride: blockRows, Data: make([]float32, queryRows*blockRows)}
	nearest := make([][]neighbour, queryRows)
	out := make([]int32, 0, m*k)
	for from := 0; from < m; from += queryRows {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		q := matrix(queries, from, min(queryRows, m-from), d)
		for i := range nearest {
			nearest[i] = nearest[i][:0]
		}
		for at := 0; at < n; at += blockRows {
			b := matrix(x, at, min(blockRows, n-at), d)
			products.Rows, products.Cols = q.Rows, b.Rows
			blas32.Gemm(blas.NoTrans, blas.Trans, 1, q, b, 0, products)
			for i := range q.Rows {
				nearest[i] = keep(nearest[i], k, at, half[at:at+b.Rows], products.Data[i*blockRows:])
			}
		}
		for _, near := range nearest[:q.Rows] {
			for _, one := range near {
				out = append(out, one.row)
			}
		}
	}
	return out, nil
}

// matrix returns n rows of x, beginning with row at.
func matrix(x []float32, at, n, d int) blas32.General {
	return blas32.General{Rows: n, Cols: d, Stride: d, Data: x[at*d : (at+n)*d]}
}

func dot(a, b []float32) (sum float32) {
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// keep merges the rows from at on into near, the k nearest so far, in order.
func keep(near []neighbour, k, at int, half, products []float32) []neighbour {
	for j, h := range half {
		new := neighbour{int32(at + j), h - products[j]}
		if len(near) == k {
			if nearer(new, near[k-1]) > 0 {
				continue
			}
			near = near[:k-1]
		}
		i, _ := slices.BinarySearchFunc(near, new, nearer)
		near = slices.Insert(near, i, new)
	}
	return near
}

// Majority returns the most frequent class among k neighbours; if several are equally
// frequent, that of the nearest neighbour.
//
// near (M, k) as returned by Nearest, y (N) the classes of the rows, 0 or more → (M).
func Majority(near []int32, k int, y []int32) ([]int32, error) {
	if k < 1 || len(near)%k != 0 {
		return nil, fmt.Errorf("probe: nearest neighbours: %d rows are not %d for each query", len(near), k)
	}
	classes := 0
	for _, l := range y {
		classes = max(classes, int(l)+1)
	}
	if err := labelled("nearest neighbours", y, len(y), classes); err != nil {
		return nil, err
	}
	votes := make([]int, classes)
	var out []int32
	for of := range slices.Chunk(near, k) {
		clear(votes)
		for _, row := range of {
			if row < 0 || int(row) >= len(y) {
				return nil, fmt.Errorf("probe: nearest neighbours: row %d of %d", row, len(y))
			}
			votes[y[row]]++
		}
		best := y[of[0]]
		for _, row := range of {
			if l := y[row]; votes[l] > votes[best] {
				best = l
			}
		}
		out = append(out, best)
	}
	return out, nil
}
