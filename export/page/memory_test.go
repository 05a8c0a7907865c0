package page

import (
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/nn"
)

// TestWithinBudget checks that the copies of the weights that a page takes are taken from the memory budget.
func TestWithinBudget(t *testing.T) {
	m := untrained(t, "mlp-vae", inputOf("mlp-vae"))
	n := int64(nn.Count(m.Model().Params))
	runtime.GC()
	defer memory.SetLimit(0)
	memory.SetLimit(memory.InUse() + loweredBytes*n/2)
	var over *memory.Error
	if _, _, err := Lower(m); !errors.As(err, &over) || !strings.Contains(err.Error(), "to be folded") {
		t.Errorf("folded in half of what it takes: %v", err)
	}
	memory.SetLimit(memory.InUse() + (loweredBytes+pageBytes)*n/2)
	if _, err := Write(t.Context(), m, filepath.Join(t.TempDir(), "x.html")); !errors.As(err, &over) || !strings.Contains(err.Error(), "in a page") {
		t.Errorf("written in what it takes to fold them: %v", err)
	}
}
