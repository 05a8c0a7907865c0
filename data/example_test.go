package data_test

import (
	"context"
	"fmt"
	"log"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/pixels"
)

// A set of your own: a name and a function that returns the images.
func ExampleRegistry() {
	var sets data.Registry
	sets.Register(data.Source{
		Name:  "stripes",
		About: "eight striped images",
		Load: func(ctx context.Context, opt data.Options) (*data.Set, error) {
			pix := make([]uint8, 8*2*2) // (N, H, W, C) = (8, 2, 2, 1)
			for i := range pix {
				pix[i] = uint8(i % 2 * 255)
			}
			images, err := data.NewInMemory(pix, 8, pixels.Item(2, 2, 1))
			if err != nil {
				return nil, err
			}
			set := &data.Set{Name: "stripes", Train: data.Split{Items: images}, Digest: "stripes-1"}
			return set, data.Divide(set, opt) // holds some images out for the test part
		},
	})
	set, err := sets.Open(context.Background(), "stripes", data.Options{TestFraction: 0.25})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(set.Train.Len(), "to train,", set.Test.Len(), "to test")
	// Output: 6 to train, 2 to test
}
