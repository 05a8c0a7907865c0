package latent

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/imago-ml/imago/engine/rng"
)

func TestUnitKL(t *testing.T) {
	// Unit 0 is the prior whatever the image; unit 1 is N(±2, e⁻²); unit 2 N(0, e).
	kl := UnitKL([]float32{0, 2, 0, 0, -2, 0}, []float32{0, -2, 1, 0, -2, 1}, 3)
	want := []float64{0, 0.5 * (4 + math.Exp(-2) + 2 - 1), 0.5 * (math.E - 2)}
	for u := range want {
		if math.Abs(kl[u]-want[u]) > 1e-9 {
			t.Errorf("unit %d: %v nats, want %v", u, kl[u], want[u])
		}
	}
	if order := Ranked(kl); !slices.Equal(order, []int{1, 2, 0}) {
		t.Errorf("ranked %v", order)
	}
	if order := Ranked([]float64{1, 2, 1}); !slices.Equal(order, []int{1, 0, 2}) {
		t.Errorf("equals are ranked %v", order)
	}
}

func TestMoments(t *testing.T) {
	mean, deviation := Moments([]float32{1, 7, 3, 7}, 2)
	if mean[0] != 2 || deviation[0] != 1 || mean[1] != 7 || deviation[1] != 0 {
		t.Errorf("%v and %v", mean, deviation)
	}
}

func TestTraverse(t *testing.T) {
	z, err := Traverse([]float32{1, 2, 3}, []int{2, 0}, [][]float32{{-1, 1}, {5}})
	if err != nil || !same(z, []float32{1, 2, -1, 1, 2, 1, 5, 2, 3}) {
		t.Errorf("%v, %v", z, err)
	}
	if _, err := Traverse([]float32{1}, []int{1}, [][]float32{{0}}); err == nil {
		t.Error("a unit that is not there gave no error")
	}
	if _, err := Traverse([]float32{1}, []int{0}, nil); err == nil {
		t.Error("a unit without values gave no error")
	}
}

// TestUnitChange checks a generator whose pictures depend on some units more than on others.
func TestUnitChange(t *testing.T) {
	ctx := context.Background()
	s := drawing(t)
	w, err := s.Runner().Get("generator/dense/kernel")
	if err != nil {
		t.Fatal(err)
	}
	hidden := w.Shape()[1]
	for i := range w.F32() {
		switch i / hidden {
		case 2:
			w.F32()[i] = 0
		case 4:
			w.F32()[i] *= 5
		}
	}
	if err := s.Runner().Set("generator/dense/kernel", w); err != nil {
		t.Fatal(err)
	}
	for _, batch := range []int{s.batch, 32} { // two units at a time
		s.batch = batch
		change, err := s.UnitChange(ctx, rng.New(1))
		if err != nil {
			t.Fatal(err)
		}
		if order := Ranked(change); len(change) != 6 || order[0] != 4 || change[2] != 0 || !(change[0] > 0) {
			t.Errorf("the units change pictures by %v", change)
		}
		// The definition, of one unit.
		z := SamplePrior(rng.New(1), changeCodes, 6)
		var pix [2][]float32
		for k, v := range []float32{-1, 1} {
			for i := range changeCodes {
				z[6*i+3] = v
			}
			if pix[k], err = s.Decode(ctx, z); err != nil {
				t.Fatal(err)
			}
		}
		if want := math.Sqrt(MeanSquared(pix[0], pix[1])); math.Abs(change[3]-want) > 1e-6 {
			t.Errorf("unit 3 changes pictures by %v, want %v", change[3], want)
		}
	}
}
