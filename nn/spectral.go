package nn

import "github.com/imago-ml/imago/engine/graph"

const spectralEpsilon = 1e-12 // added to lengths and to σ

// kernel returns the kernel of a layer, declared on first use, whose outputs are along
// axis out, one of the last two. Where b.Spectral is set it is
//
//	W/σ(W)
//
// σ(W) the largest singular value of W as a matrix (D, O), O the outputs and D the
// rest, taps times inputs. It is found by the power method, one iteration a step
// of training, which goes on from the buffer name/u (O), drawn from N(0, I) at
// first:
//
//	v = W·u/|W·u|    u ← Wᵀ·v/|Wᵀ·v|    σ = vᵀ·W·u
//
// u and v are constants to the gradient, which passes through W in the numerator
// and in σ. A layer that is applied again uses the same kernel, and its u moves
// once. In use, where b.Training is not set, the iteration is not kept. Miyato et
// al. 2018, arXiv:1802.05957, alg. 1.
func (b *Builder) kernel(name string, out int, shape ...int) *graph.Node {
	w := b.Param(name+"/kernel", b.Kernel, shape...)
	if !b.Spectral {
		return w
	}
	if n := b.all.normalised[w]; n != nil {
		return n
	}
	outputs := shape[out]
	start := b.Buffer(name+"/u", Normal(0, 1), outputs)
	m := w
	if out == len(shape)-2 {
		perm := make([]int, len(shape))
		for i := range perm {
			perm[i] = i
		}
		perm[out], perm[out+1] = out+1, out
		m = graph.Transpose(w, perm...)
	}
	m = graph.Reshape(m, -1, outputs)
	fixed := graph.StopGradient(m)
	v := unit(graph.MatMul(fixed, graph.Reshape(start, outputs, 1)))
	u := unit(graph.MatMulT(fixed, v, true, false))
	sigma := graph.Sum(graph.Mul(v, graph.MatMul(m, u)))
	if b.Training {
		b.all.updates = append(b.all.updates, graph.Update{State: start, Value: graph.Reshape(u, outputs)})
	}
	n := graph.Div(w, graph.AddScalar(sigma, spectralEpsilon))
	if b.all.normalised == nil {
		b.all.normalised = map[*graph.Node]*graph.Node{}
	}
	b.all.normalised[w] = n
	return n
}

// unit returns x/|x|, a constant to the gradient; 0 stays 0.
func unit(x *graph.Node) *graph.Node {
	length := graph.Sqrt(graph.Sum(graph.Square(x)))
	return graph.StopGradient(graph.Div(x, graph.AddScalar(length, spectralEpsilon)))
}
