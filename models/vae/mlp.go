package vae

import (
	"slices"

	"github.com/imago-ml/imago/data/medium"
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
// The decoder has the hidden layers of the encoder in reverse.
//
// It is both an Encoder and a Decoder.
type MLP struct {
	Hidden     []int  `json:"hidden" flag:"hidden" help:"units of the encoder's hidden layers; the decoder has them in reverse"` // each ≥ 1
	Activation string `json:"activation" flag:"activation" help:"of the hidden layers: relu, tanh or softplus"`                  // "" is relu
	Dropout
}

// Dropout is the option of networks to drop values of their hidden layers in training: see
// nn.Builder.Dropout.
type Dropout struct {
	DropoutRate float64 `json:"dropout,omitempty" flag:"dropout" help:"share of the values of each hidden layer that is set to 0 in a step of training, against overfitting; 0 is none"` // in [0, 1)
}

func (d Dropout) validate() []error {
	if d.DropoutRate >= 0 && d.DropoutRate < 1 {
		return nil
	}
	return []error{option.Errorf("vae: {DropoutRate} %v: want 0 (none) or more, and less than 1, as 0.2", d.DropoutRate)}
}

// drop returns hidden layer i of a network after dropout.
func (d Dropout) drop(b *nn.Builder, i int, h *graph.Node) *graph.Node {
	return b.Dropout(nn.LayerName("dropout", i), h, d.DropoutRate)
}

// activations are the values of the option Activation.
var activations = map[string]nn.Activation{"relu": nn.ReLU, "tanh": nn.Tanh, "softplus": graph.Softplus}

// activation returns the activation of the hidden layers.
func (c MLP) activation() nn.Activation {
	if act := activations[c.Activation]; act != nil {
		return act
	}
	return nn.ReLU
}

func (c MLP) validate() []error {
	faults := model.CheckLayers("vae", "Hidden", c.Hidden)
	if c.Activation != "" && activations[c.Activation] == nil {
		faults = append(faults, option.Errorf("vae: {Activation} %q: want relu, tanh or softplus", c.Activation))
	}
	return append(faults, c.Dropout.validate()...)
}

func (c MLP) fits(medium.Item) error { return nil }

// Features returns the last hidden layer: x (B,H,W,C) → (B,F). labels are concatenated to
// the pixels.
func (c MLP) Features(enc *nn.Builder, x, labels *graph.Node) *graph.Node {
	h := enc.Input("input_1", graph.Reshape(x, x.Shape()[0], -1))
	if labels != nil {
		h = enc.Layer("concatenate", "Concatenate", graph.Concat(1, h, enc.Input("input_labels", labels)), h, labels)
	}
	for i, units := range c.Hidden {
		h = c.drop(enc, i, enc.Dense(nn.LayerName("dense", i), h, units, c.activation()))
	}
	return h
}

// Logits returns the logits of an image: z (B,Z) → (B,H,W,C).
func (c MLP) Logits(dec *nn.Builder, z *graph.Node, img medium.Item) *graph.Node {
	h, i := z, len(c.Hidden)
	for _, units := range slices.Backward(c.Hidden) {
		h = c.drop(dec, i, dec.Dense(nn.LayerName("dense", i), h, units, c.activation()))
		i++
	}
	h = dec.Dense(c.outputLayer(), h, img.Size(), nn.None)
	return graph.Reshape(h, img.Batch(h.Shape()[0])...)
}

// outputLayer returns the name of the decoder's last layer.
func (c MLP) outputLayer() string { return nn.LayerName("dense", 2*len(c.Hidden)) }
