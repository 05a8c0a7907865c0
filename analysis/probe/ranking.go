package probe

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// A level is the number of rows of one score, and how many of them are positive.
type level struct{ positive, all int }

// levels returns the levels of the scores, the highest first, and the number of
// positives.
func levels(what string, scores []float64, positive []bool) ([]level, int, error) {
	if len(scores) != len(positive) {
		return nil, 0, fmt.Errorf("probe: %s: %d scores for %d rows", what, len(scores), len(positive))
	}
	order := make([]int, len(scores))
	positives := 0
	for i, s := range scores {
		if math.IsNaN(s) {
			return nil, 0, fmt.Errorf("probe: %s: the score of row %d is NaN", what, i)
		}
		order[i] = i
		if positive[i] {
			positives++
		}
	}
	if positives == 0 || positives == len(scores) {
		return nil, 0, fmt.Errorf("probe: %s: %d of %d rows are positive, want some and not all", what, positives, len(scores))
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	var ls []level
	for j, i := range order {
		if j == 0 || scores[i] != scores[order[j-1]] {
			ls = append(ls, level{})
		}
		l := &ls[len(ls)-1]
		l.all++
		if positive[i] {
			l.positive++
		}
	}
	return ls, positives, nil
}

// AUROC returns the area under the curve of true positive rate against false positive
// rate, in [0, 1]: the probability that a positive scores higher than a negative, where
// a tie counts ½ (Mann & Whitney 1947).
func AUROC(scores []float64, positive []bool) (float64, error) {
	ls, positives, err := levels("AUROC", scores, positive)
	if err != nil {
		return 0, err
	}
	above, pairs := 0, 0.0 // positives above the level; pairs won
	for _, l := range ls {
		pairs += float64(l.all-l.positive) * (float64(above) + float64(l.positive)/2)
		above += l.positive
	}
	return pairs / float64(positives) / float64(len(scores)-positives), nil
}

// AUPRC returns the average precision, the area under the steps of precision over
// recall:
//
//	Σ (Rₙ − Rₙ₋₁)·Pₙ
//
// over the distinct scores as thresholds. For random scores it is the share of
// positives.
func AUPRC(scores []float64, positive []bool) (float64, error) {
	ls, positives, err := levels("AUPRC", scores, positive)
	if err != nil {
		return 0, err
	}
	area, hits, seen := 0.0, 0, 0
	for _, l := range ls {
		hits, seen = hits+l.positive, seen+l.all
		area += float64(l.positive) / float64(positives) * float64(hits) / float64(seen)
	}
	return area, nil
}
