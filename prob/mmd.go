package prob

import "github.com/imago-ml/imago/engine/graph"

// A Kernel compares draws by the square of their distance: d² of any shape → k of
// that shape, in (0, 1], 1 at distance 0.
type Kernel func(d2 *graph.Node) *graph.Node

// IMQ returns the mean of inverse multiquadratics, of heavy tails, for codes of z
// units and variance 1:
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

// RBF returns the Gaussian kernel for codes of z units and variance 1:
//
//	k(d²) = e^(−d²/z)
//
// Zhao, Song & Ermon, arXiv:1706.02262, sec. 3.4, with the width of their program.
func RBF(z int) Kernel {
	return func(d2 *graph.Node) *graph.Node { return graph.Exp(graph.Scale(d2, -1/float64(z))) }
}

// MMD returns the square of the maximum mean discrepancy between the distributions
// that the rows of x and of y were drawn from, without bias:
//
//	Σ_{i≠j} w_i w_j (k(x_i, x_j) + k(y_i, y_j)) / (W² − W) − 2 Σ_ij w_i w_j k(x_i, y_j) / W²,
//	W = Σ w
//
// x, y (B, Z), of weights w (B), each 0 or 1 → (). It is 0 in expectation where the
// two are one, and may be below. Of one row of weight 1 there are no pairs, and the
// first term is 0. Gretton et al. 2012, eq. 3; Tolstikhin et al., arXiv:1711.01558,
// alg. 2.
func MMD(x, y, weight *graph.Node, k Kernel) *graph.Node {
	requireSameShape("mmd", x, y)
	if s := x.Shape(); len(s) != 2 || !weight.Shape().Equal(graph.Shape{s[0]}) {
		panic(&graph.ShapeError{Op: "mmd", In: []graph.Shape{s, weight.Shape()}, Want: "want draws (B, Z) with weights (B)"})
	}
	column := graph.Reshape(weight, -1, 1)
	both := graph.MatMulT(column, column, false, true)
	mean := func(a, b *graph.Node, less, pairs *graph.Node) *graph.Node {
		return graph.Div(graph.Sub(graph.Sum(graph.Mul(both, k(squaredDistances(a, b)))), less), pairs)
	}
	total, one := graph.Sum(weight), graph.Const(1)
	// A row's k with itself is 1: these pairs are taken away as their number.
	pairs := graph.Max(graph.Mul(total, graph.Sub(total, one)), one)
	within := graph.Add(mean(x, x, total, pairs), mean(y, y, total, pairs))
	return graph.Sub(within, graph.Scale(mean(x, y, graph.Const(0), graph.Square(total)), 2))
}

// distances returns the squares of the distances of all rows: x (B, Z), y (N, Z) → (B, N).
func squaredDistances(x, y *graph.Node) *graph.Node {
	xx := graph.Reshape(sumFeatures(graph.Square(x)), -1, 1)
	yy := graph.Reshape(sumFeatures(graph.Square(y)), 1, -1)
	d := graph.Sub(graph.Add(xx, yy), graph.Scale(graph.MatMulT(x, y, false, true), 2))
	return graph.Max(d, graph.Const(0)) // rounding may make that of equal rows negative
}
