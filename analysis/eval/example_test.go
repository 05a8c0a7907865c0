package eval_test

import (
	"context"
	"fmt"
	"log"
	"maps"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
	"github.com/imago-ml/imago/nn"
)

// A model is evaluated by the metrics that are measured after every epoch, and then by two
// that take longer. It has initial weights here; those of a trained model come from a file.
func Example() {
	be := cpu.New(1)
	defer be.Close()
	in := model.Input{Item: pixels.Item(16, 16, 1)}
	kind, _ := vae.MLPVAE()
	m, err := kind.Default().New(in)
	if err != nil {
		log.Fatal(err)
	}
	session, err := latent.Load(m, in, be, maps.Collect(nn.InitialValues(m.Params, rng.New(1))))
	if err != nil {
		log.Fatal(err)
	}
	images, err := data.NewInMemory(make([]uint8, 20*in.Size()), 20, in.Item)
	if err != nil {
		log.Fatal(err)
	}

	e, err := eval.New(session)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	scores, err := e.Evaluate(ctx, images, 1)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range scores {
		fmt.Println(s.Metric.Name)
	}

	set := &data.Set{Name: "black", Train: data.Split{Items: images}, Test: data.Split{Items: images}}
	task := eval.Task{Protocol: eval.DefaultProtocol(), Set: set, Seed: 1, Only: []string{"test_ssim", "test_fid"}}
	scores, missing, err := e.Measure(ctx, task)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(scores[0].Metric.Name, "of", scores[0].Images, "images")
	fmt.Println("no", missing[0].Metric.Name+":", missing[0].Why)
	// Output:
	// test_loss
	// test_reconstruction
	// test_kl
	// test_active_units
	// test_mean_sigma
	// test_kl_per_unit
	// test_ssim of 20 images
	// no test_fid_cnn1_20: there is no feature net
}

// The Fréchet distance of two sets of points whose means are 3 apart and whose covariances
// are equal.
func ExampleFrechet() {
	a := []float32{0, 0, 1, 0, 0, 1, 1, 1} // four points of two features
	b := []float32{3, 0, 4, 0, 3, 1, 4, 1}
	d, err := eval.Frechet(a, b, 2)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.3f\n", d)
	// Output: 9.000
}
