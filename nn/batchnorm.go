package nn

import (
	"github.com/imago-ml/imago/engine/graph"
)

const (
	batchNormEpsilon = 1e-5 // is added to the variance
	batchNormDecay   = 0.9  // of the running statistics, for each training step
)

// BatchNorm returns the batch normalisation of x, channel by channel:
//
//	y = act(γ·(x − μ)/√(σ² + 1e-5) + β)
//
// Its parameters are name/gamma γ (C), whose initial value is b.Gamma, and name/beta β (C), which is 0 at first. Ioffe
// & Szegedy, arXiv:1502.03167, alg. 1. If b.Gamma is nil, γ is 1, and no parameter.
//
// If b.Training is set, μ and σ² are the mean and the variance (divided by n) of x over all axes but the last, and the
// gradient passes through both. The running statistics name/moving_mean and name/moving_variance (C), which are
// buffers, get new values r from these statistics s:
//
//	r ← 0.9·r + 0.1·s      s = μ for the mean, s = σ²·n/(n−1) for the variance
//
// The caller adds these updates to those of the optimiser: see Updates. If b.Training is not set, μ and σ² are the
// running statistics, so the result of an image does not depend on the other images of the batch.
//
// x (B, …, C) → (B, …, C). It panics with a *graph.ShapeError if x has fewer than two axes, or in training fewer than
// two values for each channel.
func (b *Builder) BatchNorm(name string, x *graph.Node, act Activation) *graph.Node {
	s := x.Shape()
	last := len(s) - 1
	if last < 1 || b.Training && s.Size() == s[last] {
		panic(&graph.ShapeError{Op: "batch_norm " + name, In: []graph.Shape{s}, Want: "want (B, …, C), in training with two values a channel or more"})
	}
	c := s[last]
	gamma := graph.Const(1)
	if b.Gamma != nil {
		gamma = b.Param(name+"/gamma", b.Gamma, c)
	}
	beta := b.Param(name+"/beta", Zeros, c)
	movingMean, movingVariance := b.Buffer(name+"/moving_mean", Zeros, c), b.Buffer(name+"/moving_variance", Constant(1), c)
	var centred, variance *graph.Node
	if b.Training {
		var axes []int
		for i := range last {
			axes = append(axes, i)
		}
		n := float64(s.Size() / c)
		mean := func(x *graph.Node) *graph.Node { // n is exact in float32, 1/n is not
			return graph.Div(graph.Sum(x, axes...), graph.Const(n))
		}
		mu := mean(x)
		centred = graph.Sub(x, mu)
		// E[x²] − μ² would cancel where the mean is far from 0.
		variance = mean(graph.Square(centred))
		b.updateAverage(movingMean, mu)
		b.updateAverage(movingVariance, graph.Scale(variance, n/(n-1)))
	} else {
		centred, variance = graph.Sub(x, movingMean), movingVariance
	}
	scale := graph.Div(gamma, graph.Sqrt(graph.AddScalar(variance, batchNormEpsilon)))
	y := graph.Add(graph.Mul(centred, scale), beta)
	return b.Layer(name, "BatchNormalization", act(y), x)
}

// updateAverage adds the update running ← 0.9·running + 0.1·s. If the network is applied several times in one step,
// the averages are taken one after the other and become one update.
func (b *Builder) updateAverage(running, s *graph.Node) {
	i := 0
	for i < len(b.shared.updates) && b.shared.updates[i].State != running {
		i++
	}
	if i == len(b.shared.updates) {
		b.shared.updates = append(b.shared.updates, graph.Update{State: running, Value: running})
	}
	decay := float64(float32(batchNormDecay))
	u := &b.shared.updates[i]
	u.Value = graph.Tag(graph.Add(graph.Scale(u.Value, decay), graph.Scale(s, 1-decay)), running.Name())
}
