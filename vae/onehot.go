package vae

import (
	"github.com/imago-ml/imago/graph"
)

// classes are 0 … k−1 as a row.
func classes(k int) *graph.Node {
	row := make([]float32, k)
	for i := range row {
		row[i] = float32(i)
	}
	return graph.ConstOf(row, k)
}

// largest is 1 at the largest element of each row of x (R,K), at the first of
// equals, and else 0.
func largest(x *graph.Node) *graph.Node {
	k, row := x.Shape()[1], classes(x.Shape()[1])
	hit := graph.Equal(x, graph.Reshape(graph.ReduceMax(x, 1), -1, 1))
	from := graph.Select(hit, graph.Sub(graph.Const(float64(k)), row), graph.Const(0)) // K … 1 from left to right
	first := graph.Sub(graph.Const(float64(k)), graph.ReduceMax(from, 1))
	return graph.Equal(row, graph.Reshape(first, -1, 1))
}

// oneOf draws one of k classes for each of n images, all alike likely: (n,k).
func oneOf(key *graph.Node, stream string, n, k int) *graph.Node {
	u := graph.Scale(graph.Uniform(key, stream, n, 1), float64(k))
	return graph.Sub(graph.Greater(graph.AddScalar(classes(k), 1), u), graph.Greater(classes(k), u))
}

// known is labels (B,K) where an image has one, and else other (B,K).
func known(labels, other *graph.Node) *graph.Node {
	has := graph.Greater(graph.Sum(labels, 1), graph.Const(0))
	return graph.Select(graph.BroadcastTo(graph.Reshape(has, -1, 1), labels.Shape()...), labels, other)
}

// accuracy is 1 for an image whose class is that of the largest of p, else 0: (B).
// It is 0 for an image without a label.
func accuracy(p, labels *graph.Node) *graph.Node {
	return graph.Sum(graph.Mul(largest(p), labels), 1)
}
