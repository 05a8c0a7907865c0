package feature

import (
	"math"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/formats/imageio"
)

// resizedForNet returns images at the size of a net's input: as they are, or resized so that
// the longest side is maxSide.
func resizedForNet(images data.Items) data.Items {
	h, w, c, err := medium.HWC(images.Item())
	long := max(h, w)
	if err != nil || long <= maxSide {
		return images
	}
	side := func(n int) int { return max(1, int(math.Round(float64(n)*maxSide/float64(long)))) }
	return resized{images, imageio.Image{H: h, W: w, C: c}, side(h), side(w)}
}

// resized is images at another size, by imageio.Resize.
type resized struct {
	data.Items
	from imageio.Image // without pixels
	h, w int
}

func (r resized) Item() medium.Item { return pixels.Item(r.h, r.w, r.from.C) }

func (r resized) At(i int, dst []uint8) error {
	m := imageio.New(r.from.H, r.from.W, r.from.C)
	if err := r.Items.At(i, m.Pix); err != nil {
		return err
	}
	copy(dst, imageio.Resize(m, r.h, r.w).Pix)
	return nil
}
