package torch_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/imago-ml/imago/formats/torch"
	"github.com/imago-ml/imago/internal/memory"
)

// TestWithinBudget checks that a pickle, the bytes of an entry and the elements of a tensor are taken from the memory budget.
func TestWithinBudget(t *testing.T) {
	number := func(n int64) string { return "\x8a\x08" + string(binary.LittleEndian.AppendUint64(nil, uint64(n))) }
	sized := func(elements int64, shape, stride string) []byte {
		return archive(strings.Replace(one("K\x00", shape, stride), "K\x04", number(elements), 1), make([]byte, 4*elements))
	}
	const m = 1 << 20
	for what, file := range map[string][]byte{
		"a pickle of ":         archive(strings.Repeat("N0", m/2)+one("K\x00", "K\x04\x85", "K\x01\x85"), make([]byte, 16)),
		`entry "data/0" of `:   sized(8*m, "K\x04\x85", number(2*m-1)+"\x85"),
		"its float32[8388608]": sized(4, number(8*m)+"\x85", "K\x00\x85"),
	} {
		runtime.GC()
		memory.SetLimit(memory.InUse() + 16<<20)
		var over *memory.Error
		f, err := torch.NewReader(bytes.NewReader(file), int64(len(file)), "")
		if err == nil {
			_, err = f.Tensor("x")
		}
		if !errors.As(err, &over) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
		memory.SetLimit(0)
	}
}
