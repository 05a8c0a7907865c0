package vae

import (
	"fmt"
	"strconv"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/prob"
)

// The metrics of semi-supervised models, beside those of package model.
const (
	unlabelledBound = "unlabelled"     // U of the images, nats
	labelledBound   = "labelled"       // L of the labelled images, nats
	classification  = "classification" // −ln q(y|v) of the labelled images, nats
	styleKL         = "style_kl"       // KL(q(z|v,y) ‖ p(z)) of those, nats: 0 where the style is not in use
	hits            = "accuracy"       // share of images with a known class that q(y|v) finds, 0 to 1
)

// The loss of M2 on a batch, eq. 9 an image:
//
//	loss = mean U + weight·mean L + alpha·mean −ln q(y|v)
//
// the last two over labelled images. In the paper weight is the share of the images
// that are labelled.
type semiLoss struct{ weight, alpha float64 }

func (l semiLoss) goal(s *class, m m2, v, labelled *graph.Node) []graph.Output {
	bound, _ := m.unlabelled(s.b, v, s.key, "style")
	u := s.mean(unlabelledBound, bound)
	q := m.sample(s.b, labelled, s.labelledY, s.key, "labelled style")
	known := graph.Mean(m.bound(q))
	cross := graph.Mean(prob.CategoricalNLL(s.labelledY, m.classify(s.b, labelled)))
	loss := graph.Add(u.Value, graph.Add(graph.Scale(known, l.weight), graph.Scale(cross, l.alpha)))
	return []graph.Output{
		{Name: model.Loss, Value: graph.Tag(loss, model.Loss)}, u,
		{Name: labelledBound, Value: graph.Tag(known, labelledBound)},
		{Name: classification, Value: graph.Tag(cross, classification)},
		{Name: styleKL, Value: graph.Tag(graph.Mean(q.kl), styleKL)},
	}
}

func (l semiLoss) formula() string {
	g := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	return "U(v) + " + g(l.weight) + "·L(v, y) + " + g(l.alpha) + "·(−ln q(y|v))"
}

// latentFeatures is M1 of Kingma et al., arXiv:1406.5298, sec. 2.1: a VAE, and a
// classifier of its codes that is trained on the labelled images, with a new draw
// from q(z|x) of each at each step.
type latentFeatures struct {
	elbo
	net m2 // its classifier alone
}

func (d latentFeatures) probs(s *scene) *graph.Node {
	mu, _ := d.encode(s)
	return prob.Softmax(d.net.classify(s.b, mu))
}

func (d latentFeatures) terms(s *scene) []term {
	terms := d.elbo.terms(s)
	return append(terms, term{hits, accuracy(d.probs(s), s.labels)})
}

func (d latentFeatures) lessons(pretrain int) []lesson {
	return []lesson{
		{name: "vae", epochs: pretrain, adam: adam, goal: func(s *class) []graph.Output { return s.means(d.elbo.terms(s.scene)) }},
		{name: "classifier", adam: adam, frozen: []string{"encoder", "decoder"}, goal: func(s *class) []graph.Output {
			v := d.code(s.of(s.labelledX, s.labelledY), "labelled code")
			cross := graph.Mean(prob.CategoricalNLL(s.labelledY, d.net.classify(s.b, v)))
			return []graph.Output{{Name: model.Loss, Value: graph.Tag(cross, classification)}}
		}},
	}
}

// code returns a draw of the code of each image, which no gradient passes.
func (d latentFeatures) code(s *scene, stream string) *graph.Node {
	s = d.seen(s)
	mu, logVar := d.encode(s)
	return graph.StopGradient(prob.GaussianSample(mu, logVar, s.key, stream))
}

func (d latentFeatures) objective() string {
	return d.elbo.objective() + "; then −ln q(y|z) of the labelled images"
}

// generative is M2 of images.
type generative struct {
	m2
	semiLoss
	likelihood // of the pixels, as the emission has it
	img        model.Image
}

func (d generative) flat(x *graph.Node) *graph.Node { return graph.Reshape(x, x.Shape()[0], -1) }

func (d generative) probs(s *scene) *graph.Node {
	return prob.Softmax(d.classify(s.b, d.flat(s.x)))
}

// class returns the one that is known of each image, or else the likeliest: (B,K).
func (d generative) class(s *scene) *graph.Node { return known(s.labels, largest(d.probs(s))) }

// encode returns q(z|x,y) of that class.
func (d generative) encode(s *scene) (mu, logVar *graph.Node) {
	return d.infer(s.b, s.x.Shape()[0], d.flat(s.x), d.class(s))
}

// decode returns p(x|y,z) of the class that the labels say, or else of one drawn.
func (d generative) decode(s *scene, z *graph.Node) *graph.Node {
	return d.decodeAs(s, z, known(s.labels, oneOf(s.key, "class", z.Shape()[0], d.classes)))
}

