package train

import (
	"cmp"
	"fmt"
	"image"
	"path/filepath"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/viz"
)

const (
	frameSide   = 12 // images a side of a frame of the animation
	frameExtent = 3  // of z, both ways, where the prior is N(0, I)
	unitsDrawn  = 10 // units that are varied
	unitSteps   = 9  // values of each
)

// extent returns the range of z in a picture: the wanted one around 0 where the prior
// is N(0, I), else that of the codes.
func (a *artist) extent(want float64) (lo, hi float64, note string, err error) {
	if a.normal {
		return -want, want, "", nil
	}
	codes, _, err := a.encode()
	if err != nil {
		return 0, 0, "", err
	}
	lo, hi = latent.AxisRange(codes)
	return lo, hi, "range of the codes", nil
}

// manifold decodes n×n codes over [lo, hi]² and draws them: of more than two units
// those two that differ most among the images.
func (a *artist) manifold(n int, want float64, opt viz.ManifoldOptions) (image.Image, error) {
	lo, hi, note, err := a.extent(want)
	if err != nil {
		return nil, err
	}
	z, left, err := latent.Manifold(n, lo, hi, min(a.dim, 2))
	if err != nil {
		return nil, err
	}
	if a.dim > 2 {
		order, err := a.ranked()
		if err != nil {
			return nil, err
		}
		x, y := order[0], order[1]
		plane := make([]float32, n*n*a.dim)
		for i := range n * n {
			plane[i*a.dim+x], plane[i*a.dim+y] = z[2*i], z[2*i+1]
		}
		z, left = plane, fmt.Sprintf("units %d and %d of %d, the others 0", x, y, a.dim)
		opt.XLabel, opt.YLabel = fmt.Sprintf("z[%d]", x), fmt.Sprintf("z[%d]", y)
	}
	pix, err := a.session.Decode(a.ctx, z)
	if err != nil {
		return nil, err
	}
	s := a.session.Item()
	opt.Note = a.after(left, note)
	if a.dim == 1 { // a line of codes has no second axis
		_, w, _ := medium.TileSize(s)
		scale := max(1, cmp.Or(opt.Side, 1680)/(n*w))
		return viz.Grid(s, pix, n, viz.GridOptions{Scale: scale, Gap: 2, Title: fmt.Sprintf("z from %.3g to %.3g: %s", lo, hi, opt.Note)})
	}
	return viz.Manifold(s, pix, n, lo, hi, opt)
}

// ranked returns the units from the one whose codes differ most among images down; as
// they are numbered if the model does not encode.
func (a *artist) ranked() ([]int, error) {
	if !a.encodes() {
		return latent.Ranked(make([]float64, a.dim)), nil
	}
	codes := a.codes
	if codes == nil {
		split, _ := a.images()
		some, err := first(a.set.Labelled(split), judged)
		if err != nil {
			return nil, err
		}
		if codes, _, err = a.session.EncodeMeans(a.ctx, some); err != nil {
			return nil, err
		}
	}
	_, deviation := latent.Moments(codes, a.dim)
	return latent.Ranked(deviation), nil
}

// units varies the units of a model that has more than two, one a row.
func (a *artist) units() error {
	if !a.decodes() || a.labels > 0 || a.dim <= 2 {
		return nil
	}
	lo, hi, note, err := a.extent(frameExtent)
	if err != nil {
		return err
	}
	order, err := a.ranked()
	if err != nil {
		return err
	}
	order = order[:min(unitsDrawn, len(order))]
	steps, columns := make([]float32, unitSteps), make([]string, unitSteps)
	for k := range steps {
		steps[k] = float32(lo + (hi-lo)*float64(k)/(unitSteps-1))
		columns[k] = fmt.Sprintf("%.2g", steps[k])
	}
	var rows []string
	values := make([][]float32, len(order))
	for r, u := range order {
		rows, values[r] = append(rows, fmt.Sprintf("z[%d]", u)), steps
	}
	z, err := latent.Traverse(make([]float32, a.dim), order, values)
	if err != nil {
		return err
	}
	pix, err := a.session.Decode(a.ctx, z)
	if err != nil {
		return err
	}
	s := a.session.Item()
	h, _, _ := medium.TileSize(s)
	img, err := viz.Sheet(s, pix, len(rows), len(columns), viz.SheetOptions{
		Title: "one unit a row, the others 0: " + a.after(note), Rows: rows, Cols: columns, Scale: max(1, 64/h)})
	if err != nil {
		return err
	}
	return a.write("units", img)
}

// manifolds returns of models that take no labels and whose codes mean something; the fine one is of two units at most,
// of which it shows everything.
func (a *artist) manifolds() error {
	if !a.decodes() || a.labels > 0 || a.noisy() {
		return nil
	}
	for _, m := range []struct {
		name   string
		n      int
		extent float64
	}{{"manifold", 30, 4}, {"manifold-10x10", 10, 3}} {
		if m.n == 30 && a.dim > 2 {
			continue
		}
		img, err := a.manifold(m.n, m.extent, viz.ManifoldOptions{Title: "what the codes decode to"})
		if err == nil {
			err = a.write(m.name, img)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// frame adds a small picture to those of which the animation is made, all of one
// size: the manifold, of a conditional model its classes, and what it makes of one
// noise where codes are noise.
func (a *artist) frame() error {
	if a.stepped() {
		return a.sheets()
	}
	var img image.Image
	var err error
	switch {
	case a.labels > 0:
		h, _, _ := medium.TileSize(a.session.Item())
		img, err = a.sheet(fmt.Sprintf("epoch %04d", a.epoch), max(1, 64/h))
	case a.noisy():
		img, err = a.made(a.key().Split(fixedName), a.after("the same noise"))
	case a.decodes():
		img, err = a.manifold(frameSide, frameExtent, viz.ManifoldOptions{Title: a.run.Config.Recipe, PerUnit: 1, Side: 480})
	default:
		return nil
	}
	if err != nil {
		return err
	}
	b, err := viz.PNG(img)
	if err != nil {
		return err
	}
	return a.writeFile(a.framePath(a.epoch), b)
}

func (a *artist) framePath(epoch int) string {
	return filepath.Join(a.run.Path(runlog.FramesDir), fmt.Sprintf("epoch-%04d.png", epoch))
}
