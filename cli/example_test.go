package cli_test

import (
	"context"

	"github.com/imago-ml/imago/cli"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
)

// This program has all commands of imago for a kind of model and a data set of its own: program train deep-vae --data
// stripes, program sample latest, and so on.
func ExampleMain() {
	network := vae.MLP{Hidden: []int{256, 64}}
	kind, recipe := vae.Kind("deep-vae", "a VAE with four hidden layers", func(model.Input) vae.Options {
		return vae.Options{Encoder: network, Decoder: network, Latent: 8}
	})
	cli.Main(func(r *cli.Registry) {
		r.Models.Register(kind, recipe)
		r.Data.Register(data.Source{Name: "stripes", About: "stripes of 16x16", Load: stripes})
	})
}

// stripes returns 1,000 images of 16x16 with stripes of five widths.
func stripes(_ context.Context, o data.Options) (*data.Set, error) {
	const n, side = 1000, 16
	pix := make([]byte, n*side*side)
	for i := range pix {
		width := 1 + i/(side*side)%5
		pix[i] = byte(i % side / width % 2 * 255)
	}
	items, err := data.NewInMemory(pix, n, pixels.Item(side, side, 1))
	if err != nil {
		return nil, err
	}
	set := &data.Set{Name: "stripes", Train: data.Split{Items: items}, Digest: "stripes, version 1"}
	return set, data.Divide(set, o) // holds out a test part
}
