package mnist

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/memory"

	"github.com/imago-ml/imago/data/pixels"
)

// bomb returns a gzip file of 1/1000 of the bytes that it holds: an IDX file of n zeros in images of side·side.
func bomb(t *testing.T, n, side int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	head := []byte{0, 0, ubyte, 3}
	for _, d := range []int{n / side / side, side, side} {
		head = binary.BigEndian.AppendUint32(head, uint32(d))
	}
	w.Write(head)
	zeros := make([]byte, 1<<20)
	for ; n > 0; n -= len(zeros) {
		w.Write(zeros[:min(n, len(zeros))])
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestBombWithinBudget checks that a small file is unpacked against the memory budget: by its bytes, and by the number
// of its images.
func TestBombWithinBudget(t *testing.T) {
	for _, tt := range []struct{ n, side int }{{96 << 20, 16}, {2 << 20, 1}} {
		name := fmt.Sprintf("train-images-%d-idx3-ubyte.gz", tt.side)
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, bomb(t, tt.n, tt.side), 0o666); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		memory.SetLimit(memory.InUse() + 64<<20)
		defer memory.SetLimit(0)
		var over *memory.Error
		_, err := Open(t.Context(), path, data.Options{})
		if !errors.As(err, &over) || !strings.Contains(err.Error(), name) || errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v, want the budget as the reason", name, err)
		}
		if used := memory.InUse(); used > memory.Limit()*6/5 {
			t.Errorf("%s took %s of %s", name, memory.Bytes(used), memory.Bytes(memory.Limit()))
		}
	}
}

// TestRescaledWithinBudget checks that the copy of images on another scale is taken from the budget.
func TestRescaledWithinBudget(t *testing.T) {
	items, err := data.NewInMemory(make([]uint8, 8<<20), 512, pixels.Item(128, 128, 1))
	if err != nil {
		t.Fatal(err)
	}
	set := &data.Set{Train: data.Split{Items: items}}
	runtime.GC()
	memory.SetLimit(memory.InUse() + 4<<20)
	defer memory.SetLimit(0)
	var over *memory.Error
	if err := rescale(set, data.Options{Reading: data.Reading{Range: "0:16"}}); !errors.As(err, &over) {
		t.Errorf("8 MiB in 4: %v", err)
	}
	runtime.KeepAlive(items)
}
