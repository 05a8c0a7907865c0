package prob

import "github.com/imago-ml/imago/engine/graph"

// A Kernel returns the similarity of two points as a function of their squared distance d²: d2 of any shape → k of the
// same shape, in (0, 1], and 1 at distance 0. Pass one to MMD.
type Kernel func(d2 *graph.Node) *graph.Node

// IMQ returns the mean of seven inverse multiquadratic kernels, which have heavy tails, for codes with z units of
// variance 1:
//
//	k(d²) = mean_s C_s / (C_s + d²),   C_s = 2z·s,   s = 0.1, 0.2, 0.5, 1, 2, 5, 10
//
// Tolstikhin et al., arXiv:1711.01558, sec. 4 and app. C.
func IMQ(z int) Kernel {
	return func(d2 *graph.Node) *graph.Node {
		scales := []float64{0.1, 0.2, 0.5, 1, 2, 5, 10}
		sum := graph.Const(0)
		for _, s := range scales {
			c := 2 * float64(z) * s
			sum = graph.Add(sum, graph.Div(graph.Const(c), graph.AddScalar(d2, c)))
		}
		return graph.Scale(sum, 1/float64(len(scales)))
	}
}

// RBF returns the Gaussian (radial basis function) kernel for codes with z units of variance 1:
//
//	k(d²) = e^(−d²/z)
//
// Zhao, Song & Ermon, arXiv:1706.02262, sec. 3.4, with the width of their published code.
func RBF(z int) Kernel {
	return func(d2 *graph.Node) *graph.Node { return graph.Exp(graph.Scale(d2, -1/float64(z))) }
}

// MMD returns an unbiased estimate of the squared maximum mean discrepancy between two distributions, from draws x and
// y of each:
//
//	Σ_{i≠j} w_i w_j (k(x_i, x_j) + k(y_i, y_j)) / (W² − W) − 2 Σ_ij w_i w_j k(x_i, y_j) / W²,
//	W = Σ w
//
// Its expectation is 0 if the distributions are equal; an estimate may be negative. If W = 1 there are no pairs, and
// the first term is 0. Gretton et al. 2012, eq. 3; Tolstikhin et al., arXiv:1711.01558, alg. 2.
//
// x (B, Z), y (B, Z), weight w (B), each 0 or 1 → (), no unit. It panics with a *graph.ShapeError for other shapes.
func MMD(x, y, weight *graph.Node, k Kernel) *graph.Node {
	requireSameShape("mmd", x, y)
	if s := x.Shape(); len(s) != 2 || !weight.Shape().Equal(graph.Shape{s[0]}) {
		panic(&graph.ShapeError{Op: "mmd", In: []graph.Shape{s, weight.Shape()}, Want: "want draws (B, Z) with weights (B)"})
	}
	column := graph.Reshape(weight, -1, 1)
	products := graph.MatMulT(column, column, false, true) // w_i w_j
	// mean returns (Σ_ij w_i w_j k(a_i, b_j) − diagonal) / pairs.
	mean := func(a, b *graph.Node, diagonal, pairs *graph.Node) *graph.Node {
		return graph.Div(graph.Sub(graph.Sum(graph.Mul(products, k(squaredDistances(a, b)))), diagonal), pairs)
	}
	total, one := graph.Sum(weight), graph.Const(1)
	// The kernel of a row with itself is 1, so the terms i = j add up to W.
	pairs := graph.Max(graph.Mul(total, graph.Sub(total, one)), one)
	within := graph.Add(mean(x, x, total, pairs), mean(y, y, total, pairs))
	return graph.Sub(within, graph.Scale(mean(x, y, graph.Const(0), graph.Square(total)), 2))
}

// squaredDistances returns |x_i − y_j|² for all pairs of rows: x (B, Z), y (N, Z) → (B, N), ≥ 0.
func squaredDistances(x, y *graph.Node) *graph.Node {
	xx := graph.Reshape(sumFeatures(graph.Square(x)), -1, 1)
	yy := graph.Reshape(sumFeatures(graph.Square(y)), 1, -1)
	d := graph.Sub(graph.Add(xx, yy), graph.Scale(graph.MatMulT(x, y, false, true), 2))
	return graph.Max(d, graph.Const(0)) // rounding can make the distance of equal rows negative
}
