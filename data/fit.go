package data

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/formats/imageio"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/internal/option"
)

// MaxInMemory is how many bytes of pixels a split may take in memory; a larger
// one is packed, or read image by image.
const MaxInMemory = 2 << 30

// FitsInMemory reports whether the levels of n items take at most MaxInMemory bytes, and
// no more than there is room for.
func FitsInMemory(n int, item medium.Item) bool {
	return n == 0 || MaxInMemory/n/item.Size() > 0 && memory.Check(int64(n)*int64(item.Size()), "the set") == nil
}

// fit returns set with every image square (opt.Size, opt.Crop) and grey (opt.Gray) if opt
// says so. A set that fits already is returned unchanged, its digest too.
func fit(ctx context.Context, set *Set, opt Options) (*Set, error) {
	out := *set
	if out.Channels != nil {
		if opt.Gray {
			out.Channels = nil // one channel made of all
		} else if channels, err := fit(ctx, set.Channels, opt); err != nil {
			return nil, err
		} else {
			out.Channels = channels
		}
	}
	for _, p := range []struct {
		name string
		*Split
	}{{"train", &out.Train}, {"test", &out.Test}} {
		if p.Items == nil {
			continue
		}
		item := p.Items.Item()
		if _, ok := item.Medium.(pixels.Medium); !ok {
			if opt.Side() > 0 || opt.Crop > 0 {
				return nil, option.Errorf("data: %s: items of shape %v are no pictures to be cropped or resized: leave out {Size} and {Crop}", set.Name, item)
			}
			continue
		}
		h, w, c := item.Shape[0], item.Shape[1], item.Shape[2]
		f := fitted{p.Items, h, w, c, 0}
		if side := opt.Side(); side > 0 {
			f.h, f.w = side, side
		}
		if opt.Crop < min(h, w) { // else there is nothing to cut but what makes a square
			f.crop = opt.Crop
		}
		if opt.Gray {
			f.c = 1
		}
		if f.h == h && f.w == w && f.c == c && f.crop == 0 {
			continue
		}
		if f.c != c && c != 3 {
			return nil, option.Errorf("data: %s: images of %d channels have no grey values: leave out {Gray}", set.Name, c)
		}
		how := fmt.Appendf(nil, "%s fitted %dx%dx%d", set.Digest, f.h, f.w, f.c)
		if f.crop > 0 {
			how = fmt.Appendf(how, " crop %d", f.crop)
		}
		out.Digest = fmt.Sprintf("%x", sha256.Sum256(how))
		var err error
		if p.Items, err = f.load(ctx, sha256.Sum256(fmt.Appendf(PackKey(), "%s %s\n", out.Digest, p.name)), set.Name, opt); err != nil {
			return nil, err
		}
	}
	return &out, nil
}

// fitted is Items cropped, resized and made grey as they are read.
type fitted struct {
	Items
	h, w, c int
	crop    int // side of the square that is cut out first; 0 = the largest
}

// load returns the images of f done once: in memory, or packed if they are too many, or
// as they are if they cannot be kept.
func (f fitted) load(ctx context.Context, key [32]byte, from string, opt Options) (Items, error) {
	n, size := f.Len(), f.h*f.w*f.c
	if FitsInMemory(n, f.Item()) {
		pix := make([]uint8, n*size)
		err := Parallel(ctx, n, func(i int) error { return f.At(i, pix[i*size:(i+1)*size]) })
		if err != nil {
			return nil, err
		}
		return NewInMemory(pix, n, f.Item())
	}
	p := FindPacked(key, opt)
	if p == nil {
		var err error
		p, err = Pack(ctx, Packing{Key: key, From: from, N: n, H: f.h, W: f.w, C: f.c, Decode: func(i int, dst []uint8) (none [32]byte, err error) {
			return none, f.At(i, dst)
		}}, opt)
		if err != nil {
			return nil, err
		}
	}
	if p == nil {
		return f, nil
	}
	return p, nil
}

func (f fitted) Item() medium.Item { return pixels.Item(f.h, f.w, f.c) }

func (f fitted) At(i int, dst []uint8) error {
	if err := checkAt(f, i, dst); err != nil {
		return err
	}
	from := f.Items.Item()
	h, w, c := from.Shape[0], from.Shape[1], from.Shape[2]
	pix := make([]uint8, h*w*c)
	if err := f.Items.At(i, pix); err != nil {
		return err
	}
	copy(dst, f.fit(imageio.Image{H: h, W: w, C: c, Pix: pix}).Pix)
	return nil
}

// fit returns an image in grey, cropped and resized.
func (f fitted) fit(m imageio.Image) imageio.Image {
	if f.c == 1 && m.C == 3 {
		m = m.Gray()
	}
	if f.h != m.H || f.w != m.W || f.crop > 0 {
		m = m.Square(f.crop, f.h)
	}
	return m
}
