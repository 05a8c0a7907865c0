package vae

import (
	"github.com/imago-ml/imago/graph"
	"github.com/imago-ml/imago/model"
	"github.com/imago-ml/imago/nn"
)

// plain is the design of an autoencoder: no noise, no penalty.
//
//	loss = distance(x, decode(encode(x)))
type plain struct {
	pair
	likelihood
}

func (p plain) encode(b *nn.Builder, x *graph.Node) (code, logVar *graph.Node) {
	enc := b.Network("encoder")
	return enc.Dense("code", p.features(enc, x), p.latent, nn.None), nil
}

func (p plain) terms(b *nn.Builder, x, _ *graph.Node) []term {
	code, _ := p.encode(b, x)
	rec := graph.Tag(p.nll(x, p.decode(b, code)), model.Reconstruction)
	return []term{{model.Loss, rec}, {model.Reconstruction, rec}}
}

func (p plain) objective() string { return "loss = " + p.formula + ", " + p.unit }
