// Package gan is the family of adversarial models: a generator makes images of
// noise, a discriminator tells them from real ones, and each learns from the
// other.
//
// What its models share is written once: step.go makes the functions of a model
// from its design, turns.go puts the updates of an iteration in their order,
// loss.go is the table of losses. A pair of networks is a file (dense.go,
// dcgan.go). kinds.go says what can be configured, and is what cmd/imago
// registers.
//
// Inside, pixels are in [−1, 1], where the generator's tanh ends; the functions of
// a model take and give images in [0, 1]. The package knows no data set, no
// training loop and no device.
package gan

import (
	"fmt"

	"github.com/imago-ml/imago/graph"
	"github.com/imago-ml/imago/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

// B images, H×W×C pixels, Z units of noise, in every comment of this package.

// The networks, as they are called in names of parameters and slots.
const (
	generator     = "generator"
	discriminator = "discriminator"
)

// A design is what one model of the family says of itself.
type design interface {
	// generate makes images: z (B,Z) → (B,H,W,C) in [−1, 1].
	generate(b *nn.Builder, z *graph.Node, img model.Image) *graph.Node
	// judge gives the logits of being real: x (B,H,W,C) in [−1, 1] → (B).
	judge(b *nn.Builder, x *graph.Node) *graph.Node
	// turns are the updates of one iteration, in order.
	turns(s *scene) []turn
}

// adversary is the model made of a design; its functions are in step.go.
type adversary struct {
	design
	loss     loss
	img      model.Image
	latent   int
	rules    map[string]optim.Rule // of each network
	params   []nn.Param
	slots    []optim.Slot
	networks []nn.Network
}

// adam is the rule of a network with moments of its own.
func adam(network string, beta1, epsilon float64) optim.Rule {
	return optim.Adam{Name: "optimizer/" + network, Beta1: beta1, Beta2: 0.999, Epsilon: epsilon}
}

// build makes the model of a design, and finds here what does not fit.
func build(kind string, d design, img model.Image, latent int, beta1, epsilon float64) (model.Model, error) {
	m := &adversary{design: d, loss: nonSaturating, img: img, latent: latent, rules: map[string]optim.Rule{
		generator:     adam(generator, beta1, epsilon),
		discriminator: adam(discriminator, beta1, epsilon),
	}}
	err := graph.Try(func() {
		s := m.step(2) // batch statistics want two images
		m.params, m.slots = s.b.Params(), s.slots
		m.networks = nn.Joined(kind, s.b.Networks())
	})
	if err != nil {
		return nil, fmt.Errorf("gan: %s for images of %v: %w", kind, img, err)
	}
	return m, nil
}

func (m *adversary) Params() []nn.Param     { return m.params }
func (m *adversary) Slots() []optim.Slot    { return m.slots }
func (m *adversary) Networks() []nn.Network { return m.networks }
func (m *adversary) Objective() string      { return m.loss.formula + ", nats per image" }
func (m *adversary) Latent() int            { return m.latent }
