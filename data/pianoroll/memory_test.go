package pianoroll

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/imago-ml/imago/internal/memory"
)

// TestWithinBudget checks that what a file of empty steps is parsed to, and the rolls of pieces, are taken from the budget
// before they are made.
func TestWithinBudget(t *testing.T) {
	b := []byte(`{"train":[[` + strings.Repeat("[],", 1<<20) + `[]]]}`)
	runtime.GC()
	memory.SetLimit(memory.InUse() + 20<<20)
	defer memory.SetLimit(0)
	var over *memory.Error
	if _, err := parse(bytes.Clone(b)); !errors.As(err, &over) {
		t.Errorf("24 MiB of steps in 20: %v", err)
	}
	if _, err := rolls(make([]Piece, 300), Medium{Steps: 1 << 10}); !errors.As(err, &over) {
		t.Errorf("26 MiB of rolls in 20: %v", err)
	}
	runtime.KeepAlive(b)
}
