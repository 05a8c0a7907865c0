package vae

import (
	"math"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/prob"
)

// m2 is the generative semi-supervised model of Kingma, Rezende, Mohamed & Welling,
// arXiv:1406.5298, sec. 2.2, of vectors v: a class y and a style z that have nothing
// to do with it,
//
//	p(y) = 1/K,  p(z) = N(0, I),  p(v|y,z);    q(y|v),  q(z|v,y) = N(μ, diag σ²)
//
// The networks are dense, with softplus units. A class enters as a weight for each
// unit of a first layer, so a layer for all classes at once costs one product of v.
type m2 struct {
	classes int   // K
	latent  int   // Z
	hidden  []int // of each of the three networks
	emission
}

// An emission is p(v|h).
type emission interface {
	// visible is what the networks see of v.
	visible(b *nn.Builder, v *graph.Node) *graph.Node
	// heads are the parameters of p(v|h): h (R,F) → each (R,D).
	heads(b *nn.Builder, h *graph.Node, width int) []*graph.Node
	// nll is −ln p(v|heads): (R,D) → (R), nats.
	nll(v *graph.Node, heads []*graph.Node) *graph.Node
}

// pixels are those of images in [0,1] as Bernoulli probabilities.
type pixels struct{}

func (pixels) visible(_ *nn.Builder, v *graph.Node) *graph.Node { return v }

func (pixels) heads(b *nn.Builder, h *graph.Node, width int) []*graph.Node {
	return []*graph.Node{b.Dense("logits", h, width, nn.None)}
}

func (pixels) nll(v *graph.Node, heads []*graph.Node) *graph.Node {
	return prob.BernoulliNLL(v, heads[0])
}

// codes are those of a VAE, each N(μ, σ²) with a σ of its own. Of a unit that the VAE
// does not use they are noise, which the networks are spared: it stays N(0, 1).
type codes struct{ latent int }

const unitsInUse = "encoder/in_use" // (Z), 1 for a unit in use, else 0

func (c codes) inUse(b *nn.Builder) *graph.Node {
	return b.Network("encoder").Buffer("in_use", nn.Constant(1), c.latent)
}

func (c codes) visible(b *nn.Builder, v *graph.Node) *graph.Node { return graph.Mul(v, c.inUse(b)) }

func (c codes) heads(b *nn.Builder, h *graph.Node, width int) []*graph.Node {
	mu, logVar := b.Dense("mean", h, width, nn.None), b.Dense("log_var", h, width, nn.None)
	return []*graph.Node{graph.Mul(mu, c.inUse(b)), graph.Mul(logVar, c.inUse(b))}
}

func (codes) nll(v *graph.Node, heads []*graph.Node) *graph.Node {
	return graph.Neg(prob.GaussianLogDensity(v, heads[0], heads[1]))
}

// given returns a softplus layer of v and the class:
//
//	softplus(v·W + y·U + b)
//
// v (n,D), y (n,K) one-hot → (n,units). With y nil it is the layer for each class in
// turn, v (n,D) or (n·K,D) → (n·K,units), image by image.
func (m m2) given(b *nn.Builder, name string, n int, v, y *graph.Node, units int) *graph.Node {
	h := graph.MatMul(v, b.Param(name+"/kernel", b.Kernel, v.Shape()[1], units))
	u := b.Param(name+"/class", b.Kernel, m.classes, units)
	if y != nil {
		h = graph.Add(h, graph.MatMul(y, u))
	} else {
		h = graph.Reshape(graph.Add(graph.Reshape(h, n, -1, units), u), n*m.classes, units)
	}
	h = graph.Add(h, b.Param(name+"/bias", b.Bias, units))
	return b.Layer(name, "Dense", graph.Softplus(h), v)
}

// hiddenLayers returns those after the first.
func (m m2) hiddenLayers(b *nn.Builder, h *graph.Node) *graph.Node {
	for i, units := range m.hidden[1:] {
		h = b.Dense(nn.LayerName("dense", i+1), h, units, graph.Softplus)
	}
	return h
}

