package viz

import (
	"fmt"
	"image"
	"math"

	"github.com/imago-ml/imago/data/medium"
)

// ManifoldOptions are the titles and the size of a manifold. The zero value is good.
type ManifoldOptions struct {
	Title  string // above, left
	Note   string // above, right, or below the title where there is no room: "epoch 7"
	XLabel string // "" = "z[0]"
	YLabel string // "" = "z[1]"
	// Side is the wanted side, in pixels, of the n×n images together; images are
	// enlarged by the largest whole factor within it, or drawn smaller. 0 = 840 units,
	// or more, up to 2²⁴ pixels, for images that are larger without enlargement: 30×30
	// images of 28 pixels are 1680 pixels a side at two pixels a unit.
	Side int
	// PerUnit is the number of pixels to a layout unit, 1 to 4; 0 = Density. Use 1
	// for the frames of an animation.
	PerUnit int
}

// ManifoldPoints returns the n×n latent points of a manifold, in the order in which
// Manifold takes the images decoded from them: row by row from the top of the picture,
// left to right. Row 0 has the largest z[1], column 0 the smallest z[0]:
//
//	point i·n+j = (lo + j·(hi−lo)/(n−1), hi − i·(hi−lo)/(n−1)),  0 ≤ i, j < n
//
// so z[0] grows to the right and z[1] upward. For n = 1 the point is the middle. The
// caller chooses the latent units beyond the first two.
func ManifoldPoints(n int, lo, hi float64) ([][2]float32, error) {
	if err := checkManifold(n, lo, hi); err != nil {
		return nil, err
	}
	pts := make([][2]float32, 0, n*n)
	for i := range n {
		for j := range n {
			pts = append(pts, [2]float32{float32(manifoldValue(n, j, lo, hi)), float32(manifoldValue(n, n-1-i, lo, hi))})
		}
	}
	return pts, nil
}

// manifoldValue returns the k-th of n values from lo to hi, both included.
func manifoldValue(n, k int, lo, hi float64) float64 {
	if n == 1 {
		return (lo + hi) / 2
	}
	return lo + (hi-lo)*float64(k)/float64(n-1)
}

// maxManifold bounds the number of images along a side.
const maxManifold = 1024

func checkManifold(n int, lo, hi float64) error {
	if n < 1 || n > maxManifold {
		return fmt.Errorf("viz: manifold: %d images a side, want 1 to %d", n, maxManifold)
	}
	if !(lo < hi) || math.IsInf(lo, 0) || math.IsInf(hi, 0) {
		return fmt.Errorf("viz: manifold: from %g to %g, want two finite values, the smaller first", lo, hi)
	}
	return nil
}

// Manifold draws the n×n items, values (n·n, Shape), decoded from ManifoldPoints(n, lo,
// hi), without gaps, on axes labelled with the values of z: every column and row for n up
// to 12, round values for larger n. Records, such as the rows of a table, are drawn as a
// map of each of their columns over the plane of z.
func Manifold(item medium.Item, values []float32, n int, lo, hi float64, opt ManifoldOptions) (image.Image, error) {
	if r, ok := recordsOf(item, values); ok {
		if err := checkManifold(n, lo, hi); err != nil {
			return nil, err
		}
		if r.n != n*n {
			return nil, fmt.Errorf("viz: manifold: %d records, want %d for %d a side", r.n, n*n, n)
		}
		return r.drawPlane(n, lo, hi, opt)
	}
	t, err := drawTiles("manifold", item, values)
	if err != nil {
		return nil, err
	}
	return manifold(t, n, lo, hi, opt)
}

func manifold(t tiles, n int, lo, hi float64, opt ManifoldOptions) (image.Image, error) {
	if err := checkManifold(n, lo, hi); err != nil {
		return nil, err
	}
	if err := t.check("manifold"); err != nil {
		return nil, err
	}
	if t.n != n*n {
		return nil, fmt.Errorf("viz: manifold: %d images, want %d for %d a side", t.n, n*n, n)
	}
	if opt.PerUnit < 0 || opt.PerUnit > 4 || opt.Side < 0 {
		return nil, fmt.Errorf("viz: manifold: side %d at %d pixels a unit, want a side of 0 or more, 0 to 4 pixels", opt.Side, opt.PerUnit)
	}
	dens := opt.PerUnit
	if dens == 0 {
		dens = Density
	}
	side, limit := opt.Side, min(opt.Side, 4096)*min(opt.Side, 4096)
	if side == 0 {
		side = 840 * dens
	}
	t, scale, small := t.sized(min(autoScale(n*max(t.h, t.w), side), maxScale), side, limit)
	opt.Note = withNote(opt.Note, small)
	h, w := t.h, t.w
	pw, ph := n*w*scale, n*h*scale
	gw, gh := float64(pw)/float64(dens), float64(ph)/float64(dens)

	xl, yl := orElse(opt.XLabel, "z[0]"), orElse(opt.YLabel, "z[1]")
	const left, right, bottom = 66.0, 22.0, 54.0
	top := 18.0
	if opt.Title != "" || opt.Note != "" {
		top = 48
	}
	note := bodyText.at(1)
	below := titleText.width(opt.Title)+note.width(opt.Note)+16 > gw
	if below = below && opt.Title != "" && opt.Note != ""; below {
		top = 64
	}
	s, err := newRaster("manifold", left+gw+right, top+gh+bottom, dens)
	if err != nil {
		return nil, err
	}
	room := gw + right - 8
	if below {
		s.text(left, 48, bodyText, shorten(bodyText, opt.Note, room))
	} else if opt.Note != "" {
		s.text(left+gw, 30, note, shorten(note, opt.Note, gw))
		room = gw - note.width(opt.Note) - 16
	}
	s.text(left, 30, titleText, shorten(titleText, opt.Title, room))

	for k := range n * n {
		s.tile(s.px(left)+k%n*w*scale, s.px(top)+k/n*h*scale, scale, t, k)
	}

	// The middle of cell k lies at (k + ½)/n of the side; a value between two
	// cells lies between their middles.
	at := func(v float64) float64 {
		if n == 1 {
			return 0.5
		}
		return ((v-lo)/(hi-lo)*float64(n-1) + 0.5) / float64(n)
	}
	for _, tk := range manifoldTicks(n, lo, hi) {
		x, y := left+at(tk.v)*gw, top+(1-at(tk.v))*gh
		s.line([]xy{{x, top + gh}, {x, top + gh + 5}}, 1, nil, edge)
		s.text(x, top+gh+18, tickText.sized(12).at(0.5), tk.text)
		s.line([]xy{{left - 5, y}, {left, y}}, 1, nil, edge)
		s.centred(left-9, y, tickText.sized(12).at(1), tk.text)
	}
	s.text(left+gw/2, top+gh+42, headText.sized(13).at(0.5), xl)
	s.upward(20, top+gh/2, headText.sized(13), yl)
	return s.image(), nil
}

func manifoldTicks(n int, lo, hi float64) []tick {
	if n > 12 {
		return niceTicks(lo, hi, 9)
	}
	digits := 1
	if n > 1 && (hi-lo)/float64(n-1) < 0.2 {
		digits = 2
	}
	ts := make([]tick, n)
	for k := range ts {
		v := manifoldValue(n, k, lo, hi)
		ts[k] = tick{v, number(v, digits)}
	}
	return ts
}

func orElse(s, def string) string {
	if s == "" {
		return def
	}
	return s
}
