package train_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/digits"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
)

// A VAE is trained on drawn digits for an epoch, and asked for an image.
func ExampleLoop() {
	dir, err := os.MkdirTemp("", "runs")
	check(err)
	defer os.RemoveAll(dir)
	ctx := context.Background()

	var models model.Registry
	models.Media.Register(pixels.Kind())
	models.Register(vae.MLPVAE())
	recipe, _ := models.Recipe("mlp-vae")
	options, _ := models.Config(recipe)
	set, err := digits.Source().Load(ctx, data.Options{})
	check(err)
	config, err := runlog.NewConfig(recipe, options, set, "digits", data.Options{})
	check(err)
	config.Epochs, config.Pictures = 1, -1
	run, err := runlog.Create(dir, "", config)
	check(err)
	m, err := config.Build(&models)
	check(err)
	backend := cpu.New(0)
	defer backend.Close()
	result, err := train.Loop(ctx, train.Job{Run: run, Model: m, Data: set, Backend: backend})
	check(err)
	fmt.Println("below 190 nats an image:", result.Last.Test["test_loss"] < 190)

	trained, err := train.OpenModel(run.Dir, &models, backend)
	check(err)
	image, err := trained.Decode(ctx, []float32{0, 0})
	check(err)
	fmt.Println(len(image), "pixels")
	// Output:
	// below 190 nats an image: true
	// 784 pixels
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
