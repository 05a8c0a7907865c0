package vae

import (
	"math"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/prob"
)

// m2 is the generative semi-supervised model of Kingma, Rezende, Mohamed & Welling,
// arXiv:1406.5298, sec. 2.2, of vectors v: a class y and a style z independent of it,
//
//	p(y) = 1/K,  p(z) = N(0, I),  p(v|y,z);    q(y|v),  q(z|v,y) = N(μ, diag σ²)
//
// The networks are dense, with softplus units. A class enters as a bias of each unit of
// the first layer, so a layer for all classes at once costs one product of v.
type m2 struct {
	classes int   // K
	latent  int   // Z
	hidden  []int // of each of the three networks
	emission
}

// An emission is p(v|h), the distribution of v given the last features of the generator.
type emission interface {
	// input returns what the networks take for v.
	input(b *nn.Builder, v *graph.Node) *graph.Node
	// heads returns the parameters of p(v|h): h (R,F) → each (R,D).
	heads(b *nn.Builder, h *graph.Node, width int) []*graph.Node
	// nll returns −ln p(v|heads): (R,D) → (R), nats.
	nll(v *graph.Node, heads []*graph.Node) *graph.Node
}

// pixelEmission is that of images in [0,1] as Bernoulli probabilities.
type pixelEmission struct{}

func (pixelEmission) input(_ *nn.Builder, v *graph.Node) *graph.Node { return v }

func (pixelEmission) heads(b *nn.Builder, h *graph.Node, width int) []*graph.Node {
	return []*graph.Node{b.Dense("logits", h, width, nn.None)}
}

func (pixelEmission) nll(v *graph.Node, heads []*graph.Node) *graph.Node {
	return prob.BernoulliNLL(v, heads[0])
}

// codeEmission is that of the codes of a VAE, each N(μ, σ²) with a σ of its own. A unit
// that the VAE does not use is noise: the networks take 0 for it, and it stays N(0, 1).
type codeEmission struct{ latent int }

const activeUnits = "encoder/in_use" // (Z), 1 for a unit in use, else 0

func (c codeEmission) active(b *nn.Builder) *graph.Node {
	return b.Network("encoder").Buffer("in_use", nn.Constant(1), c.latent)
}

func (c codeEmission) input(b *nn.Builder, v *graph.Node) *graph.Node {
	return graph.Mul(v, c.active(b))
}

func (c codeEmission) heads(b *nn.Builder, h *graph.Node, width int) []*graph.Node {
	mu, logVar := b.Dense("mean", h, width, nn.None), b.Dense("log_var", h, width, nn.None)
	return []*graph.Node{graph.Mul(mu, c.active(b)), graph.Mul(logVar, c.active(b))}
}

func (codeEmission) nll(v *graph.Node, heads []*graph.Node) *graph.Node {
	return graph.Neg(prob.GaussianLogDensity(v, heads[0], heads[1]))
}

