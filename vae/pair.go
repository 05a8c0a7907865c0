package vae

import (
	"github.com/imago-ml/imago/graph"
	"github.com/imago-ml/imago/model"
	"github.com/imago-ml/imago/nn"
)

// nets are an encoder and a decoder without what depends on the latent code's
// meaning. Layers are named and numbered as Keras does when it builds the
// encoder, then the decoder.
type nets interface {
	// validate lists the faults of the options.
	validate() []error
	// fits says why images of that shape do not suit.
	fits(img model.Image) error
	// features is the encoder up to the latent heads: x (B,H,W,C) → (B,F).
	features(enc *nn.Builder, x *graph.Node) *graph.Node
	// logits is the decoder: z (B,Z) → (B,H,W,C). Its last layer is linear; the
	// sigmoid that makes pixels of logits is in the likelihood.
	logits(dec *nn.Builder, z *graph.Node, img model.Image) *graph.Node
}

// A pair is nets for images of one shape and a number of latent units.
type pair struct {
	nets
	img    model.Image
	latent int
}

func (p pair) decode(s *scene, z *graph.Node) *graph.Node {
	dec := s.b.Network("decoder")
	return p.logits(dec, dec.Input("input_2", z), p.img)
}
