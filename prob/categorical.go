package prob

import (
	"math"

	"github.com/imago-ml/imago/engine/graph"
)

// LogSumExp returns ln Σ eˣ over one axis, which it removes from the shape:
//
//	m + ln Σ e^(x−m),   m = max x
//
// The result is finite if one x of each sum is finite: nothing overflows or underflows. The gradient is the softmax of
// x. It panics with a *graph.ShapeError if x has no such axis.
func LogSumExp(x *graph.Node, axis int) *graph.Node {
	kept := x.Shape().Clone()
	if axis < 0 || axis >= len(kept) {
		panic(&graph.ShapeError{Op: "log_sum_exp", In: []graph.Shape{x.Shape()}, Want: "want one of the operand's axes"})
	}
	kept[axis] = 1
	m := graph.StopGradient(graph.ReduceMax(x, axis)) // the result does not depend on m
	sum := graph.Sum(graph.Exp(graph.Sub(x, graph.Reshape(m, kept...))), axis)
	return graph.Add(graph.Log(sum), m)
}

// LogMeanExp returns ln ((1/n) Σ eˣ) over one axis of length n, which it removes from the shape. Applied to the log
// importance weights of an item it estimates ln p(x): Burda et al., arXiv:1509.00519, eq. 8. See LogSumExp.
func LogMeanExp(x *graph.Node, axis int) *graph.Node {
	y := LogSumExp(x, axis)
	return graph.AddScalar(y, -math.Log(float64(x.Shape()[axis])))
}

// LogSoftmax returns the logarithm of the softmax, ln p_k with p_k ∝ e^(l_k):
//
//	l − ln Σ_k eˡ
//
// logits l (B, K) → (B, K), ≤ 0.
func LogSoftmax(logits *graph.Node) *graph.Node {
	requireMatrix("log_softmax", logits)
	return graph.Sub(logits, graph.Reshape(LogSumExp(logits, 1), -1, 1))
}

// Softmax returns the probability of each class, p_k = e^(l_k) / Σ_j e^(l_j).
//
// logits l (B, K) → (B, K), in [0, 1], Σ_k p = 1.
func Softmax(logits *graph.Node) *graph.Node { return graph.Exp(LogSoftmax(logits)) }

// CategoricalNLL returns −ln p(y) for each item, in nats, where p is the softmax of the logits. It is the
// cross-entropy:
//
//	−Σ_k y_k ln p_k
//
// y (B, K), logits (B, K) → (B), ≥ 0. A row of y is one-hot or a distribution. A row of zeros, for an unknown label,
// gives 0.
func CategoricalNLL(y, logits *graph.Node) *graph.Node {
	requireSameShape("categorical_nll", y, logits)
	return graph.Neg(sumFeatures(graph.Mul(y, LogSoftmax(logits))))
}

// SparseCategoricalNLL returns −ln p(id) for each id, in nats, where p is the softmax of its logits, without a one-hot
// vector of each id:
//
//	ln Σ_k e^(l_k) − l_id
//
// ids (…) of whole numbers, logits l (…, K) → (…), ≥ 0: one number for each step of a sequence, not for each item. An id that
// is not one of 0 … K−1 gives 0, with no gradient: use −1 for a step after the end of a sequence. It panics with a
// *graph.ShapeError unless the logits have the axes of the ids and one more.
func SparseCategoricalNLL(ids, logits *graph.Node) *graph.Node {
	s := logits.Shape()
	last := len(s) - 1
	if last < 0 || !ids.Shape().Equal(s[:last]) {
		panic(&graph.ShapeError{Op: "sparse_categorical_nll", In: []graph.Shape{ids.Shape(), s}, Want: "want logits (…, K) of ids (…)"})
	}
	classes := make([]float32, s[last])
	for k := range classes {
		classes[k] = float32(k)
	}
	// The comparison is computed inside the loops of the sum and of the gradient. ScatterAdd would write an array as
	// large as the logits, and its ids end at 2²⁴.
	hit := graph.Equal(graph.Reshape(ids, append(s[:last].Clone(), 1)...), graph.ConstOf(classes, len(classes)))
	nll := graph.Sub(LogSumExp(logits, last), graph.Sum(graph.Mul(hit, logits), last))
	known := graph.Mul(graph.Greater(ids, graph.Const(-0.5)), graph.Greater(graph.Const(float64(s[last])-0.5), ids))
	return graph.Mul(known, nll)
}

// ArgMax returns the number of the first largest of each row: x (B, K) → (B).
func ArgMax(x *graph.Node) *graph.Node {
	requireMatrix("arg_max", x)
	rows, n := x.Shape()[0], x.Shape()[1]
	fromEnd := make([]float32, n) // the first has the largest
	for k := range fromEnd {
		fromEnd[k] = float32(n - k)
	}
	largest := graph.Equal(x, graph.Reshape(graph.ReduceMax(x, 1), rows, 1))
	return graph.Sub(graph.Const(float64(n)), graph.ReduceMax(graph.Mul(largest, graph.ConstOf(fromEnd, n)), 1))
}

// CategoricalSample returns ids drawn from the softmax of the logits l:
//
//	argmax_k l_k − ln(−ln u_k),   u ~ U(0, 1)
//
// the Gumbel-max trick (Gumbel 1954; Maddison, Tarlow & Minka 2014). The random numbers depend on key (int32[4]) and on
// stream, the name of the draw. logits (B, K) → (B).
func CategoricalSample(logits, key *graph.Node, stream string) *graph.Node {
	const half = 0x1p-25 // of the distance between two numbers of Uniform, which has 0: its logarithm would be −∞
	u := graph.AddScalar(graph.Uniform(key, stream, logits.Shape()...), half)
	return ArgMax(graph.Sub(logits, graph.Log(graph.Neg(graph.Log(u)))))
}

// CategoricalEntropy returns −Σ_k p_k ln p_k for each item, in nats, where p is the softmax of the logits.
//
// logits (B, K) → (B), from 0 to ln K.
func CategoricalEntropy(logits *graph.Node) *graph.Node {
	logp := LogSoftmax(logits)
	return graph.Neg(sumFeatures(graph.Mul(graph.Exp(logp), logp)))
}

// CategoricalKL returns KL(p ‖ q) = Σ_k p_k (ln p_k − ln q_k) for each item, in nats, where p and q are the softmaxes
// of their logits.
//
// p and q, both given as logits (B, K) → (B), ≥ 0.
func CategoricalKL(p, q *graph.Node) *graph.Node {
	requireSameShape("categorical_kl", p, q)
	logp := LogSoftmax(p)
	return sumFeatures(graph.Mul(graph.Exp(logp), graph.Sub(logp, LogSoftmax(q))))
}

// requireMatrix panics with a *graph.ShapeError unless x has two axes.
func requireMatrix(op string, x *graph.Node) {
	if len(x.Shape()) != 2 {
		panic(&graph.ShapeError{Op: op, In: []graph.Shape{x.Shape()}, Want: "want a matrix (B, K)"})
	}
}
