package numpy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/imago-ml/imago/internal/memory"
)

// TestColumnsWithinBudget checks that the copy of an array in the order of rows is taken from the memory budget.
func TestColumnsWithinBudget(t *testing.T) {
	head := "{'descr': '|u1', 'fortran_order': True, 'shape': (4096, 4096), }\n"
	file := append([]byte("\x93NUMPY\x01\x00"), binary.LittleEndian.AppendUint16(nil, uint16(len(head)))...)
	file = append(append(file, head...), make([]byte, 16<<20)...)
	runtime.GC()
	memory.SetLimit(memory.InUse() + 24<<20)
	defer memory.SetLimit(0)
	var over *memory.Error
	if _, err := ReadNPY(bytes.NewReader(file)); !errors.As(err, &over) || !strings.Contains(err.Error(), "in the order of rows") {
		t.Errorf("16 MiB and a copy of them in 24 MiB: %v", err)
	}
	runtime.KeepAlive(file)
}

// TestConvertedWithinBudget checks that the elements of an array of another type are taken from the memory budget as they come.
func TestConvertedWithinBudget(t *testing.T) {
	head := "{'descr': '<f8', 'fortran_order': False, 'shape': (8388608,), }\n"
	file := append([]byte("\x93NUMPY\x01\x00"), binary.LittleEndian.AppendUint16(nil, uint16(len(head)))...)
	file = append(append(file, head...), make([]byte, 64<<20)...)
	runtime.GC()
	memory.SetLimit(memory.InUse() + 16<<20)
	defer memory.SetLimit(0)
	var over *memory.Error
	if _, err := ReadNPY(bytes.NewReader(file)); !errors.As(err, &over) || !strings.Contains(err.Error(), "an array of [8388608]") {
		t.Errorf("32 MiB in 16: %v", err)
	}
	runtime.KeepAlive(file)
}
