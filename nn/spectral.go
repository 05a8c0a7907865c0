package nn

import "github.com/imago-ml/imago/engine/graph"

const spectralEpsilon = 1e-12 // is added to the lengths of vectors and to σ

// kernel returns the kernel of a layer, name/kernel, and declares it on first use. The axis out, one of the last two,
// holds the outputs. If b.Spectral is set, the result is the spectral normalisation of W,
//
//	W/σ(W)
//
// where σ(W) is the largest singular value of W as a matrix (D, O): O is the number of outputs and D the size of all
// other axes. The power method computes it, with one iteration for each training step, from the buffer name/u (O),
// which is drawn from N(0, I) at first:
//
//	v = W·u/|W·u|    u ← Wᵀ·v/|Wᵀ·v|    σ = vᵀ·W·u
//
// The gradient takes u and v as constants and passes through W in the numerator and in σ. A layer that is applied
// again uses the same kernel, and u changes once in a step. If b.Training is not set, u keeps its value. Miyato et
// al., arXiv:1802.05957, alg. 1.
func (b *Builder) kernel(name string, out int, shape ...int) *graph.Node {
	w := b.Param(name+"/kernel", b.Kernel, shape...)
	if !b.Spectral {
		return w
	}
	if n := b.shared.normalised[w]; n != nil {
		return n
	}
	outputs := shape[out]
	buffer := b.Buffer(name+"/u", Normal(0, 1), outputs)
	matrix := w
	if out == len(shape)-2 {
		perm := make([]int, len(shape))
		for i := range perm {
			perm[i] = i
		}
		perm[out], perm[out+1] = out+1, out
		matrix = graph.Transpose(w, perm...)
	}
	matrix = graph.Reshape(matrix, -1, outputs)
	constant := graph.StopGradient(matrix)
	v := unitVector(graph.MatMul(constant, graph.Reshape(buffer, outputs, 1)))
	u := unitVector(graph.MatMulT(constant, v, true, false))
	sigma := graph.Sum(graph.Mul(v, graph.MatMul(matrix, u)))
	if b.Training {
		b.shared.updates = append(b.shared.updates, graph.Update{State: buffer, Value: graph.Reshape(u, outputs)})
	}
	n := graph.Div(w, graph.AddScalar(sigma, spectralEpsilon))
	if b.shared.normalised == nil {
		b.shared.normalised = map[*graph.Node]*graph.Node{}
	}
	b.shared.normalised[w] = n
	return n
}

// unitVector returns x/|x| as a constant to the gradient. A vector of zeros stays zero.
func unitVector(x *graph.Node) *graph.Node {
	length := graph.Sqrt(graph.Sum(graph.Square(x)))
	return graph.StopGradient(graph.Div(x, graph.AddScalar(length, spectralEpsilon)))
}
