package terminal_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/digits"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/train/terminal"
)

// A run writes what it trains, and a line an epoch. A program that has flags gives their
// names, by which warnings call the options.
func Example() {
	run, m, set, err := newRun()
	check(err)
	defer os.RemoveAll(run.Dir)
	backend := cpu.New(0)
	defer backend.Close()
	var out bytes.Buffer
	lines := terminal.New(&out, func(field string) string { return "--" + strings.ToLower(field) })
	_, err = train.Loop(context.Background(), train.Job{Run: run, Model: m, Data: set, Backend: backend, Observers: []train.Observer{lines}})
	check(err)
	for line := range strings.Lines(out.String()) {
		fmt.Println(strings.Fields(line)[0])
	}
	// Output:
	// run
	// recipe
	// data
	// training
	// parameters
	// objective
	// epoch
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
