// Package probe measures what codes and scores reveal about labels: the accuracy of a
// linear classifier and of nearest neighbours on codes, how well a score ranks the
// positives first, how well clusters agree with classes.
//
// It computes with rows of numbers on the host, with long sums in float64. The same
// numbers give the same results for any order of goroutines. Use NewFeatures and
// Features.Logistic for a linear probe, Nearest and Majority for k nearest neighbours,
// AUROC and AUPRC for scores, ClusterAccuracy and NMI for clusters. It must not know
// any model, image or file.
package probe

import (
	"fmt"
	"math"
)

// N rows, D features, K classes, in every comment of this package.

// rows returns N for x (N, D). It fails if d does not divide len(x) or if a number is
// not finite.
func rows(what string, x []float32, d int) (int, error) {
	if d < 1 || len(x)%d != 0 {
		return 0, fmt.Errorf("probe: %s: %d values are not rows of %d features", what, len(x), d)
	}
	for i, v := range x {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return 0, fmt.Errorf("probe: %s: feature %d of row %d is %v, want finite numbers", what, i%d, i/d, v)
		}
	}
	return len(x) / d, nil
}

// labelled checks that y has n labels in [0, k).
func labelled(what string, y []int32, n, k int) error {
	if len(y) != n {
		return fmt.Errorf("probe: %s: %d labels for %d rows", what, len(y), n)
	}
	for i, l := range y {
		if l < 0 || int(l) >= k {
			return fmt.Errorf("probe: %s: label %d of row %d is outside [0, %d)", what, l, i, k)
		}
	}
	return nil
}

// Accuracy returns the share of rows where the two agree, in [0, 1]; NaN for no rows.
func Accuracy(predicted, labels []int32) float64 {
	hits := 0
	for i, p := range predicted {
		if p == labels[i] {
			hits++
		}
	}
	return float64(hits) / float64(len(predicted))
}

// Confusion counts pairs: element [a][b] is the number of rows with a in rows and b
// in cols, for a in [0, r) and b in [0, c).
func Confusion(rowOf, colOf []int32, r, c int) ([][]int, error) {
	if err := labelled("confusion", rowOf, len(colOf), r); err != nil {
		return nil, err
	}
	if err := labelled("confusion", colOf, len(rowOf), c); err != nil {
		return nil, err
	}
	table := make([][]int, r)
	for a := range table {
		table[a] = make([]int, c)
	}
	for i, a := range rowOf {
		table[a][colOf[i]]++
	}
	return table, nil
}
