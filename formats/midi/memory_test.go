package midi

import (
	"errors"
	"runtime"
	"testing"

	"github.com/imago-ml/imago/internal/memory"
)

// TestWithinBudget checks that the events of a file are taken from the budget before they are read.
func TestWithinBudget(t *testing.T) {
	b := append([]byte("MThd\x00\x00\x00\x06\x00\x00\x00\x01\x01\xe0MTrk\x00\x10\x00\x00"), make([]byte, 1<<20)...)
	runtime.GC()
	memory.SetLimit(memory.InUse() + 32<<20)
	defer memory.SetLimit(0)
	var over *memory.Error
	if _, err := Decode(b); !errors.As(err, &over) {
		t.Errorf("64 MiB of events in 32: %v", err)
	}
	runtime.KeepAlive(b)
}
