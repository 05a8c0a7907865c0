package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/viz"
)

// The size of the sheet: rows of a made image and its nearest training images.
const (
	nearestRows   = 12
	nearestPerRow = 6
)

// drawNearest writes a sheet of images that the model makes, each beside the training
// images nearest to it.
func (a *app) drawNearest(ctx context.Context, m *trainedModel, e *eval.Evaluator, t eval.Task, out string) error {
	alike, err := e.Nearest(ctx, t, nearestRows, nearestPerRow)
	if err != nil {
		return err
	}
	var index []int
	k := len(alike.Neighbours[0])
	for _, near := range alike.Neighbours {
		for _, n := range near {
			index = append(index, n.Index)
		}
	}
	images, err := data.Subset(t.Set.Train.Items, index)
	if err != nil {
		return err
	}
	train, err := data.AllFloats(ctx, images)
	if err != nil {
		return err
	}
	img := m.Item()
	size := img.Size()
	var pix []float32
	var cells []string
	for i, near := range alike.Neighbours {
		pix = append(pix, alike.Generated[i*size:(i+1)*size]...)
		pix = append(pix, train[i*k*size:(i+1)*k*size]...)
		cells = append(cells, "")
		for _, n := range near {
			cells = append(cells, fmt.Sprintf("%d: %s", n.Index, distanceText(n.Distance)))
		}
	}
	picture, err := viz.Sheet(img, pix, nearestRows, k+1, viz.SheetOptions{
		Title: "Nearest training images, by " + alike.Space, Lead: 1, Cells: cells,
		Cols: append([]string{"made", "nearest"}, slices.Repeat([]string{""}, k-1)...),
	})
	if err != nil {
		return err
	}
	return a.writePNG(out, picture, "%d images made by %s, each beside the %s nearest by %s", nearestRows, m.name, plural(k, "training image"), alike.Space)
}
