package nn

import (
	"github.com/imago-ml/imago/engine/graph"
)

const (
	normEpsilon = 1e-5 // added to the variance
	normDecay   = 0.9  // of the running statistics, a step
)

// BatchNorm returns y = act(γ·(x − μ)/√(σ² + 1e-5) + β), channel by channel, with
// parameters name/gamma, which starts as b.Gamma, and name/beta (C). Ioffe &
// Szegedy, arXiv:1502.03167, alg. 1.
//
// Where b.Training is set, μ and σ² are the mean and the variance (of 1/n) of x
// over all axes but the last, and the gradient passes through both. The running
// statistics name/moving_mean and name/moving_variance (C) are to be updated:
//
//	r ← 0.9·r + 0.1·s      s = μ, and σ²·n/(n−1)
//
// see Updates. Where it is not set, they are μ and σ², and each image has the
// result that it has in any other company.
//
// x (B, …, C) → (B, …, C).
func (b *Builder) BatchNorm(name string, x *graph.Node, act Activation) *graph.Node {
	s := x.Shape()
	last := len(s) - 1
	if last < 1 || b.Training && s.Size() == s[last] {
		panic(&graph.ShapeError{Op: "batch_norm " + name, In: []graph.Shape{s}, Want: "want (B, …, C), in training with two values a channel or more"})
	}
	c := s[last]
	gamma, beta := b.Param(name+"/gamma", b.Gamma, c), b.Param(name+"/beta", Zeros, c)
	center, variance := b.Buffer(name+"/moving_mean", Zeros, c), b.Buffer(name+"/moving_variance", Constant(1), c)
	var d *graph.Node
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
		d = graph.Sub(x, mu)
		// Not E[x²] − μ², which cancels where the mean is far from 0.
		sigma2 := mean(graph.Square(d))
		b.average(center, mu)
		b.average(variance, graph.Scale(sigma2, n/(n-1)))
		variance = sigma2
	} else {
		d = graph.Sub(x, center)
	}
	scale := graph.Div(gamma, graph.Sqrt(graph.AddScalar(variance, normEpsilon)))
	y := graph.Add(graph.Mul(d, scale), beta)
	return b.Layer(name, "BatchNormalization", act(y), x)
}

// average notes a running average of a statistic: of a network that is applied
// twice, one after the other.
func (b *Builder) average(running, s *graph.Node) {
	i := 0
	for i < len(b.all.updates) && b.all.updates[i].State != running {
		i++
	}
	if i == len(b.all.updates) {
		b.all.updates = append(b.all.updates, graph.Update{State: running, Value: running})
	}
	decay := float64(float32(normDecay))
	u := &b.all.updates[i]
	u.Value = graph.Tag(graph.Add(graph.Scale(u.Value, decay), graph.Scale(s, 1-decay)), running.Name())
}

// Buffer returns a parameter that is not learned by gradient: averaged over steps, or set
// when training begins.
func (b *Builder) Buffer(name string, init Init, shape ...int) *graph.Node {
	return b.declare(Param{Name: b.full(name), Shape: shape, Init: init, Buffer: true})
}
