package vae

import (
	"fmt"
	"strconv"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/prob"
)

// The metrics of semi-supervised models, beside those of package model.
const (
	metricUnlabelled     = "unlabelled"     // U of the images, nats
	metricLabelled       = "labelled"       // L of the labelled images, nats
	metricClassification = "classification" // −ln q(y|v) of the labelled images, nats
	metricStyleKL        = "style_kl"       // KL(q(z|v,y) ‖ p(z)) of those, nats: 0 where the style is not in use
	metricAccuracy       = "accuracy"       // share of images with a label that q(y|v) classifies correctly, 0 to 1
)

// m2Loss is the loss of M2 on a batch, eq. 9 an image:
//
//	loss = mean U + weight·mean L + alpha·mean −ln q(y|v)
//
// the last two over labelled images. In the paper weight is the share of the images
// that are labelled.
type m2Loss struct{ weight, alpha float64 }

// metrics returns the loss and its parts, of vectors v and of labelled ones.
func (l m2Loss) metrics(in *Inputs, m m2, v, labelled *graph.Node) []graph.Output {
	bound, _ := m.unlabelledBound(in.Builder, v, in.Key, "style")
	u := in.metric(metricUnlabelled, bound)
	q := m.posterior(in.Builder, labelled, in.LabelledY, in.Key, "labelled style")
	labelledBound := graph.Mean(m.labelledBound(q))
	cross := graph.Mean(prob.CategoricalNLL(in.LabelledY, m.classify(in.Builder, labelled)))
	loss := graph.Add(u.Value, graph.Add(graph.Scale(labelledBound, l.weight), graph.Scale(cross, l.alpha))) // eq. 9
	return []graph.Output{
		{Name: model.Loss, Value: graph.Tag(loss, model.Loss)}, u,
		{Name: metricLabelled, Value: graph.Tag(labelledBound, metricLabelled)},
		{Name: metricClassification, Value: graph.Tag(cross, metricClassification)},
		{Name: metricStyleKL, Value: graph.Tag(graph.Mean(q.kl), metricStyleKL)},
	}
}

func (l m2Loss) formula() string {
	g := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	return "U(v) + " + g(l.weight) + "·L(v, y) + " + g(l.alpha) + "·(−ln q(y|v))"
}

// m1 is M1 of Kingma et al., arXiv:1406.5298, sec. 2.1: a VAE, and a classifier of its
// codes that is trained on the labelled images, with a new draw from q(z|x) of each at
// each step.
type m1 struct {
	elbo
	net m2 // its classifier alone
}

func (d m1) classify(in *Inputs) *graph.Node {
	mu, _ := d.encode(in)
	return prob.Softmax(d.net.classify(in.Builder, mu))
}

func (d m1) terms(in *Inputs) []Term {
	terms := d.elbo.terms(in)
	return append(terms, Term{metricAccuracy, accuracy(d.classify(in), in.Labels)})
}

// pretraining returns the phase that trains the VAE.
func (d m1) pretraining(epochs int) phase {
	return phase{name: "vae", epochs: epochs, updates: minimize("vae", adam("vae"), func(in *Inputs) []graph.Output {
		return in.metrics(d.elbo.terms(in))
	})}
}

func (d m1) phases(pretrain int) []phase {
	classifier := func(in *Inputs) []graph.Output {
		v := d.code(in.withImages(in.LabelledX, in.LabelledY), "labelled code")
		cross := graph.Mean(prob.CategoricalNLL(in.LabelledY, d.net.classify(in.Builder, v)))
		return []graph.Output{{Name: model.Loss, Value: graph.Tag(cross, metricClassification)}}
	}
	return []phase{
		d.pretraining(pretrain),
		{name: "classifier", updates: minimize("classifier", adam("classifier"), classifier, "encoder", "decoder")},
	}
}

// code returns a draw of the code of each image, which no gradient passes.
func (d m1) code(in *Inputs, stream string) *graph.Node {
	in = in.withTarget(d.likelihood)
	mu, logVar := d.encode(in)
	return graph.StopGradient(prob.GaussianSample(mu, logVar, in.Key, stream))
}

