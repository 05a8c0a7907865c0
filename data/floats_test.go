package data

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data/pixels"
)

// onDemand hides that images are in memory; image 3 cannot be read.
type onDemand struct{ *InMemory }

var errUnreadable = errors.New("unreadable")

func (o onDemand) At(i int, dst []uint8) error {
	if i == 3 {
		return errUnreadable
	}
	return o.InMemory.At(i, dst)
}

func TestFloats(t *testing.T) {
	pix := make([]uint8, 4*6)
	for i := range pix {
		pix[i] = uint8(11 * i)
	}
	m, err := NewInMemory(pix, 4, pixels.Item(1, 2, 3))
	if err != nil {
		t.Fatal(err)
	}
	for name, images := range map[string]Items{"in memory": m, "on demand": onDemand{m}} {
		dst := make([]float32, 13)
		dst[12] = -1
		if err := Floats(context.Background(), images, []int32{2, 0}, dst); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for k, v := range dst[:12] {
			want := float32(pix[(k+12)%24]) / 255
			if k >= 6 {
				want = float32(pix[k-6]) / 255
			}
			if v != want {
				t.Errorf("%s: value %d is %v, want %v", name, k, v, want)
			}
		}
		if dst[12] != -1 {
			t.Errorf("%s: wrote past the images", name)
		}
		if err := Floats(context.Background(), images, []int32{1, 4}, dst); err == nil || !strings.Contains(err.Error(), "image 4") {
			t.Errorf("%s: an index out of range gave %v", name, err)
		}
		if err := Floats(context.Background(), images, []int32{0, 1, 2}, dst); err == nil {
			t.Errorf("%s: too few values gave no error", name)
		}
	}
	if err := Floats(context.Background(), onDemand{m}, []int32{3}, make([]float32, 6)); !errors.Is(err, errUnreadable) {
		t.Errorf("an image that cannot be read gave %v", err)
	}
	index, dst := []int32{3, 1}, make([]float32, 12)
	if n := testing.AllocsPerRun(10, func() { Floats(context.Background(), m, index, dst) }); n != 0 {
		t.Errorf("%v allocations from memory, want none", n)
	}
}

// BenchmarkFloats is a batch of 64 faces.
func BenchmarkFloats(b *testing.B) {
	const n, side = 64, 64
	pix := make([]uint8, n*side*side*3)
	for i := range pix {
		pix[i] = uint8(i * 31)
	}
	m, err := NewInMemory(pix, n, pixels.Item(side, side, 3))
	if err != nil {
		b.Fatal(err)
	}
	index, dst := make([]int32, n), make([]float32, len(pix))
	for i := range index {
		index[i] = int32(i * 37 % n)
	}
	for b.Loop() {
		Floats(b.Context(), m, index, dst)
	}
	b.ReportMetric(float64(b.N*len(pix))/b.Elapsed().Seconds()/1e9, "Gvalues/s")
}
