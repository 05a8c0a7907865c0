package text

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/memory"
)

// TestWithinBudget checks that the texts of a file are taken from the budget while they are read, and their tokens before
// they are made.
func TestWithinBudget(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.txt")
	if err := os.WriteFile(path, bytes.Repeat([]byte(strings.Repeat("a", 1<<10)+"\n"), 40<<10), 0o666); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	memory.SetLimit(memory.InUse() + 20<<20)
	defer memory.SetLimit(0)
	var over *memory.Error
	if _, err := Open(t.Context(), path, data.Options{}); !errors.As(err, &over) || !strings.HasSuffix(over.What, " texts") {
		t.Errorf("40 MiB of texts in 20: %v", err)
	}
	e := encoder{Medium: Medium{Length: 1 << 16}}
	if _, _, err := e.encode(t.Context(), make([]string, 100)); !errors.As(err, &over) {
		t.Errorf("25 MiB of tokens in 20: %v", err)
	}
}
