package vae

import (
	"github.com/imago-ml/imago/engine/graph"
)

// draws are k codes of each image from q(z|x) = N(mu, diag e^logVar), all in one
// matrix: a network is applied to all of them at once, as one product of k·B rows.
// The images of the first draw come first, then those of the second.
type draws struct {
	k     int
	z     *graph.Node // (k·B,Z)
	ratio *graph.Node // (k,B), ln p(z) − ln q(z|x), nats
}

// drawsOf draws z = μ + σ ε, of which
//
//	ln p(z) − ln q(z|x) = ½ Σ_z (ε² + ln σ² − z²)
//
// the constants of the two being the same. Written so, in ε, its gradient is that of
// Burda et al., arXiv:1509.00519, eq. 13. Image i draws the same ε in a batch of any
// size, and as its first the one of prob.GaussianSample.
func drawsOf(s *scene, mu, logVar *graph.Node, k int) draws {
	n, units := mu.Shape()[0], mu.Shape()[1]
	eps := graph.Transpose(graph.Normal(s.key, "posterior", n, k, units), 1, 0, 2)
	z := graph.Add(mu, graph.Mul(graph.Exp(graph.Scale(logVar, 0.5)), eps))
	ratio := graph.Sum(graph.Sub(graph.Add(graph.Square(eps), logVar), graph.Square(z)), 2)
	return draws{k, graph.Reshape(z, k*n, units), graph.Scale(ratio, 0.5)}
}

// repeat repeats images (B,…) k times, as draws are laid out: (k·B,…).
func repeat(x *graph.Node, k int) *graph.Node {
	if x == nil || k == 1 {
		return x
	}
	s := x.Shape()
	all := graph.BroadcastTo(graph.Reshape(x, append([]int{1}, s...)...), append([]int{k}, s...)...)
	return graph.Reshape(all, append([]int{k * s[0]}, s[1:]...)...)
}

// repeated returns the scene with each image k times.
func (s *scene) repeated(k int) *scene {
	t := *s
	t.x, t.labels, t.weight = repeat(s.x, k), repeat(s.labels, k), repeat(s.weight, k)
	return &t
}

// weights returns ln p(x|z) + ln p(z) − ln q(z|x), and −ln p(x|z): (k,B).
func (l likelihood) weights(s *scene, d draws, decode func(s *scene, z *graph.Node) *graph.Node) (w, nll *graph.Node) {
	t := s.repeated(d.k)
	nll = graph.Reshape(l.error(t, decode(t, d.z)), d.k, -1)
	return graph.Sub(d.ratio, nll), nll
}
