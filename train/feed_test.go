package train

import (
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/tensor"
)

// A short batch is filled up with copies of its own images, of weight 0.
func TestShortBatch(t *testing.T) {
	pix := []uint8{0, 51, 102, 153, 204, 255, 25}
	f := newFeed(plan{
		images: must(data.NewInMemory(pix, 7, 1, 1, 1)), size: 5, seed: 3, epochs: 2,
		makeInputs: func(x, weight *tensor.Tensor) [][]*tensor.Tensor { return nil },
	})
	defer f.stop()
	for range 4 {
		b := f.next()
		if want := map[int]int{0: 5, 5: 2}[b.at]; b.err != nil || b.n != want {
			t.Fatalf("%d images from %d, %v; want %d", b.n, b.at, b.err, want)
		}
		order := data.Order(3, b.epoch, 7)
		for i, x := range b.x.F32() {
			from, weight := b.at+i%b.n, float32(0)
			if i < b.n {
				weight = 1
			}
			if want := float32(pix[order[from]]) / 255; x != want || b.weight.F32()[i] != weight {
				t.Errorf("epoch %d, place %d of the batch from %d: %v of weight %v, want %v of %v", b.epoch, i, b.at, x, b.weight.F32()[i], want, weight)
			}
		}
		f.giveBack(b)
	}
}
