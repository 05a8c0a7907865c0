package vae

import (
	"slices"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// MLP are networks of dense layers, for images of any shape:
//
//	H·W·C – Hidden₀ relu – … – heads
//	Z – … – Hidden₀ relu – H·W·C logits
//
// the decoder's hidden layers being the encoder's in reverse.
type MLP struct {
	Hidden     []int  `json:"hidden" flag:"hidden" help:"units of the encoder's hidden layers; the decoder has them in reverse"` // each ≥ 1
	Activation string `json:"activation" flag:"activation" help:"of the hidden layers: relu, tanh or softplus"`                  // a name of activations
}

// activations are what a hidden layer may do to its sums.
var activations = map[string]nn.Activation{"relu": nn.ReLU, "tanh": nn.Tanh, "softplus": graph.Softplus}

func (c MLP) validate() []error {
	faults := model.CheckLayers("vae", "Hidden", c.Hidden)
	if activations[c.Activation] == nil {
		faults = append(faults, option.Errorf("vae: {Activation} %q: want relu, tanh or softplus", c.Activation))
	}
	return faults
}

func (c MLP) fits(img model.Image) error { return nil }

func (c MLP) features(enc *nn.Builder, x, labels *graph.Node) *graph.Node {
	h := enc.Input("input_1", graph.Reshape(x, x.Shape()[0], -1))
	if labels != nil {
		h = enc.Layer("concatenate", "Concatenate", graph.Concat(1, h, enc.Input("input_labels", labels)), h, labels)
	}
	for i, units := range c.Hidden {
		h = enc.Dense(nn.LayerName("dense", i), h, units, activations[c.Activation])
	}
	return h
}

func (c MLP) logits(dec *nn.Builder, z *graph.Node, img model.Image) *graph.Node {
	h, i := z, len(c.Hidden)
	for _, units := range slices.Backward(c.Hidden) {
		h = dec.Dense(nn.LayerName("dense", i), h, units, activations[c.Activation])
		i++
	}
	h = dec.Dense(c.last(), h, img.Size(), nn.None)
	return graph.Reshape(h, h.Shape()[0], img.H, img.W, img.C)
}

// last returns the name of the decoder's last layer.
func (c MLP) last() string { return nn.LayerName("dense", 2*len(c.Hidden)) }
