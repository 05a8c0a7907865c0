package vae

import (
	"fmt"
	"slices"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// CNN are convolutional networks. With n = len(Filters), h = H/2ⁿ and w = W/2ⁿ:
//
//	(H,W,C) – Conv Filters₀ /2 relu – … – Conv Filtersₙ₋₁ /2 relu – Dense relu – heads
//	Z – h·w·Filtersₙ₋₁ relu – ConvT Filtersₙ₋₁ ·2 relu – … – ConvT Filters₀ ·2 relu – ConvT C logits
//
// all with same padding. If Mirror is set, each layer of the decoder mirrors one of
// the encoder, and the last one doubles the image too:
//
//	Z – h·w·Filtersₙ₋₁ relu – ConvT Filtersₙ₋₂ ·2 relu – … – ConvT Filters₀ ·2 relu – ConvT C ·2 logits
//
// H and W are multiples of 2ⁿ. It is both an Encoder and a Decoder.
type CNN struct {
	Filters  []int `json:"filters" flag:"filters" help:"filters of the encoder's convolutions, each of which halves the image; the decoder has them in reverse"` // each ≥ 1
	Dense    int   `json:"dense" flag:"dense" help:"units of the dense layer before the latent heads; 0 leaves it out"`                                          // ≥ 0
	Kernel   int   `json:"kernel" flag:"kernel" help:"rows and columns of the convolution kernels"`                                                              // 1 to 31
	Mirror   bool  `json:"mirror" flag:"mirror" help:"let the decoder's last layer double the image, in place of a layer after it"`
	Residual bool  `json:"residual" flag:"residual" help:"add a residual block of two convolutions where the image has each of its sizes"`
	Dropout
}

func (c CNN) validate() []error {
	faults := model.CheckLayers("vae", "Filters", c.Filters)
	if len(c.Filters) > 16 {
		faults = append(faults, option.Errorf("vae: {Filters} has %d layers: want at most 16, each halves the image", len(c.Filters)))
	}
	if c.Dense < 0 || c.Dense > model.MaxUnits {
		faults = append(faults, option.Errorf("vae: {Dense} %d: want 0 (no such layer) to %d", c.Dense, model.MaxUnits))
	}
	if c.Kernel < 1 || c.Kernel > 31 {
		faults = append(faults, option.Errorf("vae: {Kernel} %d: want 1 to 31", c.Kernel))
	}
	return append(faults, c.Dropout.validate()...)
}

// fits returns an error unless the rows and columns can be halved once a layer: the
// decoder would make an image of another size.
func (c CNN) fits(img medium.Item) error {
	return model.CheckHalvings("vae", "Filters", img, len(c.Filters), "mlp-vae")
}

// Features returns the last layer of the encoder: x (B,H,W,C) → (B,F). labels become one
// more channel of the image.
func (c CNN) Features(enc *nn.Builder, x, labels *graph.Node) *graph.Node {
	c.check(x.Shape(), x.Shape()[1], x.Shape()[2])
	h := enc.Input("input_1", x)
	if labels != nil {
		h = labelChannel(enc, h, labels)
	}
	for i, filters := range c.Filters {
		h = enc.Conv2D(nn.LayerName("conv2d", i), h, filters, c.Kernel, 2, graph.Same, nn.ReLU)
		h = c.drop(enc, i, c.residual(enc, i, h))
	}
	h = enc.Flatten("flatten", h)
	if c.Dense == 0 {
		return h
	}
	return c.drop(enc, len(c.Filters), enc.Dense("dense", h, c.Dense, nn.ReLU))
}

// Logits returns the logits of an image: z (B,Z) → (B,H,W,C).
func (c CNN) Logits(dec *nn.Builder, z *graph.Node, img medium.Item) *graph.Node {
	height, width, channels, _ := medium.HWC(img) // fits has checked
	c.check(z.Shape(), height, width)
	n := len(c.Filters)
	rows, cols, deepest := height>>n, width>>n, c.Filters[n-1]
	name := "dense_1"
	if c.Dense == 0 {
		name = "dense"
	}
	h := dec.Dense(name, z, rows*cols*deepest, nn.ReLU)
	h = dec.Reshape("reshape", h, rows, cols, deepest)
	h = c.drop(dec, 0, c.residual(dec, 0, h))
	doubled, stride := c.Filters, 1
	if c.Mirror {
		doubled, stride = c.Filters[:n-1], 2
	}
	i := 0
	for _, filters := range slices.Backward(doubled) {
		h = dec.ConvTranspose2D(nn.LayerName("conv2d_transpose", i), h, filters, c.Kernel, 2, graph.Same, nn.ReLU)
		i++
		h = c.drop(dec, i, c.residual(dec, i, h))
	}
	return dec.ConvTranspose2D(nn.LayerName("conv2d_transpose", i), h, channels, c.Kernel, stride, graph.Same, nn.None)
}

// check panics with a *graph.ShapeError where images do not suit, as layers do.
func (c CNN) check(in graph.Shape, rows, cols int) {
	if m := 1 << len(c.Filters); len(c.Filters) == 0 || rows%m != 0 || cols%m != 0 {
		panic(&graph.ShapeError{Op: "cnn", In: []graph.Shape{in}, Want: fmt.Sprintf("want Filters of at least one layer, and rows and columns that are multiples of %d", m)})
	}
}

// labelChannel returns an image with one more channel, computed from the labels by a
// dense layer: x (B,H,W,C), labels (B,K) → (B,H,W,C+1).
func labelChannel(enc *nn.Builder, x, labels *graph.Node) *graph.Node {
	rows, cols := x.Shape()[1], x.Shape()[2]
	plane := enc.Dense("label_plane", enc.Input("input_labels", labels), rows*cols, nn.None)
	plane = enc.Reshape("label_reshape", plane, rows, cols, 1)
	return enc.Layer("concatenate", "Concatenate", graph.Concat(3, x, plane), x, plane)
}

// residual returns block i of a network, if it has blocks:
//
//	relu(h + conv(relu(conv(h))))
//
// with kernels of 3×3 and as many filters as h has channels. The second of them
// starts at 0, so a block starts as no change: Zhang, Dauphin & Ma, arXiv:1901.09321.
func (c CNN) residual(b *nn.Builder, i int, h *graph.Node) *graph.Node {
	if !c.Residual {
		return h
	}
	name, filters := nn.LayerName("residual", i), h.Shape()[3]
	branch := b.Conv2D(name+"_in", h, filters, 3, 1, graph.Same, nn.ReLU)
	zero := *b
	zero.Kernel = nn.Zeros
	branch = zero.Conv2D(name+"_out", branch, filters, 3, 1, graph.Same, nn.None)
	return b.Layer(name, "Add", graph.ReLU(graph.Add(h, branch)), h, branch)
}
