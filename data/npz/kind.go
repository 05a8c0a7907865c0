package npz

import (
	"math"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/tensor"
)

// isTable reports whether the arrays are rows of numbers and not images, and says so
// where that is not plain.
func isTable(parts [2]arrays, opt data.Options) (bool, []data.Note) {
	var set data.Set // collects the notes
	first := parts[0].images
	s := first.Shape()
	flat := len(s) == 2
	_, pictures := opt.Medium.(pixels.Medium)
	switch {
	case opt.Pixels != "" || opt.As == data.AsImages:
		return false, nil
	case opt.As == data.AsTable:
		return len(s) >= 2, nil
	case !flat:
		return false, nil
	case opt.Medium != nil:
		return !pictures, nil
	}
	side := int(math.Round(math.Sqrt(float64(s[1]))))
	if side*side != s[1] {
		return true, nil
	}
	if looksLikeImages(first, side) {
		set.Tell("%s: the %d numbers of a row are read as an image of %dx%d, because neighbours are alike; {Table} reads them as columns", parts[0].imagesName, s[1], side, side)
		return false, set.Notes
	}
	set.Tell("%s: the %d numbers of a row are read as columns of a table; {Images} reads them as an image of %dx%d", parts[0].imagesName, s[1], side, side)
	return true, set.Notes
}

const (
	leastSquare = 64  // images of fewer pixels are rare, tables of so few columns are not
	mostRows    = 500 // of an array are looked at
	alike       = 0.8 // neighbours of a picture differ by less than this part of what pixels far apart do
)

// looksLikeImages reports whether rows of side·side numbers are pictures: numbers from 0
// to 255, or to 1, of which neighbours in the square differ less than those far apart,
// both along and across. The end of a line of a picture and the beginning of the next are
// no neighbours: where they differ as those along a line do, the row is one curve, such as
// a spectrum.
func looksLikeImages(t *tensor.Tensor, side int) bool {
	n, d := t.Shape()[0], side*side
	if d < leastSquare {
		return false
	}
	var along, across, wrap, far difference
	every := max(1, n/mostRows)
	for row := 0; row < n; row += every {
		at := func(i int) float64 { return value(t, row*d+i) }
		for i := range d {
			v := at(i)
			if !(v >= -1 && v <= 255) {
				return false
			}
			if i%side < side-1 {
				along.add(v, at(i+1))
			} else if i+1 < d {
				wrap.add(v, at(i+1))
			}
			if i+side < d {
				across.add(v, at(i+side))
			}
			far.add(v, at((i+d/2+side/2)%d))
		}
	}
	limit := alike * far.mean()
	curve := wrap.mean() > 0.5*along.mean() && wrap.mean() < 1.5*along.mean()
	return along.mean() < limit && across.mean() < limit && !curve
}

// A difference is the mean of how much two numbers differ.
type difference struct {
	sum float64
	n   int
}

func (d *difference) add(a, b float64) { d.sum, d.n = d.sum+math.Abs(a-b), d.n+1 }

func (d *difference) mean() float64 { return d.sum / float64(max(d.n, 1)) }

// width returns the numbers of an item.
func width(t *tensor.Tensor) int { return t.Size() / t.Shape()[0] }