// decodeAs returns p(x|y,z): y (B,K).
func (d generative) decodeAs(s *scene, z, y *graph.Node) *graph.Node {
	n := z.Shape()[0]
	logits := d.generate(s.b, n, z, y, d.img.Size())[0]
	return graph.Reshape(logits, n, d.img.H, d.img.W, d.img.C)
}

func (d generative) terms(s *scene) []term {
	bound, logits := d.unlabelled(s.b, d.flat(s.x), s.key, "style")
	return []term{{model.Loss, bound}, {hits, accuracy(logits, s.labels)}}
}

func (d generative) logWeights(s *scene, k int) *graph.Node {
	return graph.Reshape(d.evidence(s.b, repeat(d.flat(s.x), k), s.key, "style"), k, -1)
}

func (d generative) draw(s *scene, n int) *graph.Node {
	return d.decode(s, graph.Normal(s.key, "style", n, d.latent))
}

// reconstruct returns of the class that is known, or else of the likeliest.
func (d generative) reconstruct(s *scene) *graph.Node {
	mu, _ := d.encode(s)
	return d.decodeAs(s, mu, d.class(s))
}

func (d generative) lessons() []lesson {
	return []lesson{{name: "m2", adam: adam, goal: func(s *class) []graph.Output {
		return d.goal(s, d.m2, d.flat(s.x), d.flat(s.labelledX))
	}}}
}

func (d generative) objective() string {
	return "loss = " + d.semiLoss.formula() + " with v = x, nats per image"
}

// stacked is M1+M2, sec. 2.3: M1 is trained as a VAE, then M2 on draws of its codes,
// p(x, y, z₁, z₂) = p(y) p(z₂) p(z₁|y,z₂) p(x|z₁).
type stacked struct {
	latentFeatures
	semiLoss
}

// terms returns the bound of the whole:
//
//	−ln p(x) ≤ −ln p(x|z₁) + ln q(z₁|x) + U(z₁),   z₁ ~ q(z₁|x)
//
// in which ln q(z₁|x) + U(z₁) is the KL to the prior that M2 is of z₁.
func (d stacked) terms(s *scene) []term {
	s = d.seen(s)
	mu, logVar := d.encode(s)
	z := prob.GaussianSample(mu, logVar, s.key, "posterior")
	z = s.b.Network("encoder").Layer("sampling", "Sampling", z, mu, logVar)
	bound, _ := d.net.unlabelled(s.b, z, s.key, "style")
	rec := d.error(s, d.decode(s, z))
	kl := graph.Add(prob.GaussianLogDensity(z, mu, logVar), bound)
	return []term{{model.Loss, graph.Add(rec, kl)}, {model.Reconstruction, rec}, {model.KL, kl}, {hits, accuracy(d.probs(s), s.labels)}}
}

func (d stacked) lessons(pretrain int) []lesson {
	m1 := d.latentFeatures.lessons(pretrain)[0]
	return []lesson{m1, {name: "m2", begin: d.choose, adam: adam, frozen: []string{"encoder", "decoder"}, goal: func(s *class) []graph.Output {
		return d.goal(s, d.net, d.code(s.scene, "code"), d.code(s.of(s.labelledX, s.labelledY), "labelled code"))
	}}}
}

// choose finds the units that M1 uses: those whose mean moves over the training images
// by a standard deviation of more than 0.1, as in the authors' program. Of the others a
// code is noise.
func (d stacked) choose(m *staged, s model.InitContext) error {
	out, err := s.Run(m.Encode)
	if err != nil {
		return err
	}
	inUse := tensor.New(tensor.Float32, d.latent)
	for j, variance := range variancesOf(out[model.OutputMean], d.latent) {
		if variance > 0.1*0.1 {
			inUse.F32()[j] = 1
		}
	}
	return s.Set(unitsInUse, inUse)
}

// logWeights returns ln p(x|z₁) + ln p(z₁) − ln q(z₁|x), with the estimate of p(z₁) that
// one draw of z₂ for each class gives.
func (d stacked) logWeights(s *scene, k int) *graph.Node {
	s = d.seen(s)
	mu, logVar := d.encode(s)
	z := drawsOf(s, mu, logVar, k)
	w, _ := d.weights(s, z, d.decode)
	prior := graph.Sub(d.net.evidence(s.b, z.z, s.key, "style"), prob.NormalLogDensity(z.z))
	return graph.Add(w, graph.Reshape(prior, k, -1))
}

// draw draws a style, and a class where none is given; then a code, and the image.
func (d stacked) draw(s *scene, n int) *graph.Node {
	y := known(s.labels, oneOf(s.key, "class", n, d.net.classes))
	z2 := graph.Normal(s.key, "style", n, d.net.latent)
	heads := d.net.generate(s.b, n, z2, y, d.latent)
	return d.decode(s, prob.GaussianSample(heads[0], heads[1], s.key, "code"))
}

func (d stacked) objective() string {
	return fmt.Sprintf("%s; then loss = %s with v = z ~ q(z|x)", d.elbo.objective(), d.semiLoss.formula())
}
