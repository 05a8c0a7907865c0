package probe

import "math"

// assign solves the assignment problem by the Hungarian algorithm with potentials (Kuhn
// 1955, Munkres 1957; O(r²·c) for r ≤ c): it assigns each row a different column, or
// each column a different row if there are fewer columns, so that the sum of costs is
// least. It returns the column of each row, −1 for a row without one. Rows have equal
// length; costs are finite.
func assign(cost [][]float64) []int {
	r := len(cost)
	if r == 0 {
		return nil
	}
	c := len(cost[0])
	if r <= c {
		return assignRows(r, c, func(i, j int) float64 { return cost[i][j] })
	}
	columnOf := make([]int, r)
	for i := range columnOf {
		columnOf[i] = -1
	}
	for j, i := range assignRows(c, r, func(j, i int) float64 { return cost[i][j] }) {
		columnOf[i] = j
	}
	return columnOf
}

// assignRows returns the assignment for r ≤ c. Rows and columns count from 1; 0 means
// none. The potential of a row plus that of a column is at most their cost, and equal
// to it where they are matched.
func assignRows(r, c int, cost func(i, j int) float64) []int {
	rowPotential, colPotential := make([]float64, r+1), make([]float64, c+1)
	rowOf, before := make([]int, c+1), make([]int, c+1)
	for i := 1; i <= r; i++ {
		// The shortest path of alternating edges from row i to a free column (Dijkstra on reduced costs).
		rowOf[0] = i
		least, done := make([]float64, c+1), make([]bool, c+1)
		for j := range least {
			least[j] = math.Inf(1)
		}
		j := 0
		for rowOf[j] != 0 {
			done[j] = true
			at, next, step := rowOf[j], 0, math.Inf(1)
			for k := 1; k <= c; k++ {
				if done[k] {
					continue
				}
				if v := cost(at-1, k-1) - rowPotential[at] - colPotential[k]; v < least[k] {
					least[k], before[k] = v, j
				}
				if least[k] < step {
					next, step = k, least[k]
				}
			}
			for k := range done {
				if done[k] {
					rowPotential[rowOf[k]] += step
					colPotential[k] -= step
				} else {
					least[k] -= step
				}
			}
			j = next
		}
		for j != 0 {
			rowOf[j] = rowOf[before[j]]
			j = before[j]
		}
	}
	columnOf := make([]int, r)
	for j, i := range rowOf[1:] {
		if i > 0 {
			columnOf[i-1] = j
		}
	}
	return columnOf
}
