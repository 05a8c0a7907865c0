package gallery

import (
	"context"
	"fmt"
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
	_, name := s.images()
	_, originals, reconstructions, err := s.reconstructed(ctx, s.room(sheetSize/2, 4, reconstructionCount))
	if err != nil {
		return nil, err
	}
	title, note := s.words(fmt.Sprintf("%s %ss, each above its reconstruction", name, s.noun()))
	return viz.Pairs(s.session.Item(), originals, reconstructions, viz.PairsOptions{
		Title: title, Note: note, Cols: s.fit(planeSide, 2, reconstructionColumns)})
}

// reconstructed returns so many test items, the same ones each time, by number, with their values and those of their
// reconstructions.
func (s *Snapshot) reconstructed(ctx context.Context, count int) (index []int, originals, reconstructions []float32, err error) {
	split, _ := s.images()
	index = make([]int, min(count, split.Len()))
	for i, k := range s.Key("reconstructions").Perm(split.Len())[:len(index)] {
		index[i] = int(k)
	}
	some, err := data.Subset(s.set.Labelled(split), index)
	if err != nil {
		return nil, nil, nil, err
	}
	if reconstructions, err = s.session.Reconstruct(ctx, some); err != nil {
		return nil, nil, nil, err
	}
	originals, err = data.AllFloats(ctx, some)
	return index, originals, reconstructions, err
}

func drawSamples(ctx context.Context, s *Snapshot) (image.Image, error) {
	if !s.hasPrior {
		return nil, nil
	}
	columns, title := int(math.Sqrt(float64(s.room(sheetSize, 4, sampleSide*sampleSide)))), "drawn from the model's own prior"
	n := columns * columns
	if s.standardPrior {
		title = "decoded from codes z ~ N(0, I)"
	}
	var labels []float32
	if s.labels > 0 {
		rows, _, err := labelRows(s.set, s.labels)
		if err != nil {
			return nil, err
		}
		columns = len(rows)
		n, title = columns*s.room(sheetSize/columns, 1, 6), title+", a class in each column"
		for i := range n {
			labels = append(labels, rows[i%columns].labels...)
		}
	}
	pix, err := s.session.Sample(ctx, s.Key("samples"), n, labels)
	if err != nil {
		return nil, err
	}
	title, note := s.words("samples", title)
	return viz.Grid(s.session.Item(), pix, columns, viz.GridOptions{Title: title, Note: note, MaxPixels: 2 * sheetSize})
}