func (d m1) objective(s SemiSupervision, pretrain int) objective {
	return objective{
		kind: "m1", latent: d.latent, likelihood: d.likelihood, formula: d.elbo.formula() + "; then −ln q(y|z) of the labelled images",
		terms: d.terms, encode: d.encode, decode: d.decode, logWeights: d.logWeights, classify: d.classify,
		supervision: s.supervision(), phases: d.phases(pretrain),
	}
}

// m2Image is M2 of images.
type m2Image struct {
	m2
	m2Loss
	likelihood likelihood.Likelihood // of the pixels, as the emission has it
	img        medium.Item
}

// vectors returns images as rows: (B,H,W,C) → (B,D).
func (d m2Image) vectors(x *graph.Node) *graph.Node { return graph.Reshape(x, x.Shape()[0], -1) }

func (d m2Image) classify(in *Inputs) *graph.Node {
	return prob.Softmax(d.m2.classify(in.Builder, d.vectors(in.X)))
}

// labels returns the label of each image, or else the most probable class: (B,K).
func (d m2Image) labels(in *Inputs) *graph.Node {
	return labelsOr(in.Labels, argmaxOneHot(d.classify(in)))
}

// encode returns q(z|x,y) of that class.
func (d m2Image) encode(in *Inputs) (mu, logVar *graph.Node) {
	return d.infer(in.Builder, in.X.Shape()[0], d.vectors(in.X), d.labels(in))
}

// decode returns the logits of p(x|y,z) with the labels, or else with a class drawn.
func (d m2Image) decode(in *Inputs, z *graph.Node) *graph.Node {
	return d.logits(in, z, labelsOr(in.Labels, uniformOneHot(in.Key, "class", z.Shape()[0], d.classes)))
}

// logits returns those of p(x|y,z): z (n,Z), y (n,K) → (n,H,W,C).
func (d m2Image) logits(in *Inputs, z, y *graph.Node) *graph.Node {
	n := z.Shape()[0]
	logits := d.generate(in.Builder, n, z, y, d.img.Size())[0]
	return graph.Reshape(logits, d.img.Batch(n)...)
}

func (d m2Image) terms(in *Inputs) []Term {
	bound, logits := d.unlabelledBound(in.Builder, d.vectors(in.X), in.Key, "style")
	return []Term{{model.Loss, bound}, {metricAccuracy, accuracy(logits, in.Labels)}}
}

func (d m2Image) logWeights(in *Inputs, k int) *graph.Node {
	return graph.Reshape(d.evidence(in.Builder, repeat(d.vectors(in.X), k), in.Key, "style"), k, -1)
}

func (d m2Image) sample(in *Inputs, n int) *graph.Node {
	return d.decode(in, graph.Normal(in.Key, "style", n, d.latent))
}

// reconstruct returns the logits of the label, or else of the most probable class.
func (d m2Image) reconstruct(in *Inputs) *graph.Node {
	mu, _ := d.encode(in)
	return d.logits(in, mu, d.labels(in))
}

func (d m2Image) objective(s SemiSupervision) objective {
	return objective{
		kind: "m2", latent: d.latent, likelihood: d.likelihood, formula: "loss = " + d.m2Loss.formula() + " with v = x, nats per image",
		terms: d.terms, encode: d.encode, decode: d.decode, reconstruct: d.reconstruct, sample: d.sample, logWeights: d.logWeights, classify: d.classify,
		takesLabels: model.Conditioning{Decode: true, Sample: true}, supervision: s.supervision(),
		phases: []phase{{name: "m2", updates: minimize("m2", adam("m2"), func(in *Inputs) []graph.Output {
			return d.m2Loss.metrics(in, d.m2, d.vectors(in.X), d.vectors(in.LabelledX))
		})}},
	}
}

// m1m2 is M1+M2, sec. 2.3: M1 is trained as a VAE, then M2 on draws of its codes,
// p(x, y, z₁, z₂) = p(y) p(z₂) p(z₁|y,z₂) p(x|z₁).
type m1m2 struct {
	m1
	m2Loss
}

