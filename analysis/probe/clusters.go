package probe

import "math"

// OneClass reports whether all labels are equal, or there are none. An accuracy on such
// labels means nothing: a constant answer has 100 %.
func OneClass(labels []int32) bool {
	for _, l := range labels {
		if l != labels[0] {
			return false
		}
	}
	return true
}

// ClusterAccuracy returns the share of rows whose cluster is assigned to their class,
// under the best one-to-one assignment of clusters to classes (Yang et al. 2010;
// Hungarian algorithm). class[i] is the class of cluster i, −1 if there are more
// clusters than classes and it has none.
//
// clusters (N) in [0, c), labels (N) in [0, k).
func ClusterAccuracy(clusters, labels []int32, c, k int) (accuracy float64, class []int, err error) {
	table, err := Confusion(clusters, labels, c, k)
	if err != nil {
		return 0, nil, err
	}
	cost := make([][]float64, c)
	for a, row := range table {
		cost[a] = make([]float64, k)
		for b, n := range row {
			cost[a][b] = -float64(n)
		}
	}
	class = assign(cost)
	hits := 0
	for a, b := range class {
		if b >= 0 {
			hits += table[a][b]
		}
	}
	return float64(hits) / float64(len(labels)), class, nil
}

// NMI returns the normalised mutual information of two partitions of the same rows,
//
//	I(A; B) / ((H(A) + H(B))/2)
//
// in [0, 1]: 0 if they are independent, 1 if they are equal, and 1 if both have one
// part only.
//
// a (N) in [0, r), b (N) in [0, c).
func NMI(a, b []int32, r, c int) (float64, error) {
	table, err := Confusion(a, b, r, c)
	if err != nil {
		return 0, err
	}
	n := float64(len(a))
	rowSum, colSum := make([]float64, r), make([]float64, c)
	joint := 0.0
	entropy := func(count float64) float64 {
		if count == 0 {
			return 0
		}
		return -count / n * math.Log(count/n)
	}
	for i, row := range table {
		for j, count := range row {
			rowSum[i] += float64(count)
			colSum[j] += float64(count)
			joint += entropy(float64(count))
		}
	}
	ha, hb := 0.0, 0.0
	for _, count := range rowSum {
		ha += entropy(count)
	}
	for _, count := range colSum {
		hb += entropy(count)
	}
	if ha+hb == 0 {
		return 1, nil
	}
	return min(1, max(0, 2*(ha+hb-joint)/(ha+hb))), nil // I = H(A) + H(B) − H(A, B)
}
