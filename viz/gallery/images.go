package gallery

import (
	"context"
	"image"
	"math"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/viz"
)

const (
	reconstructionCount   = 30 // images with their reconstructions, at most
	reconstructionColumns = 10 // at most
	sampleSide            = 8  // samples a side, at most
)

func drawReconstructions(ctx context.Context, s *Snapshot) (image.Image, error) {
	if s.session.Model().Reconstruct == nil {
		return nil, nil
	}
	split, name := s.images()
	var index []int
	count := s.room(sheetSize/2, 4, reconstructionCount)
	for _, i := range s.Key("reconstructions").Perm(split.Len()) {
		if len(index) < count {
			index = append(index, int(i))
		}
	}
	some, err := data.Subset(s.set.Labelled(split), index)
	if err != nil {
		return nil, err
	}
	reconstructions, err := s.session.Reconstruct(ctx, some)
	if err != nil {
		return nil, err
	}
	originals, err := data.AllFloats(ctx, some)
	if err != nil {
		return nil, err
	}
	return viz.Pairs(s.session.Item(), originals, reconstructions, viz.PairsOptions{
		Title: s.Title(name + " images and their reconstructions"), Cols: s.fit(planeSide, 2, reconstructionColumns)})
}

func drawSamples(ctx context.Context, s *Snapshot) (image.Image, error) {
	if !s.hasPrior {
		return nil, nil
	}
	columns, title := int(math.Sqrt(float64(s.room(sheetSize, 4, sampleSide*sampleSide)))), "samples, from the model's own prior"
	n := columns * columns
	if s.standardPrior {
		title = "samples, z ~ N(0, I)"
	}
	var labels []float32
	if s.labels > 0 {
		rows, err := labelRows(s.set, s.labels)
		if err != nil {
			return nil, err
		}
		columns = len(rows)
		n, title = columns*s.room(sheetSize/columns, 1, 6), title+", a column of each class"
		for i := range n {
			labels = append(labels, rows[i%columns].labels...)
		}
	}
	pix, err := s.session.Sample(ctx, s.Key("samples"), n, labels)
	if err != nil {
		return nil, err
	}
	return viz.Grid(s.session.Item(), pix, columns, viz.GridOptions{Title: s.Title(title), MaxPixels: 2 * sheetSize})
}
