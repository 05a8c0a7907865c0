package gallery

import (
	"context"
	"image"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/viz"
)

const (
	reconstructionCount = 30 // images with their reconstructions
	sampleCount         = 64
)

func drawReconstructions(ctx context.Context, s *Snapshot) (image.Image, error) {
	if s.session.Model().Reconstruct == nil {
		return nil, nil
	}
	split, name := s.images()
	var index []int
	for _, i := range s.Key("reconstructions").Perm(split.Len()) {
		if len(index) < reconstructionCount {
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
	return viz.Pairs(s.session.Item(), originals, reconstructions, viz.PairsOptions{Title: s.Title(name + " images and their reconstructions")})
}

func drawSamples(ctx context.Context, s *Snapshot) (image.Image, error) {
	if !s.hasPrior {
		return nil, nil
	}
	n, columns, title := sampleCount, 8, "samples, from the model's own prior"
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
		n, title = 6*columns, title+", a column of each class"
		for i := range n {
			labels = append(labels, rows[i%columns].labels...)
		}
	}
	pix, err := s.session.Sample(ctx, s.Key("samples"), n, labels)
	if err != nil {
		return nil, err
	}
	return viz.Grid(s.session.Item(), pix, columns, viz.GridOptions{Title: s.Title(title)})
}
