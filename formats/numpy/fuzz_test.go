package numpy

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/imago-ml/imago/internal/fuzzed"
)

// FuzzHeader builds an array file whose header is well formed, but for rare faults, with the elements that it claims, and
// checks that one without a fault is read, in the same shape.
func FuzzHeader(f *testing.F) {
	for _, seed := range []string{"", "\x03\x01\x02\x02\x03\x01", "\x0b\x01\x00\x03\x02\x02\x02", strings.Repeat("\x0f\x05", 9)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c := fuzzed.New(b)
		kind := fuzzed.Of(c, "u1", "b1", "i1", "i2", "i4", "i8", "u2", "u4", "u8", "f2", "f4", "f8")
		descr := fuzzed.Of(c, "<", ">", "|", "=") + kind
		order := fuzzed.Of(c, "False", "True")
		var dims []string
		size := 1
		for range c.Below(5) {
			d := 1 + c.Below(4)
			size *= d
			dims = append(dims, fmt.Sprint(d))
		}
		shape := "(" + strings.Join(dims, ", ") + ",)"
		if len(dims) == 0 {
			shape = "()"
		}
		sound := true
		for _, field := range []*string{&descr, &order, &shape} {
			if c.Rarely() {
				*field = fuzzed.Of(c, "", "<c8", "|O", "<U3", "true", "(0,)", "(-1,)", "(4294967296, 4294967296)", "(3", "'", "{", "(1,,2)", "(9223372036854775807,)")
				sound = false
			}
		}
		head := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr, order, shape)
		elements := c.Bytes(size * int(kind[1]-'0'))
		if c.Rarely() && len(elements) > 0 {
			elements, sound = elements[1:], false
		}
		x, err := ReadNPY(bytes.NewReader(npy(head, string(elements))))
		switch {
		case err == nil && (len(x.Shape()) != len(dims) && sound || x.Size() != x.Shape().Size()):
			t.Errorf("%s is read as %v", head, x)
		case err != nil && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrUnsupported):
			t.Errorf("%s: %v", head, err)
		case err != nil && sound && !strings.Contains(err.Error(), "beyond 32 bits"):
			t.Errorf("%s with %d bytes: %v", head, len(elements), err)
		}
	})
}
