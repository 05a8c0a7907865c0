package viz_test

import (
	"fmt"
	"log"

	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/viz"
)

// Four grey images of 2×2 pixels, two in a row.
func ExampleGrid() {
	pix := []float32{
		0, 1, 1, 0,
		1, 0, 0, 1,
		0.5, 0.5, 0, 0,
		0, 0, 0.5, 0.5,
	}
	img, err := viz.Grid(pixels.Item(2, 2, 1), pix, 2, viz.GridOptions{Scale: 8, Gap: 4})
	if err != nil {
		log.Fatal(err)
	}
	png, err := viz.PNG(img)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(img.Bounds().Size(), len(png) > 0)
	// Output: (44,44) true
}

func ExampleCurves() {
	img, err := viz.Curves([]viz.Series{
		{Name: "train", Y: []float64{180, 120, 105}},
		{Name: "test", Y: []float64{170, 122, 110}, Dashed: true},
	}, viz.CurveOptions{Title: "Loss", XLabel: "epoch", YLabel: "nats"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(img.Bounds().Size())
	// Output: (1520,840)
}
