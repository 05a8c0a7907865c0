package bigram

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// word is a medium of sequences of the tokens 0, 1 and 2, of which 2 ends them.
type word struct{ medium.Medium }

func (word) Name() string            { return "word" }
func (word) Check(medium.Item) error { return nil }
func (word) End(medium.Item) int     { return 2 }

// TestCost compares costs with those computed by hand.
func TestCost(t *testing.T) {
	item := medium.Item{Medium: word{}, Shape: tensor.Shape{4}, Element: medium.Tokens, Vocabulary: 3}
	items, err := data.NewValues([]float32{0, 1, 2, 2, 0, 0, 1, 0}, item)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Fit(context.Background(), items)
	if err != nil {
		t.Fatal(err)
	}
	// Pairs: start 0 twice; 0 1 twice; 0 0 once; 1 2 once; 1 0 once. After 2 nothing is counted.
	p := func(count, of float64) float64 { return -math.Log((count + 0.1) / (of + 0.3)) }
	for _, tt := range []struct {
		values []float32
		want   float64
	}{
		{[]float32{0, 1, 2, 2}, (p(2, 2) + p(2, 3) + p(1, 2)) / 3},
		{[]float32{1, 1, 1, 1}, (p(0, 2) + 3*p(0, 2)) / 4},
		{[]float32{2, 0, 0, 0}, p(0, 2)},
	} {
		if got := m.Cost(tt.values); !(math.Abs(got-tt.want) < 1e-12) {
			t.Errorf("cost of %v is %v, want %v", tt.values, got, tt.want)
		}
	}
	item.Element, item.Vocabulary = medium.Reals, 0
	if items, err = data.NewValues(make([]float32, 4), item); err != nil {
		t.Fatal(err)
	}
	if _, err := Fit(context.Background(), items); err == nil {
		t.Error("numbers are taken as tokens")
	}
}

// TestMix checks the share of the tokens of each sequence.
func TestMix(t *testing.T) {
	a, b := make([]float32, 1000), make([]float32, 1000)
	for i := range b {
		b[i] = 1
	}
	dst := make([]float32, 1000)
	for _, share := range []float64{0, 0.25, 1} {
		Mix(a, b, share, rng.New(1), dst)
		ones := 0.0
		for _, v := range dst {
			ones += float64(v) / 1000
		}
		if !(math.Abs(ones-share) < 0.05) {
			t.Errorf("a share of %v of the second, want %v", ones, share)
		}
	}
	again := make([]float32, 1000)
	if Mix(a, b, 1, rng.New(2), again); !slices.Equal(again, dst) {
		t.Error("a mixture of one sequence alone is not that sequence")
	}
}