// classDense returns a softplus layer of v and the class:
//
//	softplus(v·W + y·U + b)
//
// v (n,D), y (n,K) one-hot → (n,units). With y nil it is the layer for each class in
// turn, v (n,D) or (n·K,D) → (n·K,units), image by image.
func (m m2) classDense(b *nn.Builder, name string, n int, v, y *graph.Node, units int) *graph.Node {
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

// hiddenLayers returns the output of the hidden layers after the first.
func (m m2) hiddenLayers(b *nn.Builder, h *graph.Node) *graph.Node {
	for i, units := range m.hidden[1:] {
		h = b.Dense(nn.LayerName("dense", i+1), h, units, graph.Softplus)
	}
	return h
}

// classify returns the logits of q(y|v): v (n,D) → (n,K).
func (m m2) classify(b *nn.Builder, v *graph.Node) *graph.Node {
	c := b.Network("classifier")
	h := c.Dense("dense", c.Input("input_3", m.input(b, v)), m.hidden[0], graph.Softplus)
	return c.Dense("class", m.hiddenLayers(c, h), m.classes, nn.None)
}

// infer returns q(z|v,y), of each class in turn if y is nil.
func (m m2) infer(b *nn.Builder, n int, v, y *graph.Node) (mu, logVar *graph.Node) {
	i := b.Network("inference")
	h := m.hiddenLayers(i, m.classDense(i, "dense", n, i.Input("input_4", m.input(b, v)), y, m.hidden[0]))
	return i.Dense("z_mean", h, m.latent, nn.None), i.Dense("z_log_var", h, m.latent, nn.None)
}

// generate returns the parameters of p(v|y,z), of each class in turn if y is nil.
func (m m2) generate(b *nn.Builder, n int, z, y *graph.Node, width int) []*graph.Node {
	g := b.Network("generator")
	h := m.hiddenLayers(g, m.classDense(g, "dense", n, g.Input("input_5", z), y, m.hidden[0]))
	return m.heads(g, h, width)
}

// repeatForClasses returns each row of v once for each class: (n,D) → (n·K,D).
func (m m2) repeatForClasses(v *graph.Node) *graph.Node {
	n, d := v.Shape()[0], v.Shape()[1]
	return graph.Reshape(graph.BroadcastTo(graph.Reshape(v, n, 1, d), n, m.classes, d), n*m.classes, d)
}

// A classPosterior is q(z|v,y) of some rows and a draw of it.
type classPosterior struct {
	mu, logVar, z *graph.Node // (R,Z)
	nll           *graph.Node // −ln p(v|y,z): (R), nats
	kl            *graph.Node // KL(q(z|v,y) ‖ p(z)): (R), nats
}

// posterior draws a style for each row: v (n,D), y (n,K), or with y nil for each class in
// turn, (n·K) rows. A row has the same noise for every class, so that classes differ by
// the class alone.
func (m m2) posterior(b *nn.Builder, v, y, key *graph.Node, stream string) classPosterior {
	n, d := v.Shape()[0], v.Shape()[1]
	mu, logVar := m.infer(b, n, v, y)
	eps := graph.Normal(key, stream, n, m.latent)
	if y == nil {
		eps, v = m.repeatForClasses(eps), m.repeatForClasses(v)
	}
	z := b.Network("inference").Layer("sampling", "Sampling", prob.Reparameterize(mu, logVar, eps), mu, logVar)
	return classPosterior{mu, logVar, z, m.nll(v, m.generate(b, n, z, y, d)), prob.GaussianKL(mu, logVar)}
}

// labelledBound returns the bound of −ln p(v,y) of each row, eq. 6:
//
//	L(v,y) = −ln p(v|y,z) − ln p(y) + KL(q(z|v,y) ‖ p(z))
func (m m2) labelledBound(q classPosterior) *graph.Node {
	return graph.AddScalar(graph.Add(q.nll, q.kl), math.Log(float64(m.classes)))
}

// unlabelledBound returns the bound of −ln p(v) of each row, eq. 7, and the logits of q(y|v):
//
//	U(v) = Σ_y q(y|v) (L(v,y) + ln q(y|v))
//
// v (n,D) → (n), (n,K).
func (m m2) unlabelledBound(b *nn.Builder, v, key *graph.Node, stream string) (bound, logits *graph.Node) {
	logits = m.classify(b, v)
	logq := prob.LogSoftmax(logits)
	each := graph.Reshape(m.labelledBound(m.posterior(b, v, nil, key, stream)), -1, m.classes)
	return graph.Sum(graph.Mul(graph.Exp(logq), graph.Add(each, logq)), 1), logits
}

// evidence returns an estimate of ln p(v) of each row, whose exponential is unbiased:
//
//	ln Σ_y p(y) p(v|y,z_y) p(z_y) / q(z_y|v,y),   z_y ~ q(z|v,y)
//
// v (n,D) → (n).
func (m m2) evidence(b *nn.Builder, v, key *graph.Node, stream string) *graph.Node {
	q := m.posterior(b, v, nil, key, stream)
	logs := graph.Sub(prob.NormalLogDensity(q.z), graph.Add(prob.GaussianLogDensity(q.z, q.mu, q.logVar), q.nll))
	return prob.LogMeanExp(graph.Reshape(logs, -1, m.classes), 1)
}
