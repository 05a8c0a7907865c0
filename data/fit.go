package data

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/imago-ml/imago/imageio"
)

// MaxInMemory is how many bytes of pixels a split may take in memory; a larger
// one is read image by image.
const MaxInMemory = 2 << 30

// FitsInMemory says whether n images of h×w×c take at most MaxInMemory bytes.
func FitsInMemory(n, h, w, c int) bool {
	return n == 0 || MaxInMemory/n/h/w/c > 0
}

// fit gives set with every image square (opt.Size) and grey (opt.Gray) if so
// asked. What already fits is left as it is, down to the digest.
func fit(ctx context.Context, set *Set, opt Options) (*Set, error) {
	out := *set
	for _, p := range []*Split{&out.Train, &out.Test} {
		if p.Images == nil {
			continue
		}
		im, err := fitImages(ctx, p.Images, opt)
		if err != nil {
			return nil, err
		}
		if im != p.Images {
			p.Images = im
			h, w, c := im.Shape()
			out.Digest = fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%s fitted %dx%dx%d", set.Digest, h, w, c)))
		}
	}
	return &out, nil
}

func fitImages(ctx context.Context, im Images, opt Options) (Images, error) {
	h, w, c := im.Shape()
	f := fitted{Images: im, h: h, w: w, c: c}
	if opt.Size > 0 {
		f.h, f.w = opt.Size, opt.Size
	}
	if opt.Gray {
		f.c = 1
	}
	if f.h == h && f.w == w && f.c == c {
		return im, nil
	}
	n := im.Len()
	if !FitsInMemory(n, f.h, f.w, f.c) {
		return f, nil
	}
	size := f.h * f.w * f.c
	pix := make([]uint8, n*size)
	err := Parallel(ctx, n, func(i int) error { return f.At(i, pix[i*size:(i+1)*size]) })
	if err != nil {
		return nil, err
	}
	return NewInMemory(pix, n, f.h, f.w, f.c)
}

// fitted is Images cropped, resized and made grey as they are read.
type fitted struct {
	Images
	h, w, c int
}

func (f fitted) Shape() (h, w, c int) { return f.h, f.w, f.c }

func (f fitted) At(i int, dst []uint8) error {
	if err := checkAt(f, i, dst); err != nil {
		return err
	}
	h, w, c := f.Images.Shape()
	m := imageio.New(h, w, c)
	if err := f.Images.At(i, m.Pix); err != nil {
		return err
	}
	if f.c == 1 {
		m = m.Gray()
	}
	if f.h != h || f.w != w {
		m = m.Square(f.h)
	}
	copy(dst, m.Pix)
	return nil
}
