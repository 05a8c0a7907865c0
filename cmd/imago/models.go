package main

import (
	"github.com/imago-ml/imago/model"
	"github.com/imago-ml/imago/vae"
)

// registerModels is the table of model kinds, each with its recipes.
func registerModels(r *model.Registry) {
	r.Register(vae.MLPVAE())
	r.Register(vae.CNNVAE())
	r.Register(vae.MLPAE())
	r.Register(vae.CNNAE())
}
