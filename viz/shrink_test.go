package viz

import (
	"fmt"
	"math"
	"testing"
)

// Tiles are as large as their picture has room for; a pixel of smaller ones is a mean.
func TestSized(t *testing.T) {
	nan := float32(math.NaN())
	for _, tt := range []struct {
		n, side, asked, want, limit int
		got                         string
	}{
		{4, 28, 0, 128, 0, "28 at 4"},
		{4, 28, 2, 128, 0, "28 at 2"},
		{64, 256, 0, 128, 0, "256 at 1"},
		{64, 28, 0, 128, 64 * 56 * 57, "28 at 2"},
		{16, 256, 0, 128, 640 * 640, "128 at 1 drawn at 1/2 of the size"},
		{900, 256, 1, 128, 0, "128 at 1 drawn at 1/2 of the size"},
	} {
		in := tiles{make([]float32, tt.n*tt.side*tt.side), tt.n, tt.side, tt.side, 1}
		out, scale, note := in.sized(tt.asked, tt.want, tt.limit)
		got := fmt.Sprintf("%d at %d", out.w, scale)
		if note != "" {
			got += " " + note
		}
		if got != tt.got || out.check("test") != nil {
			t.Errorf("%d of %d pixels: %s, want %s", tt.n, tt.side, got, tt.got)
		}
	}
	small := tiles{[]float32{0, 1, 0.5, 1, 1, 0.25, nan, 2, 1}, 1, 3, 3, 1}.reduced(2)
	if fmt.Sprint(small.pix) != "[0.75 0.375 0.5 1]" {
		t.Errorf("means %v", small.pix)
	}
	colour := tiles{[]float32{0, 0.5, 1, 1, 0.5, 0}, 1, 1, 2, 3}.reduced(2)
	if fmt.Sprint(colour.pix) != "[0.5 0.5 0.5]" || colour.w != 1 || colour.h != 1 {
		t.Errorf("colour %v", colour)
	}
}
