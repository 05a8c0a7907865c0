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

// An epochCounter is an Observer that implements one method.
type epochCounter struct {
	train.Base
	epochs int
}

func (c *epochCounter) Epoch(_ context.Context, v *train.View, line runlog.Line) error {
	c.epochs++
	fmt.Printf("epoch %d of %s: %d steps\n", line.Epoch, v.Run().Config.Recipe, line.Step)
	return nil
}

// An Observer of the program's own follows a run.
func ExampleObserver() {
	dir, err := os.MkdirTemp("", "runs")
	check(err)
	defer os.RemoveAll(dir)
	set, err := digits.Source().Load(context.Background(), data.Options{})
	check(err)
	var models model.Registry
	models.Media.Register(pixels.Kind())
	models.Register(vae.MLPVAE())
	recipe, err := models.Recipe("mlp-vae")
	check(err)
	options, err := models.Config(recipe)
	check(err)
	config, err := runlog.NewConfig(recipe, options, set, "digits", data.Options{})
	check(err)
	config.Epochs, config.Steps, config.Batch = 0, 20, 32
	run, err := runlog.Create(dir, "", config)
	check(err)
	m, err := config.Build(&models)
	check(err)
	backend := cpu.New(0)
	defer backend.Close()
	counter := &epochCounter{}
	_, err = train.Loop(context.Background(), train.Job{Run: run, Model: m, Data: set, Backend: backend, Observers: []train.Observer{counter}})
	check(err)
	fmt.Println(counter.epochs, "line")
	// Output:
	// epoch 1 of mlp-vae: 20 steps
	// 1 line
}
