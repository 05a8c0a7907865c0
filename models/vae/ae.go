package vae

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// plain is the design of an autoencoder: no noise, no penalty.
//
//	loss = distance(x, decode(encode(x)))
type plain struct {
	pair
	likelihood
}

func (p plain) encode(s *scene) (code, logVar *graph.Node) {
	enc := s.b.Network("encoder")
	return enc.Dense("code", p.features(enc, s.x, nil), p.latent, nn.None), nil
}

func (p plain) terms(s *scene) []term {
	code, _ := p.encode(s)
	rec := p.error(s, p.decode(s, code))
	return []term{{model.Loss, rec}, {model.Reconstruction, rec}}
}

func (p plain) objective() string { return "loss = " + p.formula + ", " + p.unit }
