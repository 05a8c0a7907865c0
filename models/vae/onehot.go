package vae

import (
	"github.com/imago-ml/imago/engine/graph"
)

// indices returns 0 … k−1 as a row.
func indices(k int) *graph.Node {
	row := make([]float32, k)
	for i := range row {
		row[i] = float32(i)
	}
	return graph.ConstOf(row, k)
}

// argmaxOneHot returns 1 at the largest element of each row of x (R,K), at the first of
// equals, and else 0.
func argmaxOneHot(x *graph.Node) *graph.Node {
	k, row := x.Shape()[1], indices(x.Shape()[1])
	hit := graph.Equal(x, graph.Reshape(graph.ReduceMax(x, 1), -1, 1))
	from := graph.Select(hit, graph.Sub(graph.Const(float64(k)), row), graph.Const(0)) // K … 1 from left to right
	first := graph.Sub(graph.Const(float64(k)), graph.ReduceMax(from, 1))
	return graph.Equal(row, graph.Reshape(first, -1, 1))
}

// uniformOneHot draws one of k classes with equal probability for each of n images: (n,k).
func uniformOneHot(key *graph.Node, stream string, n, k int) *graph.Node {
	return sampleOneHot(graph.BroadcastTo(graph.Const(0), n, k), key, stream)
}

// sampleOneHot returns a class of each row, drawn with the probabilities ∝ eˡ of its logits
// (R,K): (R,K), one-hot. Gumbel's trick: l − ln −ln u is largest at k with the
// probability of k.
func sampleOneHot(logits, key *graph.Node, stream string) *graph.Node {
	u := graph.Max(graph.Uniform(key, stream, logits.Shape()...), graph.Const(0x1p-25)) // not 0
	return argmaxOneHot(graph.Sub(logits, graph.Log(graph.Neg(graph.Log(u)))))
}

// labelsOr returns the labels (B,K) of images that have one, and other (B,K) for the rest.
func labelsOr(labels, other *graph.Node) *graph.Node {
	has := graph.Greater(graph.Sum(labels, 1), graph.Const(0))
	return graph.Select(graph.BroadcastTo(graph.Reshape(has, -1, 1), labels.Shape()...), labels, other)
}

// accuracy returns 1 for an image whose class is that of the largest of p, else 0: (B).
// It is 0 for an image without a label.
func accuracy(p, labels *graph.Node) *graph.Node {
	return graph.Sum(graph.Mul(argmaxOneHot(p), labels), 1)
}
