package gan

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// Dense are networks of one hidden dense layer, for images of any shape:
//
//	Z – Hidden leaky relu – H·W·C tanh
//	H·W·C – Hidden leaky relu – 1 logit
//
// of slope 0.01, played apart.
type Dense struct {
	Hidden int `json:"hidden" flag:"hidden" help:"units of the hidden layer of both networks"` // ≥ 1
}

func (c Dense) validate() []error          { return model.CheckUnits("gan", "Hidden", c.Hidden) }
func (c Dense) fits(img model.Image) error { return nil }

func (c Dense) generate(b *nn.Builder, z, _ *graph.Node, img model.Image) *graph.Node {
	g := b.Network(generator)
	h := g.Dense("dense", g.Input("input_1", z), c.Hidden, nn.LeakyReLU(0.01))
	h = g.Dense("dense_1", h, img.Size(), nn.Tanh)
	return g.Reshape("reshape", h, img.H, img.W, img.C)
}

func (c Dense) judge(b *nn.Builder, x, _ *graph.Node) *graph.Node {
	d := b.Network(discriminator)
	h := d.Flatten("flatten", d.Input("input_2", x))
	h = d.Dense("dense_2", h, c.Hidden, nn.LeakyReLU(0.01))
	return graph.Reshape(d.Dense("dense_3", h, 1, nn.None), -1)
}

func (c Dense) mixes() bool           { return false }
func (c Dense) turns(s *scene) []turn { return apart(s) }
