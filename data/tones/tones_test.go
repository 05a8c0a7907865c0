package tones

import (
	"math"
	"slices"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/sound"
	"github.com/imago-ml/imago/engine/rng"
)

// TestSet checks that the set is whole, that its classes are told apart by the nearest of its training clips, and that
// no sound is broken.
func TestSet(t *testing.T) {
	set, err := Source().Load(t.Context(), data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Validate(); err != nil {
		t.Fatal(err)
	}
	m := set.Item().Medium.(sound.Medium)
	if set.Train.Items.Len() != NTrain || set.Test.Items.Len() != NTest || len(set.Classes) != 10 || m.Rate != Rate || set.Item().Size() != Bands*Frames {
		t.Fatalf("%d and %d clips of %v, classes %q, %+v", set.Train.Items.Len(), set.Test.Items.Len(), set.Item(), set.Classes, m)
	}
	train, err := data.AllFloats(t.Context(), set.Train.Items)
	if err != nil {
		t.Fatal(err)
	}
	test, err := data.AllFloats(t.Context(), set.Test.Items)
	if err != nil {
		t.Fatal(err)
	}
	size, right, count := set.Item().Size(), 0, map[int32]int{}
	for i := range NTest {
		x := test[i*size : (i+1)*size]
		if slices.Max(x) < 0.5 {
			t.Errorf("test clip %d, of %s, is nearly silent: its greatest level is %v", i, set.Classes[set.Test.Labels[i]], slices.Max(x))
		}
		best, label := math.Inf(1), int32(-1)
		for j := range 1000 {
			d := 0.0
			for k, v := range train[j*size : (j+1)*size] {
				d += float64((v - x[k]) * (v - x[k]))
			}
			if d < best {
				best, label = d, set.Train.Labels[j]
			}
		}
		if label == set.Test.Labels[i] {
			right++
		}
		count[set.Test.Labels[i]]++
	}
	// A nearest neighbour is right for nearly all: the classes differ, and a clip of a class is like others of it.
	if right < NTest*95/100 {
		t.Errorf("the nearest of 1,000 training clips gives %d of %d test clips their label, want 95 %%", right, NTest)
	}
	for k, n := range count {
		if n != NTest/10 {
			t.Errorf("%d test clips of %s, want %d", n, set.Classes[k], NTest/10)
		}
	}
}

// TestPlay checks that a sound depends on its key alone, is finite, and differs from another of its class.
func TestPlay(t *testing.T) {
	for class, v := range voices {
		for i := range 50 {
			x := play(class, rng.New(2).At(uint64(i)))
			if slices.ContainsFunc(x, func(v float32) bool { return !(math.Abs(float64(v)) < 100) }) {
				t.Errorf("%s %d is not finite, or very loud", v.name, i)
			}
			if !slices.Equal(x, play(class, rng.New(2).At(uint64(i)))) {
				t.Errorf("%s %d differs the second time", v.name, i)
			}
			if slices.Equal(x, play(class, rng.New(2).At(uint64(i+1)))) {
				t.Errorf("%s %d and %d are the same", v.name, i, i+1)
			}
		}
	}
}
