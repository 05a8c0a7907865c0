package runlog_test

import (
	"fmt"
	"log"
	"os"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
	"github.com/imago-ml/imago/train/runlog"
)

// A run is created for a recipe and a data set, and opened again by its folder.
func Example() {
	dir, err := os.MkdirTemp("", "runs")
	check(err)
	defer os.RemoveAll(dir)
	var models model.Registry
	models.Media.Register(pixels.Kind())
	models.Register(vae.MLPVAE())
	recipe, err := models.Recipe("mlp-vae")
	check(err)
	options, err := models.Config(recipe)
	check(err)
	images, err := data.NewInMemory(make([]uint8, 10*28*28), 10, pixels.Item(28, 28, 1))
	check(err)
	set := &data.Set{Name: "black", Digest: "none", Train: data.Split{Items: images}, Test: data.Split{Items: images}}

	config, err := runlog.NewConfig(recipe, options, set, "black", data.Options{})
	check(err)
	config.Epochs = 7
	created, err := runlog.Create(dir, "mine", config)
	check(err)

	run, err := runlog.Open(created.Dir, "")
	check(err)
	lines, err := runlog.ReadLog(run.Dir)
	check(err)
	fmt.Println(run.Config.Recipe, run.Config.Length(), len(lines), "lines")
	// Output: mlp-vae 7 epochs 0 lines
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
