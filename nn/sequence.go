package nn

import (
	"math"
	"slices"

	"github.com/imago-ml/imago/engine/graph"
)

// layerNormEpsilon is added to the variance.
const layerNormEpsilon = 1e-5

// masked is added to the scores of attention that must not count: e^masked is 0 in float32, and the sum stays finite.
const masked = -1e9

// Embedding returns the rows of a table that ids name: ids (B, …) of whole numbers → (B, …, size). Its parameter is
// name/embeddings (words, size), drawn by init: PyTorch has Normal(0, 1), Keras Uniform(0.05). An id that is not one of
// 0 … words−1 gives zeros, as of padding.
func (b *Builder) Embedding(name string, ids *graph.Node, words, size int, init Init) *graph.Node {
	table := b.Param(name+"/embeddings", init, words, size)
	return b.Layer(name, "Embedding", graph.Gather(table, ids), ids)
}

// LayerNorm returns x normalised over its last axis, item by item and step by step:
//
//	y = γ·(x − μ)/√(σ² + 1e-5) + β
//
// with μ and σ² the mean and the variance (divided by D) of the D values of that axis. Its parameters are name/gamma γ
// (D), whose initial value is b.Gamma, and name/beta β (D), which is 0 at first. x (…, D) → (…, D). Ba, Kiros & Hinton,
// arXiv:1607.06450. It panics with a *graph.ShapeError if x has fewer than two axes.
func (b *Builder) LayerNorm(name string, x *graph.Node) *graph.Node {
	s := x.Shape()
	last := len(s) - 1
	if last < 1 {
		panic(&graph.ShapeError{Op: "layer_norm " + name, In: []graph.Shape{s}, Want: "want (B, …, D)"})
	}
	kept := s.Clone()
	kept[last] = 1
	n := graph.Const(float64(s[last]))
	mean := func(x *graph.Node) *graph.Node { return graph.Reshape(graph.Div(graph.Sum(x, last), n), kept...) }
	centred := graph.Sub(x, mean(x))
	variance := mean(graph.Square(centred)) // E[x²] − μ² would cancel where the mean is far from 0
	y := graph.Div(centred, graph.Sqrt(graph.AddScalar(variance, layerNormEpsilon)))
	y = graph.Add(graph.Mul(y, b.Param(name+"/gamma", b.Gamma, s[last])), b.Param(name+"/beta", Zeros, s[last]))
	return b.Layer(name, "LayerNormalization", y, x)
}

