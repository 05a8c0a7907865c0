package music

import (
	"errors"
	"runtime"
	"testing"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/internal/memory"
)

// TestWithinBudget checks that the windows of all tunes, and the sound of a phrase, are taken from the budget before they
// are made.
func TestWithinBudget(t *testing.T) {
	runtime.GC()
	memory.SetLimit(memory.InUse() + 20<<20)
	defer memory.SetLimit(0)
	var over *memory.Error
	r := reading{bars: 2, item: medium.Item{Shape: []int{32}}}
	r.facts.bars = 200_000
	if err := r.cut(); !errors.As(err, &over) {
		t.Errorf("24 MiB of windows in 20: %v", err)
	}
	if _, _, err := play(nil, 1<<20, 500_000, nil); !errors.As(err, &over) {
		t.Errorf("the sound of 36 hours in 20 MiB: %v", err)
	}
}
