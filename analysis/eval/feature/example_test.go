package feature_test

import (
	"context"
	"fmt"
	"log"

	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/cpu"
)

// A net is trained on images of two classes, dark and bright, and describes them.
func Example() {
	be := cpu.New(1)
	defer be.Close()
	split := func(n int) data.Split {
		pix := make([]uint8, n*8*8)
		labels := make([]int32, n)
		for i := range pix {
			labels[i/64] = int32(i / 64 % 2)
			pix[i] = uint8(i*7%50 + 150*(i/64%2))
		}
		images, err := data.NewInMemory(pix, n, pixels.Item(8, 8, 1))
		if err != nil {
			log.Fatal(err)
		}
		return data.Split{Items: images, Labels: labels}
	}
	set := &data.Set{Name: "shades", Digest: "1", Classes: []string{"dark", "bright"}, Train: split(200), Test: split(20)}

	ctx := context.Background()
	net, err := feature.Open(ctx, set, be, feature.Options{NoCache: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: accuracy %.2f\n", net.Name, net.Accuracy)
	features, probabilities, err := net.Describe(ctx, set.Test.Items)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(features)/feature.Size, "images of", feature.Size, "features and", len(probabilities)/20, "probabilities")
	// Output:
	// imago-cnn-1: accuracy 1.00
	// 20 images of 128 features and 2 probabilities
}
