package latent_test

import (
	"context"
	"fmt"
	"log"
	"maps"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
	"github.com/imago-ml/imago/nn"
)

// Images are encoded, and codes between two of them are decoded. The weights are initial
// values here; those of a trained model come from a file.
func Example() {
	be := cpu.New(1)
	defer be.Close()
	in := model.Input{Item: pixels.Item(8, 8, 1)}
	kind, _ := vae.MLPVAE()
	m, err := kind.Default().New(in)
	if err != nil {
		log.Fatal(err)
	}
	weights := maps.Collect(nn.InitialValues(m.Params, rng.New(1)))
	s, err := latent.Load(m, in, be, weights)
	if err != nil {
		log.Fatal(err)
	}

	images, err := data.NewInMemory(make([]uint8, 3*in.Size()), 3, in.Item)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	mean, logVar, err := s.EncodeMeans(ctx, images)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(mean), "means and", len(logVar), "log-variances of 3 images by", s.Latent(), "units")

	units := s.Latent()
	z, err := latent.Interpolate(latent.Spherical, mean[:units], mean[units:2*units], 5)
	if err != nil {
		log.Fatal(err)
	}
	pixels, err := s.Decode(ctx, z)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(pixels)/in.Size(), "images of", s.Item())
	// Output:
	// 6 means and 6 log-variances of 3 images by 2 units
	// 5 images of 8x8x1
}

// The attribute moves the first unit by 4, and the second not at all.
func ExampleMeanDifference() {
	codes := []float32{-2, 1, -2, -1, 2, 1, 2, -1} // four codes of two units
	d, err := latent.MeanDifference(codes, 2, []bool{false, false, true, true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(d.Vector, d.Deviation, d.Separation)
	fmt.Println(d.Move([]float32{0, 1}, []float64{-1, 1}))
	// Output:
	// [1 0] 2 2
	// [-2 1 2 1]
}

// Man with glasses − man + woman.
func ExampleSignedSum() {
	terms := []float32{
		1, 1, // man with glasses
		1, 0, // man
		-1, 0, // woman
	}
	z, err := latent.SignedSum(terms, 2, []float64{1, -1, 1})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(z)
	// Output: [-1 1]
}
