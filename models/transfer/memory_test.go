package transfer

import (
	"errors"
	"runtime"
	"testing"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/memory"
)

// TestStepsWithinBudget checks that the array that a step of a map makes is taken from the memory budget, whatever size the
// step says.
func TestStepsWithinBudget(t *testing.T) {
	b := block{tensor.Shape{1024, 1024}, make([]float32, 1<<20)}
	runtime.GC()
	memory.SetLimit(memory.InUse() + 2<<20)
	defer memory.SetLimit(0)
	for step, argument := range map[string]string{"axes": "1,0", "flip": "", "add": "1", "pad": "1024,1025"} {
		var over *memory.Error
		if _, err := steps[step](b, argument); !errors.As(err, &over) {
			t.Errorf("%s of 4 MiB in 2: %v", step, err)
		}
	}
	runtime.KeepAlive(b)
}
