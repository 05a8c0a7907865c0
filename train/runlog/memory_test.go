package runlog

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/imago-ml/imago/internal/memory"
)

// TestLogWithinBudget checks that the lines of a log are taken from the memory budget, by who reads it and by who goes on
// with it.
func TestLogWithinBudget(t *testing.T) {
	r := newRun(t, config("mlp-vae", small(20, 10)))
	if err := os.WriteFile(r.Path(MetricsFile), []byte(strings.Repeat(`{"kind":"interval","step":1}`+"\n", 1<<16)), 0o666); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	memory.SetLimit(memory.InUse() + 16<<20)
	defer memory.SetLimit(0)
	var over *memory.Error
	if _, err := r.Lines(); !errors.As(err, &over) {
		t.Errorf("read: %v", err)
	}
	if _, err := NewWriter(r, Position{Step: 1}, true); !errors.As(err, &over) {
		t.Errorf("gone on with: %v", err)
	}
}
