package kernel

import "testing"

// ScalePixels is right for every level at every position of a vector, also of the last one, and writes nothing else.
func TestScalePixels(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		pix := make([]uint8, 256+100)
		for i := range pix {
			pix[i] = uint8(i)
		}
		dst := make([]float32, 101)
		for from := range 256 {
			n := from % 101
			dst[n] = -1
			ScalePixels(dst[:n], pix[from:])
			for i, v := range dst[:n] {
				if want := float32(pix[from+i]) / 255; v != want {
					t.Fatalf("%d pixels from %d: pixel %d is %v, want %v", n, from, i, v, want)
				}
			}
			if dst[n] != -1 {
				t.Fatalf("%d pixels from %d: one more is written", n, from)
			}
		}
	})
}
