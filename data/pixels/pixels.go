// Package pixels is the medium of images: H rows of W columns of C channels, each
// value one of 256 levels.
//
// An image of 1 channel is grey, one of 3 is red, green and blue. Images of other
// channel counts, up to MaxChannels, such as those of a satellite, train like these:
// they are drawn as one grey picture per channel, and written as arrays of NumPy.
//
//	item := pixels.Item(28, 28, 1)
//
// The package must not know any data set or model.
package pixels

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/imageio"
	"github.com/imago-ml/imago/formats/numpy"
	"github.com/imago-ml/imago/internal/kernel"
)

// H rows, W columns, C channels, in every comment of this package.

// Name is the name of the medium in run.json.
const Name = "image"

// The limits of an image.
const (
	MaxSide     = 1 << 16 // rows or columns
	MaxChannels = 64
)

// Medium is the medium of images. It has no settings.
type Medium struct{}

// Item returns the item of images of that size. It does not check it: see
// medium.Item.Check.
func Item(h, w, c int) medium.Item {
	return medium.Item{Medium: Medium{}, Shape: tensor.Shape{h, w, c}, Element: medium.Levels}
}

// Kind returns the kind of the medium, for medium.Registry.
func Kind() medium.Kind { return medium.KindOf[Medium](Name) }

// Noun returns "image".
func (Medium) Noun() string { return "image" }

// ValueNoun returns pixel.
func (Medium) ValueNoun() string { return "pixel" }

// Name returns "image".
func (Medium) Name() string { return Name }

// Check returns an error unless item has three axes, sides of at most MaxSide, 1 to
// MaxChannels channels, and levels.
func (Medium) Check(item medium.Item) error {
	h, w, c, err := medium.HWC(item)
	switch {
	case err != nil:
		return err
	case h < 1 || w < 1 || h > MaxSide || w > MaxSide || c < 1 || c > MaxChannels:
		return fmt.Errorf("images of %v: want rows and columns of 1 to %d and 1 to %d channels", item, MaxSide, MaxChannels)
	case item.Element != medium.Levels:
		return fmt.Errorf("images of %v: want levels", item.Element)
	}
	return nil
}

func sides(item medium.Item) (h, w, c int) { return item.Shape[0], item.Shape[1], item.Shape[2] }

// panels returns how many rows and columns of grey pictures show c channels: about a
// square.
func panels(c int) (rows, cols int) {
	cols = int(math.Ceil(math.Sqrt(float64(c))))
	return (c + cols - 1) / cols, cols
}

// TileSize returns the size of the image itself if it has 1 or 3 channels, else that
// of its channels beside each other in grey.
func (Medium) TileSize(item medium.Item) (h, w, c int) {
	h, w, c = sides(item)
	if c == 1 || c == 3 {
		return h, w, c
	}
	rows, cols := panels(c)
	return rows * h, cols * w, 1
}

// Tile draws an image: see TileSize. The places of channels that do not exist are
// black.
func (Medium) Tile(item medium.Item, values, dst []float32) {
	h, w, c := sides(item)
	if c == 1 || c == 3 {
		copy(dst, values)
		return
	}
	_, cols := panels(c)
	clear(dst)
	for y := range h {
		for x := range w {
			for k := range c {
				dst[(k/cols*h+y)*cols*w+k%cols*w+x] = values[(y*w+x)*c+k]
			}
		}
	}
}

// Format returns PNG for 1 or 3 channels, else NPY.
func (Medium) Format(item medium.Item) medium.Format {
	if _, _, c := sides(item); c == 1 || c == 3 {
		return medium.Format{Extension: ".png"}
	}
	return medium.Format{Extension: ".npy", Many: true}
}

