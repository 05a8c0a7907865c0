package train

import (
	"math"
	"testing"
)

func TestDistances(t *testing.T) {
	spread, nearest := distances([]float32{0, 0, 1, 1, 0, 1, 0, 1}, 4) // two are the same
	root := 0.7071067811865476                                         // one value of two differs
	if want := (1 + 4*root) / 6; !(math.Abs(spread-want) < 1e-7) || !(math.Abs(nearest-(2*root+0)/4) < 1e-7) {
		t.Errorf("%v, want %v; nearest %v, want %v", spread, want, nearest, 2*root/4)
	}
}
