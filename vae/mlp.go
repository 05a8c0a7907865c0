package vae

import (
	"slices"

	"github.com/imago-ml/imago/graph"
	"github.com/imago-ml/imago/model"
	"github.com/imago-ml/imago/nn"
)

// MLP are networks of dense layers, for images of any shape:
//
//	H·W·C – Hidden₀ relu – … – heads
//	Z – … – Hidden₀ relu – H·W·C logits
//
// the decoder's hidden layers being the encoder's in reverse.
type MLP struct {
	Hidden []int `json:"hidden" flag:"hidden" help:"units of the encoder's hidden layers; the decoder has them in reverse"` // each ≥ 1
}

func (c MLP) validate() []error          { return model.CheckLayers("vae", "hidden", c.Hidden) }
func (c MLP) fits(img model.Image) error { return nil }

func (c MLP) features(enc *nn.Builder, x *graph.Node) *graph.Node {
	h := enc.Input("input_1", graph.Reshape(x, x.Shape()[0], -1))
	for i, units := range c.Hidden {
		h = enc.Dense(nn.Numbered("dense", i), h, units, nn.ReLU)
	}
	return h
}

func (c MLP) logits(dec *nn.Builder, z *graph.Node, img model.Image) *graph.Node {
	h, i := z, len(c.Hidden)
	for _, units := range slices.Backward(c.Hidden) {
		h = dec.Dense(nn.Numbered("dense", i), h, units, nn.ReLU)
		i++
	}
	h = dec.Dense(nn.Numbered("dense", i), h, img.Size(), nn.None)
	return graph.Reshape(h, h.Shape()[0], img.H, img.W, img.C)
}
