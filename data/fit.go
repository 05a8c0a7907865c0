package data

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/imago-ml/imago/formats/imageio"
	"github.com/imago-ml/imago/internal/option"
)

// MaxInMemory is how many bytes of pixels a split may take in memory; a larger
// one is packed, or read image by image.
const MaxInMemory = 2 << 30

// FitsInMemory says whether n images of h×w×c take at most MaxInMemory bytes.
func FitsInMemory(n, h, w, c int) bool {
	return n == 0 || MaxInMemory/n/h/w/c > 0
}

// fit gives set with every image square (opt.Size, opt.Crop) and grey (opt.Gray) if
// so asked. What already fits is left as it is, down to the digest.
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
		h, w, c := p.Items.Shape()
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
		if set.Columns != nil {
			return nil, option.Errorf("data: %s: a row of a table of numbers is no picture to be cut or resized: leave out {Size} and {Crop}", set.Name)
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
	if FitsInMemory(n, f.h, f.w, f.c) {
		pix := make([]uint8, n*size)
		err := Parallel(ctx, n, func(i int) error { return f.At(i, pix[i*size:(i+1)*size]) })
		if err != nil {
			return nil, err
		}
		return NewInMemory(pix, n, f.h, f.w, f.c)
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

func (f fitted) Shape() (h, w, c int) { return f.h, f.w, f.c }

func (f fitted) At(i int, dst []uint8) error {
	if err := checkAt(f, i, dst); err != nil {
		return err
	}
	h, w, c := f.Items.Shape()
	m := imageio.New(h, w, c)
	if err := f.Items.At(i, m.Pix); err != nil {
		return err
	}
	if f.c == 1 {
		m = m.Gray()
	}
	if f.h != h || f.w != w || f.crop > 0 {
		m = m.Square(f.crop, f.h)
	}
	copy(dst, m.Pix)
	return nil
}
