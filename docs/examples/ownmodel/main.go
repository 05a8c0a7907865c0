// Command ownmodel trains a VAE with networks of its own on images of its own, and draws samples.
package main

import (
	"bytes"
	"context"
	"log"
	"os"

	"github.com/imago-ml/imago"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
	"github.com/imago-ml/imago/nn"
)

func main() {
	ctx, images := context.Background(), make([][]byte, 2000)
	for i := range images { // stripes
		images[i] = bytes.Repeat(append(make([]byte, 1+i%7), bytes.Repeat([]byte{255}, 1+i%5)...), 128)[:16*16]
	}
	options := vae.Options{Latent: 4, Encoder: vae.EncoderFunc(func(b *nn.Builder, x, _ *graph.Node) *graph.Node {
		return b.Conv2D("conv", b.Input("images", x), 8, 3, 2, graph.Same, nn.ReLU)
	}), Decoder: vae.DecoderFunc(func(b *nn.Builder, z *graph.Node, img medium.Item) *graph.Node {
		return b.Dense("pixels", b.Dense("hidden", z, 64, nn.ReLU), img.Size(), nn.None)
	})}
	set := must(imago.Images("stripes", images, 16, 16, 1))
	kind, recipe := vae.Kind("stripes-vae", "a VAE of stripes", func(model.Input) vae.Options { return options })
	run := must(imago.Train(ctx, set, imago.Kind(kind, recipe), imago.Options{Epochs: 5, Progress: os.Stderr}))
	_ = must(0, run.WritePicture("samples.png", must(run.Draw(ctx, 1, 64)), 8))
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}
