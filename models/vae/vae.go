// Package vae is the family of variational autoencoders, and of the plain ones
// that they are compared with.
//
// What its models share is written once: step.go makes the functions of a model
// from its design, elbo.go is the evidence bound, weights.go its importance weights,
// likelihood.go the table of −ln p(x|z). A pair of networks is a file (mlp.go,
// cnn.go), and so is what a model changes: the weight of the KL (beta.go), what else
// holds the codes to the prior (mmd.go), the bound (iwae.go), what the networks are
// given (cvae.go), the codes (ladder.go), or everything that makes it a VAE (ae.go).
// What a model can do beside learning follows from its design (able.go). kinds.go
// says what can be configured, and is what cmd/imago registers.
//
// Losses are sums over the pixels of an image, in nats, averaged over images.
// The package knows no data set, no training loop and no device.
package vae

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

// B images, H×W×C pixels, F features, Z latent units, K labels, in every comment of this package.

// A design is what one model of the family says of itself.
type design interface {
	// encode is q(z|x) of the scene's images: mu (B,Z), logVar (B,Z), which is nil in
	// a deterministic design.
	encode(s *scene) (mu, logVar *graph.Node)
	// decode gives the logits of the pixels: z (B,Z) → (B,H,W,C).
	decode(s *scene, z *graph.Node) *graph.Node
	// row is the likelihood of the pixels.
	row() likelihood
	// terms are the numbers of each image of the scene, the first being the loss.
	terms(s *scene) []term
	// objective is the loss in words.
	objective() string
}

// A scene is what a function of a model may depend on, and the networks. What it
// does not depend on is no input of it.
type scene struct {
	b      *nn.Builder
	x      *graph.Node // (B,H,W,C) in [0,1]
	labels *graph.Node // (B,K); nil if K is 0
	weight *graph.Node // (B), 1 or 0; nil where images are scored one by one
	key    *graph.Node // int32 (4), the random key of the batch
	epoch  *graph.Node // (), epochs of training done; nil but in a step of training
}

// total returns Σ weight·value, of value (B).
func (s *scene) total(value *graph.Node) *graph.Node {
	return graph.Sum(graph.Mul(s.weight, value))
}

// A term is a number an image, (B), with the name of its metric.
type term struct {
	name  string
	value *graph.Node
}

// autoencoder is the model made of a design; its functions are in step.go.
type autoencoder struct {
	design
	in       model.Input
	latent   int
	rule     optim.Rule
	params   []nn.Param
	slots    []optim.Slot
	networks []nn.Network
}

// build makes the model of a design, and finds here what does not fit. What the
// model can do is what its design can.
func build(kind string, d design, in model.Input, latent int) (*model.Model, error) {
	m := &autoencoder{design: d, in: in, latent: latent, rule: optim.DefaultAdam()}
	if own, ok := d.(interface{ adam() optim.Adam }); ok {
		m.rule = own.adam()
	}
	err := graph.Try(func() {
		s := m.step(1)
		m.params, m.slots = s.b.Params(), s.slots
		m.networks = nn.WithOverview(kind, s.b.Networks())
	})
	if err != nil {
		return nil, fmt.Errorf("vae: %s for images of %v: %w", kind, in.Image, err)
	}
	return m.declare(), nil
}

// declare returns the model, which can do what its design can.
func (m *autoencoder) declare() *model.Model {
	out := &model.Model{
		Params: m.params, Slots: m.slots, Networks: m.networks, Objective: m.objective(),
		Phases: []model.Phase{{Step: m.Train}}, Eval: m.Eval, Score: m.Score,
		Latent: m.latent, Encode: m.Encode, Decode: m.Decode, Reconstruct: m.Reconstruct,
		Likelihood: m.pixels(),
	}
	switch m.design.(type) {
	case plain, quantized:
		out.Deterministic = true
	case conditional, generative:
		out.TakesLabels = model.Conditioning{Decode: true, Sample: true}
	case stacked:
		out.TakesLabels.Sample = true
	}
	if d, ok := m.design.(beginner); ok {
		out.Phases = []model.Phase{{Name: "train", Step: m.Train, Init: d.begin}}
	}
	if _, ok := m.design.(sampler); ok {
		out.Sample = m.Sample
	}
	if _, ok := m.design.(weigher); ok {
		out.LogWeights = m.LogWeights
	}
	if _, ok := m.design.(classifier); ok {
		out.Classify = m.Classify
	}
	return out
}

// pixels describes the likelihood's row; that of a deterministic design is a distance.
func (m *autoencoder) pixels() *model.Likelihood {
	l := m.row()
	p := &model.Likelihood{Name: l.name, Measure: l.measure, Constant: l.constant * float64(m.in.Size())}
	if _, ok := m.design.(weigher); !ok {
		p.Measure, p.Constant = model.Distance, 0
	}
	return p
}
