package sealed

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/imago-ml/imago/internal/memory"
)

func TestReadWrite(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, 2, map[string]int{"a": 7}); err != nil {
		t.Fatal(err)
	}
	var got map[string]int
	if _, err := Read(bytes.NewReader(b.Bytes()), 2, 1000, &got); err != nil || got["a"] != 7 {
		t.Errorf("%v, %v", got, err)
	}
	for what, tt := range map[string]struct {
		file   string
		format int
		most   int64
		want   string
	}{
		"another value":  {strings.Replace(b.String(), "7", "8", 1), 2, 1000, "SHA-256"},
		"another format": {b.String(), 1, 1000, "format 2, this imago reads 1"},
		"too long":       {b.String(), 2, 10, "longer than 10 bytes"},
		"no JSON":        {"seven", 2, 1000, "invalid character"},
	} {
		if broken, err := Read(strings.NewReader(tt.file), tt.format, tt.most, &got); !broken || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: broken %v, %v", what, broken, err)
		}
	}
	failed := errors.New("no disk")
	if broken, err := Read(iotest.ErrReader(failed), 2, 1000, &got); broken || !errors.Is(err, failed) {
		t.Errorf("broken %v, %v", broken, err)
	}
}

// TestReadWithinBudget checks that what a file holds is taken from the memory budget before it is decoded.
func TestReadWithinBudget(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, 1, strings.Repeat("x", 3<<20)); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	memory.SetLimit(memory.InUse() + 8<<20)
	defer memory.SetLimit(0)
	var over *memory.Error
	var v string
	if _, err := Read(bytes.NewReader(b.Bytes()), 1, 4<<20, &v); !errors.As(err, &over) || !strings.Contains(err.Error(), "what a sealed file of 3") {
		t.Errorf("3 MiB in 8: %v", err)
	}
}

// TestUnpackedWithinBudget checks that the bytes of a file are taken from the memory budget as they come.
func TestUnpackedWithinBudget(t *testing.T) {
	runtime.GC()
	memory.SetLimit(memory.InUse() + 8<<20)
	defer memory.SetLimit(0)
	var over *memory.Error
	var v string
	if _, err := Read(io.LimitReader(zeros{}, 64<<20), 1, 64<<20, &v); !errors.As(err, &over) || !strings.Contains(err.Error(), "a sealed file takes ") {
		t.Errorf("64 MiB in 8: %v", err)
	}
}

// zeros is a reader without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
