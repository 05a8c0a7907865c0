package gallery

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"strings"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/viz"
)

const (
	traversalExtent = 3  // of z, both ways, if the prior is N(0, I)
	traversalUnits  = 10 // units that are varied, at most
	traversalSteps  = 9  // values of each, at most
	coarseSide      = 10 // codes a side of the coarse manifold, at most
	fineSide        = 30 // of the fine one
)

func drawScatter(ctx context.Context, s *Snapshot) (image.Image, error) {
	if !s.HasEncoder() {
		return nil, nil
	}
	codes, part, err := s.encode(ctx)
	if err != nil {
		return nil, err
	}
	plane, err := s.plane(ctx)
	if err != nil {
		return nil, err
	}
	lo, hi, fitted := latent.AxisLimits(codes, plane, s.standardPrior, 4)
	note := ""
	if fitted {
		note = "axes fitted to the codes"
	}
	_, name := s.images()
	p, err := latent.Project(codes, plane, part.Labels, len(s.set.Classes), lo, hi)
	if err != nil {
		return nil, err
	}
	title, note := s.words(fmt.Sprintf("mean codes of %s", english.Plural(len(p.Points), name+" "+s.noun())), p.Note, note)
	return viz.Scatter(p.Points, part.Labels, s.set.Classes, viz.ScatterOptions{
		Lo: lo, Hi: hi, XLabel: p.XLabel, YLabel: p.YLabel, Title: title, Note: note,
	})
}

// drawPlane returns n×n codes over [lo, hi]² decoded. Of more than two units it varies
// the two most important ones.
func (s *Snapshot) drawPlane(ctx context.Context, n int, want float64, opt viz.ManifoldOptions) (image.Image, error) {
	lo, hi, note, err := s.extent(ctx, want)
	if err != nil {
		return nil, err
	}
	if s.latent == 1 && s.isRecords() { // of a line of rows few tell enough
		n = min(n, 5)
	}
	plane, err := s.plane(ctx)
	if err != nil {
		return nil, err
	}
	z, units, err := latent.Manifold(n, lo, hi, plane)
	if err != nil {
		return nil, err
	}
	pix, err := s.session.Decode(ctx, z)
	if err != nil {
		return nil, err
	}
	item := s.session.Item()
	opt.Note = s.time(units, note)
	opt.XLabel, opt.YLabel = plane.Labels()
	if s.latent == 1 { // a line of codes has no second axis
		_, width, _ := medium.TileSize(item)
		scale := max(1, cmp.Or(opt.Side, 1680)/(n*width))
		return viz.Grid(item, pix, n, viz.GridOptions{Scale: scale, Gap: 2, Title: opt.Title, Note: fmt.Sprintf("z from %.3g to %.3g, row by row; %s", lo, hi, opt.Note)})
	}
	return viz.Manifold(item, pix, n, lo, hi, opt)
}

// drawManifold returns the picture of decoded codes, most a side or as many as fit.
func drawManifold(most int, extent float64) func(ctx context.Context, s *Snapshot) (image.Image, error) {
	return func(ctx context.Context, s *Snapshot) (image.Image, error) {
		if !s.HasPlane() {
			return nil, nil
		}
		n := s.fit(planeItems, 3, most)
		title, _ := s.words(s.noun() + "s decoded from a grid of codes")
		return s.drawPlane(ctx, n, extent, viz.ManifoldOptions{Title: title, Side: max(planeSide, n*s.tileSide())})
	}
}

// drawFineManifold returns the picture of a fine grid of all codes, of a model with two
// units at most.
func drawFineManifold(ctx context.Context, s *Snapshot) (image.Image, error) {
	if s.latent > 2 {
		return nil, nil
	}
	return drawManifold(fineSide, 4)(ctx, s)
}

// drawUnits varies the latent units of a model that has more than two, one in each row.
func drawUnits(ctx context.Context, s *Snapshot) (image.Image, error) {
	if !s.HasDecoder() || s.labels > 0 || s.latent <= 2 {
		return nil, nil
	}
	lo, hi, note, err := s.extent(ctx, traversalExtent)
	if err != nil {
		return nil, err
	}
	r, err := s.ranking(ctx)
	if err != nil {
		return nil, err
	}
	order := r.Order()
	cells, n := s.room(2*sheetSize, 15, traversalUnits*traversalSteps), traversalSteps
	if cells < traversalUnits*traversalSteps/2 {
		n = (traversalSteps + 1) / 2
	}
	order = order[:min(cells/n, len(order))]
	steps, columns := make([]float32, n), make([]string, n)
	for k := range steps {
		steps[k] = float32(lo + (hi-lo)*float64(k)/float64(n-1))
		columns[k] = strings.Replace(fmt.Sprintf("%.2g", steps[k]), "-", "−", 1)
	}
	var rows []string
	values := make([][]float32, len(order))
	for r, u := range order {
		rows, values[r] = append(rows, fmt.Sprintf("z[%d]", u)), steps
	}
	z, err := latent.Traverse(make([]float32, s.latent), order, values)
	if err != nil {
		return nil, err
	}
	pix, err := s.session.Decode(ctx, z)
	if err != nil {
		return nil, err
	}
	height, _, _ := medium.TileSize(s.session.Item())
	title, note := s.words("one latent unit moved in each row, the others 0", fmt.Sprintf("%d of %d units, the first %v", len(order), s.latent, r.By), "the value of the unit stands above each column", note)
	return viz.Sheet(s.session.Item(), pix, len(rows), len(columns), viz.SheetOptions{
		Title: title, Note: note, Rows: rows, Cols: columns, Scale: max(1, 64/height), MaxPixels: 4 * sheetSize})
}
