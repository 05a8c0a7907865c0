// Package gan is the family of adversarial models: a generator makes images of
// noise, a discriminator tells them from real ones, and each learns from the
// other.
//
// What its models share is written once: step.go makes the functions of a model
// from its design, turns.go puts the updates of an iteration in their order, loss.go
// is the table of losses, penalty.go what the discriminator pays for steep slopes,
// augment.go what is done to the images that it sees, average.go the generator that
// is shown. A pair of networks is a file (dense.go, dcgan.go, residual.go), and so is
// a model with more than two (infogan.go, aae.go, vaegan.go) or with labels
// (conditional.go). kinds.go says what can be configured, and is what package cli
// registers.
//
// Inside, pixels are in [−1, 1], where the generator's tanh ends; the functions of
// a model take and give images in [0, 1]. The package knows no data set, no
// training loop and no device.
package gan

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

// B images, H×W×C pixels, Z units of noise, K labels, in every comment of this package.

// The networks, as they are called in names of parameters and slots.
const (
	generator     = "generator"
	discriminator = "discriminator"
)

// A design is what one model of the family says of itself.
type design interface {
	// generate makes images: z (B,Z) → (B,H,W,C) in [−1, 1]. y (B,K) are the labels that
	// they are to have, nil of a model that is not given any.
	generate(b *nn.Builder, z, y *graph.Node, img model.Image) *graph.Node
	// judge gives the output of the discriminator: x (B,H,W,C) in [−1, 1], said to have
	// the labels y, → (B).
	judge(b *nn.Builder, x, y *graph.Node) *graph.Node
	// turns are the updates of one iteration, in order.
	turns(s *scene) []turn
}

// A player learns by moments of its own.
type player struct {
	name     string // of the moments, optimizer/name
	networks []string
	rate     float64 // its learning rate, as a multiple of the run's
	norm     string  // the metric of its gradient's length
	rule     optim.Rule
}

// adversary is the model made of a design; its functions are in step.go.
type adversary struct {
	design
	loss     loss
	penalty  penalty
	augment  augment
	steps    int     // turns of the discriminator an iteration, k
	ema      float64 // decay of the generator's average; 0 = none
	img      model.Image
	labels   int // K; 0 = not given any
	latent   int
	players  []player
	params   []nn.Param
	slots    []optim.Slot
	networks []nn.Network
	model    *model.Model
}

// two returns the players of most designs.
func (g Game) two(epsilon float64) []player {
	return []player{
		g.player(discriminator, model.DGradNorm, g.DRate, epsilon),
		g.player(generator, model.GGradNorm, 1, epsilon),
	}
}

func (g Game) player(network, norm string, rate, epsilon float64) player {
	rule := optim.Adam{Name: "optimizer/" + network, Beta1: g.Beta1, Beta2: g.Beta2, Epsilon: epsilon}
	return player{network, []string{network}, rate, norm, rule}
}

// build makes the model of a design, and finds here what does not fit.
func (g Game) build(kind string, d design, in model.Input, labels, latent int, players []player) (*adversary, error) {
	loss, err := lossOf(g.Loss)
	if err != nil {
		return nil, err
	}
	augment, err := parseAugment(g.Augment)
	if err != nil {
		return nil, err
	}
	m := &adversary{
		design: d, loss: loss, penalty: penalty{g.GP, g.R1}, augment: augment, steps: g.DSteps, ema: g.EMA,
		img: in.Image, labels: labels, latent: latent, players: players,
	}
	err = graph.Try(func() {
		s := m.step(2 * m.steps) // batch statistics want two images
		m.params, m.slots = s.b.Params(), s.slots
		m.networks = nn.WithOverview(kind, s.b.Networks())
	})
	if err != nil {
		return nil, fmt.Errorf("gan: %s for images of %v: %w", kind, in.Image, err)
	}
	m.model = m.declare()
	return m, nil
}

func (m *adversary) objective() string { return m.loss.formula + m.penalty.formula() + m.loss.unit }

// declare returns the model, of images made from noise.
func (m *adversary) declare() *model.Model {
	return &model.Model{
		Params: m.params, Slots: m.slots, Networks: m.networks, Objective: m.objective(),
		Phases: []model.Phase{{Step: m.Train}}, Eval: m.Eval, Latent: m.latent, Decode: m.Decode,
		TakesLabels: model.Conditioning{Decode: m.labels > 0, Sample: m.labels > 0},
	}
}

// built is the model of an adversary, unless there was none.
func built(m *adversary, err error) (*model.Model, error) {
	if err != nil {
		return nil, err
	}
	return m.model, nil
}
