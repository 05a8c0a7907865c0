package prob

import (
	"math"

	"github.com/imago-ml/imago/engine/graph"
)

// K classes, in every comment of this file.

// LogSumExp returns ln Σ eˣ over one axis, which is dropped:
//
//	m + ln Σ e^(x−m),   m = max x
//
// It neither over- nor underflows as long as one x of a sum is finite. Its
// gradient is the softmax of x.
func LogSumExp(x *graph.Node, axis int) *graph.Node {
	kept := x.Shape().Clone()
	if axis < 0 || axis >= len(kept) {
		panic(&graph.ShapeError{Op: "log_sum_exp", In: []graph.Shape{x.Shape()}, Want: "want one of the operand's axes"})
	}
	kept[axis] = 1
	m := graph.StopGradient(graph.ReduceMax(x, axis)) // the sum does not depend on it
	sum := graph.Sum(graph.Exp(graph.Sub(x, graph.Reshape(m, kept...))), axis)
	return graph.Add(graph.Log(sum), m)
}

// LogMeanExp returns ln of the mean of eˣ over one axis, which is dropped: what k log
// weights of one image say of its likelihood, ln 1/k Σ_k w. See LogSumExp.
func LogMeanExp(x *graph.Node, axis int) *graph.Node {
	y := LogSumExp(x, axis)
	return graph.AddScalar(y, -math.Log(float64(x.Shape()[axis])))
}

// LogSoftmax returns ln p of each class where p ∝ eˡ:
//
//	l − ln Σ_k eˡ
//
// logits (B, K) → (B, K), ≤ 0, with Σ_k e^y = 1.
func LogSoftmax(logits *graph.Node) *graph.Node {
	requireMatrix("log_softmax", logits)
	return graph.Sub(logits, graph.Reshape(LogSumExp(logits, 1), -1, 1))
}

// Softmax returns p of each class where p ∝ eˡ. logits (B, K) → (B, K), Σ_k p = 1.
func Softmax(logits *graph.Node) *graph.Node { return graph.Exp(LogSoftmax(logits)) }

// CategoricalNLL returns −ln p of each label in nats, the cross-entropy, where p is
// the softmax of the logits:
//
//	−Σ_k y_k ln p_k
//
// y (B, K) one-hot, or probabilities; zeros, a label that is not known, cost 0.
// logits (B, K) → (B), ≥ 0.
func CategoricalNLL(y, logits *graph.Node) *graph.Node {
	requireSameShape("categorical_logits", y, logits)
	return graph.Neg(sumFeatures(graph.Mul(y, LogSoftmax(logits))))
}

// CategoricalEntropy returns −Σ_k p_k ln p_k in nats, where p is the softmax of the
// logits. logits (B, K) → (B), from 0 to ln K.
func CategoricalEntropy(logits *graph.Node) *graph.Node {
	logp := LogSoftmax(logits)
	return graph.Neg(sumFeatures(graph.Mul(graph.Exp(logp), logp)))
}

// CategoricalKL returns KL(p ‖ q) = Σ_k p_k (ln p_k − ln q_k) in nats, where p and q
// are the softmaxes of their logits. (B, K) twice → (B), ≥ 0.
func CategoricalKL(p, q *graph.Node) *graph.Node {
	requireSameShape("categorical_kl", p, q)
	logp := LogSoftmax(p)
	return sumFeatures(graph.Mul(graph.Exp(logp), graph.Sub(logp, LogSoftmax(q))))
}

func requireMatrix(op string, x *graph.Node) {
	if len(x.Shape()) != 2 {
		panic(&graph.ShapeError{Op: op, In: []graph.Shape{x.Shape()}, Want: "want a matrix (B, K)"})
	}
}
