package data

import (
	"context"
	"fmt"
	"sync"

	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/kernel"
	"github.com/imago-ml/imago/internal/memory"
)

// Floats writes the items of those indices to the front of dst, one after another, as
// levels p/255 in [0, 1] or as the values of an Exact. Items in memory are converted
// without an allocation; others are read by several goroutines at once (Parallel).
//
// index (n) → dst (n, Shape). The error names the item.
func Floats(ctx context.Context, images Items, index []int32, dst []float32) error {
	item := images.Item()
	size := item.Size()
	if len(dst) < len(index)*size {
		return fmt.Errorf("data: %d values for %d images of %v, want %d", len(dst), len(index), item, len(index)*size)
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

// AllFloats returns the values of all items as Floats writes them: (N, Shape).
func AllFloats(ctx context.Context, images Items) ([]float32, error) {
	index := make([]int32, images.Len())
	for i := range index {
		index[i] = int32(i)
	}
	if err := memory.Check(4*int64(len(index))*int64(images.Item().Size()), "an array of the values of %s items of %v", english.Thousands(float64(len(index))), images.Item()); err != nil {
		return nil, err
	}
	x := make([]float32, len(index)*images.Item().Size())
	return x, Floats(ctx, images, index, x)
}

// A Reader reads items one at a time, through a buffer that it keeps. It is not safe for
// concurrent use.
type Reader struct {
	images Items
	size   int                              // values of an image
	pix    []uint8                          // an image that is not in memory
	exact  func(i int, dst []float32) error // nil if images are bytes
}

// NewReader returns a reader of those items.
func NewReader(images Items) *Reader {
	r := &Reader{images: images, size: images.Item().Size(), exact: exactly(images)}
	if m, _ := inMemory(images); m == nil && r.exact == nil {
		r.pix = make([]uint8, r.size)
	}
	return r
}

// Floats writes item i to the front of dst, (Shape), as levels p/255 in [0, 1], or as the
// values of an Exact. The error names the item.
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
	kernel.ScalePixels(dst[:r.size], pix)
	return nil
}

// inMemory returns the InMemory that holds the items, nil if none does, and the index of
// each item in it; nil = all in order.
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
