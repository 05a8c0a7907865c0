package npz

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/imago-ml/imago/formats/numpy"
	"github.com/imago-ml/imago/internal/memory"

	"github.com/imago-ml/imago/data"

	"github.com/imago-ml/imago/engine/tensor"
)

// TestBombWithinBudget checks that a small file is unpacked against the memory budget, for each element type.
func TestBombWithinBudget(t *testing.T) {
	for _, descr := range []string{"|u1", "<f4", "<f8", "<i2"} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		w, err := z.Create("x_train.npy")
		if err != nil {
			t.Fatal(err)
		}
		width := int(descr[2] - '0')
		n := 96 << 20 / width
		w.Write(npy(fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%d, 16, 16), }", descr, n/256), ""))
		zeros := make([]byte, 1<<20)
		for range 96 {
			w.Write(zeros)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		memory.SetLimit(memory.InUse() + 32<<20)
		defer memory.SetLimit(0)
		var over *memory.Error
		_, err = read(t.Context(), bytes.NewReader(b.Bytes()), int64(b.Len()), opts)
		if !errors.As(err, &over) || !strings.Contains(err.Error(), `array "x_train"`) || errors.Is(err, numpy.ErrFormat) {
			t.Errorf("%s: %v, want the budget as the reason", descr, err)
		}
		if used := memory.InUse(); used > memory.Limit()*6/5 {
			t.Errorf("%s took %s of %s", descr, memory.Bytes(used), memory.Bytes(memory.Limit()))
		}
	}
}

// TestCopiesWithinBudget checks that the numbers and the levels of an array that was read are taken from the budget too.
func TestCopiesWithinBudget(t *testing.T) {
	a := tensor.New(tensor.Uint8, 512, 128, 128) // 8 MiB
	runtime.GC()
	memory.SetLimit(memory.InUse() + 4<<20)
	defer memory.SetLimit(0)
	var over *memory.Error
	if _, err := images(a, data.Scale{White: 255}, opts); !errors.As(err, &over) {
		t.Errorf("levels: %v", err)
	}
	if _, err := (arrays{images: a, imagesName: "x_train"}).numbers(); !errors.As(err, &over) {
		t.Errorf("numbers: %v", err)
	}
	runtime.KeepAlive(a)
}
