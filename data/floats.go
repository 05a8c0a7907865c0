package data

import (
	"context"
	"fmt"
)

// unit is p/255 for each grey level p.
var unit = func() (t [256]float32) {
	for p := range t {
		t[p] = float32(p) / 255
	}
	return t
}()

// Floats writes the images of those indices to the front of dst, one after
// another, as pixels p/255 in [0, 1]. Images in memory are converted without an
// allocation; others are read by several goroutines at once (Parallel).
//
// index (n) → dst (n, H, W, C). The error names the image.
func Floats(ctx context.Context, images Images, index []int32, dst []float32) error {
	h, w, c := images.Shape()
	size := h * w * c
	if len(dst) < len(index)*size {
		return fmt.Errorf("data: %d values for %d images of %dx%dx%d, want %d", len(dst), len(index), h, w, c, len(index)*size)
	}
	if m, ok := images.(*InMemory); ok {
		for k, i := range index {
			if i < 0 || int(i) >= m.Len() {
				return fmt.Errorf("data: image %d: want 0 to %d", i, m.Len()-1)
			}
			toUnit(dst[k*size:(k+1)*size], m.Slice(int(i)))
		}
		return nil
	}
	return Parallel(ctx, len(index), func(k int) error {
		pix := make([]uint8, size)
		if err := images.At(int(index[k]), pix); err != nil {
			return fmt.Errorf("data: image %d: %w", index[k], err)
		}
		toUnit(dst[k*size:(k+1)*size], pix)
		return nil
	})
}

func toUnit(dst []float32, pix []uint8) {
	for i, p := range pix {
		dst[i] = unit[p]
	}
}
