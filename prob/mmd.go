package prob

import "github.com/imago-ml/imago/graph"

// A Kernel compares draws by the square of their distance: d² of any shape → k of
// that shape, in (0, 1], 1 at distance 0.
type Kernel func(d2 *graph.Node) *graph.Node

// IMQ is the mean of inverse multiquadratics, of heavy tails, for codes of z
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

// RBF is the Gaussian kernel for codes of z units and variance 1:
//
//	k(d²) = e^(−d²/z)
//
// Zhao, Song & Ermon, arXiv:1706.02262, sec. 3.4, with the width of their program.
func RBF(z int) Kernel {
	return func(d2 *graph.Node) *graph.Node { return graph.Exp(graph.Scale(d2, -1/float64(z))) }
}

// MMD is the square of the maximum mean discrepancy between the distributions
// that the rows of x and of y were drawn from, without bias:
//
//	Σ_{i≠j} w_i w_j k(x_i, x_j)/W + mean_{i≠j} k(y_i, y_j) − 2 Σ_ij w_i k(x_i, y_j)/(n Σ w),
//	W = (Σ w)² − Σ w²
//
// x (B, Z) of weights w (B), 0 or 1, y (N, Z), → (). It is 0 in expectation where
// the two are one, and may be below. With one row of weight 1 the first term, which
// has no pairs, is 0. Gretton et al. 2012, eq. 3; Tolstikhin et
// al., arXiv:1711.01558, alg. 2.
func MMD(x, weight, y *graph.Node, k Kernel) *graph.Node {
	for _, m := range []*graph.Node{x, y} {
		if len(m.Shape()) != 2 || m.Shape()[1] != x.Shape()[1] || len(weight.Shape()) != 1 || weight.Shape()[0] != x.Shape()[0] {
			panic(&graph.ShapeError{Op: "mmd", In: []graph.Shape{x.Shape(), weight.Shape(), y.Shape()}, Want: "want draws (B, Z) with weights (B), and draws (N, Z)"})
		}
	}
	n := y.Shape()[0]
	if n < 2 {
		panic(&graph.ShapeError{Op: "mmd", In: []graph.Shape{y.Shape()}, Want: "want two draws or more"})
	}
	column := graph.Reshape(weight, -1, 1)
	total := graph.Sum(weight)
	// k(x, x) is 1: the pairs of a row with itself are taken away as their weights.
	self := graph.Sum(graph.Square(weight))
	xx := graph.Sub(graph.Sum(graph.Mul(graph.MatMulT(column, column, false, true), k(distances(x, x)))), self)
	yy := graph.AddScalar(graph.Sum(k(distances(y, y))), -float64(n))
	xy := graph.Sum(graph.Mul(column, k(distances(x, y))))
	pairs := graph.Max(graph.Sub(graph.Square(total), self), graph.Const(1)) // of one row there are none
	within := graph.Add(graph.Div(xx, pairs), graph.Scale(yy, 1/float64(n*(n-1))))
	return graph.Sub(within, graph.Div(graph.Scale(xy, 2/float64(n)), total))
}

// distances are the squares of the distances of all rows: x (B, Z), y (N, Z) → (B, N).
func distances(x, y *graph.Node) *graph.Node {
	xx := graph.Reshape(each(graph.Square(x)), -1, 1)
	yy := graph.Reshape(each(graph.Square(y)), 1, -1)
	d := graph.Sub(graph.Add(xx, yy), graph.Scale(graph.MatMulT(x, y, false, true), 2))
	return graph.Max(d, graph.Const(0)) // rounding may make that of equal rows negative
}
