package vae

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
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
	// features is the encoder up to the latent heads: x (B,H,W,C) → (B,F). It is
	// given labels (B,K) beside the image unless they are nil.
	features(enc *nn.Builder, x, labels *graph.Node) *graph.Node
	// logits is the decoder: z (B,Z), or with labels (B,Z+K) → (B,H,W,C). Its last
	// layer is linear; what makes pixels of logits is in the likelihood.
	logits(dec *nn.Builder, z *graph.Node, img model.Image) *graph.Node
}

// A pair is nets for images of one shape and a number of latent units.
type pair struct {
	nets
	img    model.Image
	latent int
	// conditional says that both nets are given the labels.
	conditional bool
}

// encode returns q(z|x) as the two heads of the encoder: (B,Z) each.
func (p pair) encode(s *scene) (mu, logVar *graph.Node) {
	enc := s.b.Network("encoder")
	h := p.features(enc, s.x, p.given(s))
	return enc.Dense("z_mean", h, p.latent, nn.None), enc.Dense("z_log_var", h, p.latent, nn.None)
}

// given returns the labels that the networks are given, nil if none.
func (p pair) given(s *scene) *graph.Node {
	if !p.conditional {
		return nil
	}
	return s.labels
}

func (p pair) decode(s *scene, z *graph.Node) *graph.Node {
	dec := s.b.Network("decoder")
	h := dec.Input("input_2", z)
	if y := p.given(s); y != nil {
		h = dec.Layer("concatenate", "Concatenate", graph.Concat(1, h, dec.Input("input_labels", y)), h, y)
	}
	return p.logits(dec, h, p.img)
}
