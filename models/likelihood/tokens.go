package likelihood

import (
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/prob"
)

// Tokens returns the likelihood of sequences of tokens, the items of that description:
//
//	NLL = Σ_t −ln p(x_t|x_<t, z),   p = softmax(logits_t)
//
// over the steps to the token that ends a sequence, which counts, or to the last step: x
// (B,T) and logits (B,T,V) → (B). Mean returns what it is given, because a decoder of tokens
// chooses them itself. It is not in the table: no other likelihood is one of tokens.
func Tokens(item medium.Item) Likelihood {
	return Likelihood{Name: "tokens", About: "categorical tokens", Formula: "Σ_pixels −ln p(x_t|x_<t, z)", Unit: nats, Measure: model.Discrete,
		NLL: func(_ *nn.Builder, x, logits *graph.Node) *graph.Node {
			counted := x
			if end, ok := medium.End(item); ok {
				counted = graph.Select(Steps(x, end), x, graph.Const(-1))
			}
			return graph.Sum(prob.SparseCategoricalNLL(counted, logits), 1)
		},
		Mean: func(ids *graph.Node) *graph.Node { return ids }}
}

// Steps returns which steps of sequences count: 1 up to the first token end, and 0 after it:
// x (B,T) → (B,T). All steps after an end have that token.
func Steps(x *graph.Node, end int) *graph.Node {
	batch, steps := x.Shape()[0], x.Shape()[1]
	goesOn := graph.Sub(graph.Const(1), graph.Equal(x, graph.Const(float64(end))))
	before := graph.Slice(goesOn, []int{0, 0}, []int{batch, steps - 1}, []int{1, 1})
	return graph.Concat(1, graph.BroadcastTo(graph.Const(1), batch, 1), before)
}