// classify gives the logits of q(y|v): v (n,D) → (n,K).
func (m m2) classify(b *nn.Builder, v *graph.Node) *graph.Node {
	c := b.Network("classifier")
	h := c.Dense("dense", c.Input("input_3", m.visible(b, v)), m.hidden[0], graph.Softplus)
	return c.Dense("class", m.hiddenLayers(c, h), m.classes, nn.None)
}

// infer returns q(z|v,y), of each class in turn if y is nil.
func (m m2) infer(b *nn.Builder, n int, v, y *graph.Node) (mu, logVar *graph.Node) {
	i := b.Network("inference")
	h := m.hiddenLayers(i, m.given(i, "dense", n, i.Input("input_4", m.visible(b, v)), y, m.hidden[0]))
	return i.Dense("z_mean", h, m.latent, nn.None), i.Dense("z_log_var", h, m.latent, nn.None)
}

// generate gives the parameters of p(v|y,z), of each class in turn if y is nil.
func (m m2) generate(b *nn.Builder, n int, z, y *graph.Node, width int) []*graph.Node {
	g := b.Network("generator")
	h := m.hiddenLayers(g, m.given(g, "dense", n, g.Input("input_5", z), y, m.hidden[0]))
	return m.heads(g, h, width)
}

// every repeats the rows of v for each class: (n,D) → (n·K,D).
func (m m2) every(v *graph.Node) *graph.Node {
	n, d := v.Shape()[0], v.Shape()[1]
	return graph.Reshape(graph.BroadcastTo(graph.Reshape(v, n, 1, d), n, m.classes, d), n*m.classes, d)
}

// styled is q(z|v,y) of some rows, a draw of it, −ln p(v|y,z), and the KL.
type styled struct{ mu, logVar, z, nll, kl *graph.Node }

// sample draws a style for each row: v (n,D), y (n,K), or with y nil for each class in
// turn, (n·K) rows. A row has the same noise for every class: what is left is the
// difference between them.
func (m m2) sample(b *nn.Builder, v, y, key *graph.Node, stream string) styled {
	n, d := v.Shape()[0], v.Shape()[1]
	mu, logVar := m.infer(b, n, v, y)
	eps := graph.Normal(key, stream, n, m.latent)
	if y == nil {
		eps, v = m.every(eps), m.every(v)
	}
	z := b.Network("inference").Layer("sampling", "Sampling", prob.Reparameterize(mu, logVar, eps), mu, logVar)
	return styled{mu, logVar, z, m.nll(v, m.generate(b, n, z, y, d)), prob.GaussianKL(mu, logVar)}
}

// bound returns that of −ln p(v,y) of each row, eq. 6:
//
//	L(v,y) = −ln p(v|y,z) − ln p(y) + KL(q(z|v,y) ‖ p(z))
func (m m2) bound(q styled) *graph.Node {
	return graph.AddScalar(graph.Add(q.nll, q.kl), math.Log(float64(m.classes)))
}

// unlabelled returns the bound of −ln p(v) of each row, eq. 7, and the logits of q(y|v):
//
//	U(v) = Σ_y q(y|v) (L(v,y) + ln q(y|v))
//
// v (n,D) → (n), (n,K).
func (m m2) unlabelled(b *nn.Builder, v, key *graph.Node, stream string) (bound, logits *graph.Node) {
	logits = m.classify(b, v)
	logq := prob.LogSoftmax(logits)
	each := graph.Reshape(m.bound(m.sample(b, v, nil, key, stream)), -1, m.classes)
	return graph.Sum(graph.Mul(graph.Exp(logq), graph.Add(each, logq)), 1), logits
}

// evidence returns an estimate of ln p(v) of each row, whose exponential is unbiased:
//
//	ln Σ_y p(y) p(v|y,z_y) p(z_y) / q(z_y|v,y),   z_y ~ q(z|v,y)
//
// v (n,D) → (n).
func (m m2) evidence(b *nn.Builder, v, key *graph.Node, stream string) *graph.Node {
	q := m.sample(b, v, nil, key, stream)
	logs := graph.Sub(prob.NormalLogDensity(q.z), graph.Add(prob.GaussianLogDensity(q.z, q.mu, q.logVar), q.nll))
	return prob.LogMeanExp(graph.Reshape(logs, -1, m.classes), 1)
}
