package runlog

import (
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func registry() *model.Registry {
	r := &model.Registry{}
	r.Media.Register(pixels.Kind())
	r.Register(vae.MLPVAE())
	return r
}

// small returns a set of so many training and test images.
func small(train, test int) *data.Set {
	images := func(n int) data.Split {
		return data.Split{Items: must(data.NewInMemory(make([]uint8, n*28*28), n, pixels.Item(28, 28, 1)))}
	}
	return &data.Set{Name: "few digits", Digest: "digest", Train: images(train), Test: images(test)}
}

// config returns a run of three epochs of a recipe on set, with options of the model
// set.
func config(recipe string, set *data.Set, options ...string) Config {
	r := registry()
	rec := must(r.Recipe(recipe))
	mc := must(r.Config(rec))
	for _, f := range model.Flags(mc) {
		for i := 0; i < len(options); i += 2 {
			if f.Name == options[i] {
				if err := f.Set(options[i+1]); err != nil {
					panic(err)
				}
			}
		}
	}
	c := must(NewConfig(rec, mc, set, "digits", data.Options{}))
	c.Epochs, c.Batch, c.Pictures, c.Checkpoints.Seconds = 3, 64, -1, 0
	return c
}

func newRun(t testing.TB, c Config) *Run {
	t.Helper()
	r, err := Create(t.TempDir(), "", c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func encodedConfig() ([]byte, error) {
	c := config("mlp-vae", small(20, 10))
	return c.Encode("  ")
}