// terms returns the bound of the whole:
//
//	−ln p(x) ≤ −ln p(x|z₁) + ln q(z₁|x) + U(z₁),   z₁ ~ q(z₁|x)
//
// ln q(z₁|x) + U(z₁) bounds the KL to the prior of z₁, which is M2.
func (d m1m2) terms(in *Inputs) []Term {
	in = in.withTarget(d.likelihood)
	mu, logVar := d.encode(in)
	z := prob.GaussianSample(mu, logVar, in.Key, "posterior")
	z = in.Builder.Network("encoder").Layer("sampling", "Sampling", z, mu, logVar)
	bound, _ := d.net.unlabelledBound(in.Builder, z, in.Key, "style")
	reconstruction := in.reconstructionLoss(d.likelihood, d.decode(in, z))
	kl := graph.Add(prob.GaussianLogDensity(z, mu, logVar), bound)
	return []Term{{model.Loss, graph.Add(reconstruction, kl)}, {model.Reconstruction, reconstruction}, {model.KL, kl}, {metricAccuracy, accuracy(d.classify(in), in.Labels)}}
}

func (d m1m2) phases(pretrain int) []phase {
	return []phase{
		d.pretraining(pretrain),
		{name: "m2", init: d.initActiveUnits, updates: minimize("m2", adam("m2"), func(in *Inputs) []graph.Output {
			return d.m2Loss.metrics(in, d.net, d.code(in, "code"), d.code(in.withImages(in.LabelledX, in.LabelledY), "labelled code"))
		}, "encoder", "decoder")},
	}
}

// initActiveUnits finds the units that M1 uses: those whose mean has a standard deviation
// of more than 0.1 over the training images, as in the authors' program. In the
// other units the code is noise.
func (d m1m2) initActiveUnits(m *model.Model, c model.InitContext) error {
	out, err := c.Run(m.Encode)
	if err != nil {
		return err
	}
	active := tensor.New(tensor.Float32, d.latent)
	for j, variance := range unitVariances(out[model.OutputMean], d.latent) {
		if variance > 0.1*0.1 {
			active.F32()[j] = 1
		}
	}
	return c.Set(activeUnits, active)
}

// logWeights returns ln p(x|z₁) + ln p(z₁) − ln q(z₁|x), with the estimate of p(z₁) that
// one draw of z₂ for each class gives.
func (d m1m2) logWeights(in *Inputs, k int) *graph.Node {
	in = in.withTarget(d.likelihood)
	mu, logVar := d.encode(in)
	s := samplePosterior(in, mu, logVar, k)
	w, _ := importanceWeights(in, d.likelihood, s, d.decode)
	prior := graph.Sub(d.net.evidence(in.Builder, s.z, in.Key, "style"), prob.NormalLogDensity(s.z))
	return graph.Add(w, graph.Reshape(prior, k, -1))
}

// sample draws a style, and a class where none is given; then a code, and the image.
func (d m1m2) sample(in *Inputs, n int) *graph.Node {
	y := labelsOr(in.Labels, uniformOneHot(in.Key, "class", n, d.net.classes))
	z2 := graph.Normal(in.Key, "style", n, d.net.latent)
	heads := d.net.generate(in.Builder, n, z2, y, d.latent)
	return d.decode(in, prob.GaussianSample(heads[0], heads[1], in.Key, "code"))
}

func (d m1m2) objective(s SemiSupervision, pretrain int) objective {
	return objective{
		kind: "m1m2", latent: d.latent, likelihood: d.likelihood,
		formula: fmt.Sprintf("%s; then loss = %s with v = z ~ q(z|x)", d.elbo.formula(), d.m2Loss.formula()),
		terms:   d.terms, encode: d.encode, decode: d.decode, sample: d.sample, logWeights: d.logWeights, classify: d.classify,
		takesLabels: model.Conditioning{Sample: true}, supervision: s.supervision(), phases: d.phases(pretrain),
	}
}
