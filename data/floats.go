package data

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/imago-ml/imago/internal/kernel"
)

// Floats writes the images of those indices to the front of dst, one after
// another, as pixels p/255 in [0, 1]. Images in memory are converted without an
// allocation; others are read by several goroutines at once (Parallel).
//
// index (n) → dst (n, H, W, C). The error names the image.
func Floats(ctx context.Context, images Items, index []int32, dst []float32) error {
	h, w, c := images.Shape()
	size := h * w * c
	if len(dst) < len(index)*size {
		return fmt.Errorf("data: %d values for %d images of %dx%dx%d, want %d", len(dst), len(index), h, w, c, len(index)*size)
	}
	if m, _ := inMemory(images); m != nil {
		r := Reader{images: images, size: size}
		for k, i := range index {
			if err := r.Floats(int(i), dst[k*size:]); err != nil {
				return err
			}
		}
		return nil
	}
	readers := sync.Pool{New: func() any { return NewReader(images) }}
	return Parallel(ctx, len(index), func(k int) error {
		r := readers.Get().(*Reader)
		defer readers.Put(r)
		return r.Floats(int(index[k]), dst[k*size:])
	})
}

// AllFloats returns Floats of all images: (N, H, W, C).
func AllFloats(ctx context.Context, images Items) ([]float32, error) {
	h, w, c := images.Shape()
	index := make([]int32, images.Len())
	for i := range index {
		index[i] = int32(i)
	}
	x := make([]float32, len(index)*h*w*c)
	return x, Floats(ctx, images, index, x)
}

// A Reader reads images one at a time, into memory that it keeps. It is for one
// goroutine.
type Reader struct {
	images Items
	size   int                              // values of an image
	pix    []uint8                          // an image that is not in memory
	exact  func(i int, dst []float32) error // nil if images are bytes
}

// NewReader reads from images.
func NewReader(images Items) *Reader {
	h, w, c := images.Shape()
	r := &Reader{images: images, size: h * w * c, exact: exactly(images)}
	if m, _ := inMemory(images); m == nil && r.exact == nil {
		r.pix = make([]uint8, r.size)
	}
	return r
}

// Floats writes image i to the front of dst, (H, W, C), as pixels p/255 in [0, 1],
// or as the values of an Exact.
// The error names the image.
func (r *Reader) Floats(i int, dst []float32) error {
	if n := r.images.Len(); i < 0 || i >= n {
		return fmt.Errorf("data: image %d: want 0 to %d", i, n-1)
	}
	if r.exact != nil {
		if err := r.exact(i, dst[:r.size]); err != nil {
			return fmt.Errorf("data: image %d: %w", i, err)
		}
		return nil
	}
	pix := r.pix
	if m, index := inMemory(r.images); m != nil {
		if index != nil {
			i = int(index[i])
		}
		pix = m.Slice(i)
	} else if err := r.images.At(i, pix); err != nil {
		return fmt.Errorf("data: image %d: %w", i, err)
	}
	kernel.Unit(dst[:r.size], pix)
	return nil
}

// inMemory returns where the images lie, if it is in memory, and which they are of those
// there; nil = all.
func inMemory(images Items) (*InMemory, []int32) {
	switch im := images.(type) {
	case *labelled:
		return inMemory(im.Items)
	case *InMemory:
		return im, nil
	case *subset:
		m, _ := im.all.(*InMemory)
		return m, im.index
	}
	return nil, nil
}

// Bytes returns pixels in [0, 1] as a file holds them, each rounded to the nearest p/255;
// what is no number is 0.
func Bytes(x []float32) []uint8 {
	pix := make([]uint8, len(x))
	for i, v := range x {
		if v > 0 {
			pix[i] = uint8(math.Round(255 * float64(min(v, 1))))
		}
	}
	return pix
}
