package gallery_test

import (
	"context"
	"fmt"
	"image"
	"log"
	"os"
	"path/filepath"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/digits"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/viz"
	"github.com/imago-ml/imago/viz/gallery"
)

// A run has a picture of the program's own beside those of the gallery: the mean of
// 64 samples.
func Example() {
	run, m, set, err := newRun()
	check(err)
	defer os.RemoveAll(run.Dir)
	backend := cpu.New(0)
	defer backend.Close()
	pictures := gallery.New(gallery.Options{Pictures: []gallery.Picture{{
		Name: "mean", Section: "My pictures", Title: "Mean image", Alt: "the mean of 64 samples",
		Draw: func(ctx context.Context, s *gallery.Snapshot) (image.Image, error) {
			const n = 64
			samples, err := s.Session().Sample(ctx, s.Key("mean"), n, nil)
			if err != nil {
				return nil, err
			}
			mean := make([]float32, len(samples)/n)
			for i, v := range samples {
				mean[i%len(mean)] += v / n
			}
			return viz.Grid(s.Session().Item(), mean, 1, viz.GridOptions{Title: s.Title("the mean of 64 samples")})
		},
	}}})
	result, err := train.Loop(context.Background(), train.Job{Run: run, Model: m, Data: set, Backend: backend, Observers: []train.Observer{pictures}})
	check(err)
	fmt.Println(filepath.Base(result.Report))
	for _, name := range []string{"samples.png", "manifold.gif", "mean.png"} {
		_, err := os.Stat(filepath.Join(run.Path(runlog.ImagesDir), name))
		fmt.Println(name, err == nil)
	}
	// Output:
	// report.html
	// samples.png true
	// manifold.gif true
	// mean.png true
}

// newRun returns a run of one epoch on a few images, in a folder of its own.
func newRun() (run *runlog.Run, m *model.Model, set *data.Set, err error) {
	var models model.Registry
	models.Media.Register(pixels.Kind())
	models.Register(vae.MLPVAE())
	recipe, err := models.Recipe("mlp-vae")
	if err != nil {
		return nil, nil, nil, err
	}
	options, err := models.Config(recipe)
	if err != nil {
		return nil, nil, nil, err
	}
	if set, err = fewDigits(); err != nil {
		return nil, nil, nil, err
	}
	config, err := runlog.NewConfig(recipe, options, set, "digits", data.Options{})
	if err != nil {
		return nil, nil, nil, err
	}
	config.Epochs = 1
	dir, err := os.MkdirTemp("", "runs")
	if err != nil {
		return nil, nil, nil, err
	}
	if run, err = runlog.Create(dir, "", config); err != nil {
		return nil, nil, nil, err
	}
	m, err = config.Build(&models)
	return run, m, set, err
}

// fewDigits returns a hundred drawn digits for training and ten for tests.
func fewDigits() (*data.Set, error) {
	set, err := digits.Source().Load(context.Background(), data.Options{})
	if err != nil {
		return nil, err
	}
	for _, part := range []struct {
		split *data.Split
		n     int
	}{{&set.Train, 100}, {&set.Test, 10}} {
		index := make([]int, part.n)
		for i := range index {
			index[i] = i
		}
		if part.split.Items, err = data.Subset(part.split.Items, index); err != nil {
			return nil, err
		}
		part.split.Labels = part.split.Labels[:part.n]
	}
	return set, nil
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
