package chorales

import (
	"context"
	"slices"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/rng"
)

// TestSet checks the size of the set, that no chorale is in it twice, that it is the same whatever the seed of the
// options, and that a MIDI file gives each back.
func TestSet(t *testing.T) {
	set, err := load(context.Background(), data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Validate(); err != nil || set.Train.Len() != NTrain || set.Test.Len() != NTest {
		t.Fatalf("%d and %d chorales, %v", set.Train.Len(), set.Test.Len(), err)
	}
	again, err := load(context.Background(), data.Options{Seed: 5})
	if err != nil || again.Digest != set.Digest {
		t.Errorf("made again it is another set (%v)", err)
	}
	item := set.Item()
	train, err := data.AllFloats(context.Background(), set.Train.Items)
	if err != nil {
		t.Fatal(err)
	}
	test, err := data.AllFloats(context.Background(), set.Test.Items)
	if err != nil {
		t.Fatal(err)
	}
	var seen [][]float32
	for v := range slices.Chunk(slices.Concat(train[:200*item.Size()], test), item.Size()) {
		if slices.ContainsFunc(seen, func(o []float32) bool { return slices.Equal(o, v) }) {
			t.Fatal("a chorale is there twice")
		}
		seen = append(seen, v)
		file, err := item.Medium.Encode(item, v)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := item.Medium.Decode(item, file); err != nil || !slices.Equal(got, v) {
			t.Fatalf("a chorale is read as another: %v", err)
		}
	}
	if _, _, _, _, err := medium.Draw(item, test[:item.Size()]); err != nil {
		t.Error(err)
	}
}

// TestDraw checks that each step of a chorale is a triad of four voices in their order, that phrases end on
// a chord of two steps and the last on the tonic, and that chorales have all lengths.
func TestDraw(t *testing.T) {
	lengths, keys := map[int]int{}, map[int]int{}
	for i := range uint64(500) {
		piece := Draw(rng.New(9).At(i))
		lengths[len(piece)]++
		if again := Draw(rng.New(9).At(i)); !slices.EqualFunc(piece, again, slices.Equal) {
			t.Fatalf("chorale %d is another if drawn again", i)
		}
		for s, notes := range piece {
			classes := map[int]bool{}
			for _, n := range notes {
				classes[n%12] = true
			}
			if len(notes) != 4 || !slices.IsSorted(notes) || len(slices.Compact(slices.Clone(notes))) != 4 || len(classes) != 3 {
				t.Fatalf("step %d of chorale %d is %v", s, i, notes)
			}
			if notes[0] < lowestBass || notes[3] > highestSoprano {
				t.Fatalf("step %d of chorale %d is out of range: %v", s, i, notes)
			}
		}
		for end := phrase - 1; end < len(piece); end += phrase {
			if !slices.Equal(piece[end], piece[end-1]) {
				t.Fatalf("chorale %d: the phrase that ends at step %d has %v and %v", i, end, piece[end-1], piece[end])
			}
		}
		root := piece[0][0] % 12 // or its third
		last := piece[len(piece)-1][0] % 12
		if d := (root - last + 12) % 12; d != 0 && d != 3 && d != 4 {
			t.Fatalf("chorale %d begins with bass %d and ends with %d", i, root, last)
		}
		keys[last]++
	}
	if len(lengths) != maxPhrases-minPhrases+1 || lengths[16] < 100 || lengths[Medium().Steps] < 100 {
		t.Errorf("lengths %v", lengths)
	}
	if len(keys) != 12 {
		t.Errorf("%d keys", len(keys))
	}
}
