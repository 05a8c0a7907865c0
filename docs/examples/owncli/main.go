// Command owncli is the command line of imago with one kind of models more.
package main

import (
	"github.com/imago-ml/imago/cli"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
)

func main() {
	net := vae.MLP{Hidden: []int{256, 64}}
	options := func(model.Input) vae.Options { return vae.Options{Latent: 8, Encoder: net, Decoder: net} }
	kind, recipe := vae.Kind("deep-vae", "a VAE of four dense layers", options)
	cli.Main(func(r *cli.Registry) { r.Models.Register(kind, recipe) })
}
