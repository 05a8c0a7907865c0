package tunes

import (
	"context"
	"slices"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/music"
	"github.com/imago-ml/imago/engine/rng"
)

// TestSet checks the size of the set, that no tune is in it twice, and that each is a melody which
// a MIDI file gives back.
func TestSet(t *testing.T) {
	set, err := load(context.Background(), data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Validate(); err != nil || set.Train.Len() != NTrain || set.Test.Len() != NTest {
		t.Fatalf("%d and %d tunes, %v", set.Train.Len(), set.Test.Len(), err)
	}
	again, err := load(context.Background(), data.Options{Seed: 5})
	if err != nil || again.Digest != set.Digest {
		t.Errorf("made again it is another set (%v)", err)
	}
	item := set.Item()
	values, err := data.AllFloats(context.Background(), set.Test.Items)
	if err != nil {
		t.Fatal(err)
	}
	pitches := map[float32]bool{}
	for v := range slices.Chunk(values, item.Size()) {
		if v[0] < music.FirstPitch || music.Density(item, v) < 3./32 {
			t.Fatalf("a tune of few notes: %v", v)
		}
		file, err := item.Medium.Encode(item, v)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := item.Medium.Decode(item, file); err != nil || !slices.Equal(got, v) {
			t.Fatalf("%v is read as %v, %v", v, got, err)
		}
		for _, p := range v {
			pitches[p] = true
		}
	}
	if len(pitches) < 20 {
		t.Errorf("%d different tokens, want 20 or more", len(pitches))
	}
	for _, a := range []string{music.NoteDensity, music.AverageInterval} {
		trait, err := set.Trait(a)
		if err != nil {
			t.Fatal(err)
		}
		mask, err := trait.Mask(set.Train)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, m := range mask {
			if m {
				n++
			}
		}
		if n < NTrain/3 || n > NTrain/2 {
			t.Errorf("%d of %d tunes have %s, want nearly half", n, NTrain, a)
		}
	}
}

// TestDraw checks that tunes of any number of bars stay within their medium, and are drawn alike
// from one key.
func TestDraw(t *testing.T) {
	for _, bars := range []int{1, 3, 16} {
		item := Medium(bars).Item()
		if err := item.Check(); err != nil {
			t.Fatal(err)
		}
		for i := range uint64(200) {
			v, again := make([]float32, item.Size()), make([]float32, item.Size())
			Draw(rng.New(9).At(i), bars, v)
			Draw(rng.New(9).At(i), bars, again)
			if !slices.Equal(v, again) || slices.Max(v) >= float32(item.Vocabulary) || slices.Min(v) < 0 {
				t.Fatalf("tune %d of %d bars: %v", i, bars, v)
			}
			if _, _, _, _, err := medium.Draw(item, v); err != nil {
				t.Fatal(err)
			}
		}
	}
}