// Attention returns what each step of x (B, T, D) reads in the steps of memory (B, S, E), with several heads:
//
//	y = concat_i(softmax(Q_i·K_iᵀ/√(D/heads))·V_i)·W_o + b_o    Q = x·W_q + b_q    K = memory·W_k + b_k    V = memory·W_v + b_v
//
// Its parameters are name/query, name/key and name/value, each with a kernel and a bias, and name/output, as of four dense
// layers; the columns of head i are D/heads ones from i·D/heads on. For self-attention, memory is x. With causal, step t reads
// steps 0 … t alone. mask (B, S), nil for none, is 0 at the steps of memory that nobody reads; of an item with no other
// step all are read alike. x (B, T, D) → (B, T, D). Vaswani et al., arXiv:1706.03762, section 3.2. It panics with a
// *graph.ShapeError if an operand does not fit, or D is no multiple of heads.
func (b *Builder) Attention(name string, x, memory *graph.Node, heads int, causal bool, mask *graph.Node) *graph.Node {
	op := "attention " + name
	requireRank(x, 3, op, "sequences (B, T, D)")
	requireRank(memory, 3, op, "a memory (B, S, E)")
	batch, steps, d, length := x.Shape()[0], x.Shape()[1], x.Shape()[2], memory.Shape()[1]
	switch in := []graph.Shape{x.Shape(), memory.Shape()}; {
	case memory.Shape()[0] != batch:
		panic(&graph.ShapeError{Op: op, In: in, Want: "want a memory of the same batch"})
	case heads < 1 || d%heads != 0:
		panic(&graph.ShapeError{Op: op, In: in, Want: "want a number of heads that divides the features"})
	case causal && steps != length:
		panic(&graph.ShapeError{Op: op, In: in, Want: "want a memory of as many steps for causal attention"})
	case mask != nil && !mask.Shape().Equal(graph.Shape{batch, length}):
		panic(&graph.ShapeError{Op: op, In: append(in, mask.Shape()), Want: "want a mask (B, S)"})
	}
	dense := func(part string, x *graph.Node) *graph.Node {
		n := x.Shape()
		y := graph.MatMul(graph.Reshape(x, -1, n[2]), b.kernel(name+"/"+part, 1, n[2], d))
		return graph.Reshape(b.addBias(name+"/"+part, y), n[0], n[1], d)
	}
	split := func(x *graph.Node) *graph.Node { // (B, heads, steps, D/heads)
		return graph.Transpose(graph.Reshape(x, batch, -1, heads, d/heads), 0, 2, 1, 3)
	}
	scores := graph.MatMulT(split(dense("query", x)), split(dense("key", memory)), false, true)
	scores = graph.Scale(scores, 1/math.Sqrt(float64(d/heads)))
	if causal {
		later := make([]float32, steps*length)
		for t := range steps {
			for j := t + 1; j < length; j++ {
				later[t*length+j] = masked
			}
		}
		scores = graph.Add(scores, graph.ConstOf(later, steps, length))
	}
	if mask != nil {
		scores = graph.Add(scores, graph.Reshape(graph.Scale(graph.Sub(graph.Const(1), mask), masked), batch, 1, 1, length))
	}
	read := graph.MatMul(softmax(scores), split(dense("value", memory)))
	y := dense("output", graph.Reshape(graph.Transpose(read, 0, 2, 1, 3), batch, steps, d))
	return b.Layer(name, "MultiHeadAttention", y, x, memory)
}

// softmax returns e^x over its sum along the last axis.
func softmax(x *graph.Node) *graph.Node {
	last := len(x.Shape()) - 1
	kept := slices.Clone(x.Shape())
	kept[last] = 1
	largest := graph.StopGradient(graph.ReduceMax(x, last)) // it cancels in the result
	e := graph.Exp(graph.Sub(x, graph.Reshape(largest, kept...)))
	return graph.Div(e, graph.Reshape(graph.Sum(e, last), kept...))
}

// CausalConv1D returns a convolution over the steps of sequences in which step t reads steps t, t−dilation, …,
// t−(kernel−1)·dilation alone, and zeros before the first:
//
//	y_t = act(Σ_i x_{t−(kernel−1−i)·dilation}·w_i + b)
//
// Its parameters are name/kernel w (kernel, 1, D, filters) and name/bias b (filters). x (B, T, D) → (B, T, filters). Van den
// Oord et al., arXiv:1609.03499, section 2.1. It panics with a *graph.ShapeError if x is not (B, T, D).
func (b *Builder) CausalConv1D(name string, x *graph.Node, filters, kernel, dilation int, act Activation) *graph.Node {
	op := "causal_conv1d " + name
	requireRank(x, 3, op, "sequences (B, T, D)")
	if kernel < 1 || dilation < 1 {
		panic(&graph.ShapeError{Op: op, In: []graph.Shape{x.Shape()}, Want: "want a kernel and a dilation of 1 or more"})
	}
	batch, steps, d := x.Shape()[0], x.Shape()[1], x.Shape()[2]
	rows := (steps + dilation - 1) / dilation
	none := []int{0, 0, 0}
	// Step i·dilation + j is at row i, column j of an image, so the taps of a step are one column.
	padded := graph.Pad(x, []int{0, (kernel - 1) * dilation, 0}, []int{0, rows*dilation - steps, 0}, none)
	image := graph.Reshape(padded, batch, rows+kernel-1, dilation, d)
	w := b.kernel(name, 3, kernel, 1, d, filters)
	y := graph.Conv2D(image, w, graph.ConvConfig{Stride: [2]int{1, 1}, Padding: graph.Valid})
	y = graph.Reshape(b.addBias(name, y), batch, rows*dilation, filters)
	y = graph.Slice(y, none, []int{batch, steps, filters}, []int{1, 1, 1})
	return b.Layer(name, "CausalConv1D", act(y), x)
}
