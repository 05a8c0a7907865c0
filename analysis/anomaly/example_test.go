package anomaly_test

import (
	"context"
	"fmt"
	"log"
	"maps"
	"slices"

	"github.com/imago-ml/imago/analysis/anomaly"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
	"github.com/imago-ml/imago/nn"
)

// A detector is fitted to dark images and scores five of them and a bright one. The model
// has initial weights here; those of a trained model come from a file.
func Example() {
	be := cpu.New(1)
	defer be.Close()
	in := model.Input{Item: pixels.Item(8, 8, 1)}
	kind, _ := vae.MLPVAE()
	m, err := kind.Default().New(in)
	if err != nil {
		log.Fatal(err)
	}
	session, err := latent.Load(m, in, be, maps.Collect(nn.InitialValues(m.Params, rng.New(1))))
	if err != nil {
		log.Fatal(err)
	}
	pix := make([]uint8, 106*in.Size())
	for i := range pix {
		pix[i] = uint8(i % 61)
		if i >= 105*in.Size() {
			pix[i] = 255
		}
	}
	all, err := data.NewInMemory(pix, 106, in.Item)
	if err != nil {
		log.Fatal(err)
	}
	index := make([]int, 106)
	for i := range index {
		index[i] = i
	}
	train, err := all.Select(index[:100])
	if err != nil {
		log.Fatal(err)
	}
	test, err := all.Select(index[100:])
	if err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	d, err := anomaly.Fit(ctx, session, train, anomaly.Options{Draws: 4, Components: 1, Key: rng.New(1)})
	if err != nil {
		log.Fatal(err)
	}
	scores, err := d.Score(ctx, test)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range scores {
		fmt.Printf("%s: the most anomalous image is %d\n", s.Name, slices.Index(s.Values, slices.Max(s.Values)))
	}
	// Output:
	// reconstruction: the most anomalous image is 5
	// elbo: the most anomalous image is 5
	// density: the most anomalous image is 5
	// combined: the most anomalous image is 5
}