// Encode returns a PNG file of one image, or an NPY file of the uint8 levels of
// images, (n, H, W, C).
func (m Medium) Encode(item medium.Item, values []float32) ([]byte, error) {
	h, w, c := sides(item)
	var b bytes.Buffer
	if m.Format(item).Many {
		t, err := tensor.FromSlice(Bytes(values), item.Batch(len(values)/item.Size())...)
		if err == nil {
			err = numpy.WriteNPY(&b, t)
		}
		return b.Bytes(), err
	}
	if len(values) != h*w*c {
		return nil, fmt.Errorf("pixels: %d values for a PNG file: want one image of %v", len(values), item)
	}
	err := imageio.Encode(&b, imageio.Image{H: h, W: w, C: c, Pix: Bytes(values)})
	return b.Bytes(), err
}

// Decode returns the image in an image file (formats/imageio), cropped in the middle to the
// proportions of item and resized, or the images of item's shape in an NPY file of
// levels, (H, W, C) or (n, H, W, C).
func (Medium) Decode(item medium.Item, file []byte) ([]float32, error) {
	h, w, c := sides(item)
	if bytes.HasPrefix(file, []byte(numpy.Magic)) {
		return decodeArray(item, file)
	}
	if c != 1 && c != 3 {
		return nil, fmt.Errorf("pixels: %s: images of %d channels are read from NPY files", imageio.Describe(file[:min(len(file), 512)]), c)
	}
	m, err := imageio.Decode(bytes.NewReader(file), imageio.Limits{})
	if err != nil {
		return nil, err
	}
	// The largest crop of the proportions of item; for a square one the largest square.
	ch, cw := m.H, m.W
	if ch*w > cw*h {
		ch = max(1, cw*h/w)
	} else {
		cw = max(1, ch*w/h)
	}
	return Floats(imageio.Resize(m.Crop(ch, cw).Channels(c), h, w).Pix), nil
}

func decodeArray(item medium.Item, file []byte) ([]float32, error) {
	t, err := numpy.ReadNPY(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	s := t.Shape()
	if len(s) == len(item.Shape)+1 {
		s = s[1:]
	}
	if !s.Equal(item.Shape) || t.DType() != tensor.Uint8 {
		return nil, fmt.Errorf("pixels: an array %v: want levels, uint8, of shape %v", t, item)
	}
	if t.Size() == 0 {
		return nil, errors.New("pixels: an array without images")
	}
	return Floats(t.U8()), nil
}

// MirrorLeftRight reverses the order of the columns of an image in place.
func (Medium) MirrorLeftRight(item medium.Item, values []float32) {
	h, w, c := sides(item)
	for y := range h {
		row := values[y*w*c : (y+1)*w*c]
		for i, j := 0, w-1; i < j; i, j = i+1, j-1 {
			for k := range c {
				row[i*c+k], row[j*c+k] = row[j*c+k], row[i*c+k]
			}
		}
	}
}

// Shift moves an image in place by so many rows down and columns right. The pixels that
// come in are those of the edge.
func (Medium) Shift(item medium.Item, values []float32, rows, columns int) {
	h, w, c := sides(item)
	rows, columns = min(max(rows, 1-h), h-1), min(max(columns, 1-w), w-1)
	row := func(y int) []float32 { return values[y*w*c : (y+1)*w*c] }
	for i := range h { // a row is read before another takes its place
		y := i
		if rows > 0 {
			y = h - 1 - i
		}
		copy(row(y), row(min(max(y-rows, 0), h-1)))
	}
	for y := range h {
		r := row(y)
		if columns > 0 {
			copy(r[columns*c:], r)
		} else {
			copy(r, r[-columns*c:])
		}
		for x := 1; x < columns; x++ {
			copy(r[x*c:][:c], r[:c])
		}
		for x := w + columns; x < w-1; x++ {
			copy(r[x*c:][:c], r[(w-1)*c:])
		}
	}
}

// Bytes returns the levels of pixels in [0, 1]: each rounded to the nearest p/255, NaN
// as 0.
func Bytes(x []float32) []uint8 {
	pix := make([]uint8, len(x))
	for i, v := range x {
		if v > 0 {
			pix[i] = uint8(math.Round(255 * float64(min(v, 1))))
		}
	}
	return pix
}

// Floats returns the pixels of levels, p/255 in [0, 1].
func Floats(pix []uint8) []float32 {
	x := make([]float32, len(pix))
	kernel.ScalePixels(x, pix)
	return x
}
