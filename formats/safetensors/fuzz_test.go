package safetensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/imago-ml/imago/internal/fuzzed"
)

// FuzzHeader builds a file whose header is well formed, but for rare faults, and checks that a file without a fault is
// read, and that one that is read keeps its tensors when it is written again.
func FuzzHeader(f *testing.F) {
	for _, seed := range []string{"", "\x02\x01\x02\x03\x04\x05\x06", "\x03\x09\x01\x02\x0a\x02\x01\x01\x0b\x01\x01\x0f\x03", strings.Repeat("\x0f\x01\x0e", 20)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c := fuzzed.New(b)
		header, size, sound := randomHeader(c)
		if c.Rarely() {
			size, sound = max(0, size-1), sound && size == 0
		}
		all, meta, err := decode(file(header, string(c.Bytes(size))))
		if err != nil {
			if sound && !errors.Is(err, ErrUnsupported) {
				t.Fatalf("%s with %d bytes: %v", header, size, err)
			}
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrUnsupported) {
				t.Fatalf("a bad file gave %v", err)
			}
			return
		}
		var out bytes.Buffer
		if err := Write(&out, all, meta); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, _, err := decode(out.Bytes())
		if err != nil || len(again) != len(all) {
			t.Fatalf("%s: %d tensors became %d: %v", header, len(all), len(again), err)
		}
		for name, x := range all {
			if !same(x, again[name]) {
				t.Errorf("%q changed on the way", name)
			}
		}
	})
}

// randomHeader returns a header, the bytes of data that it wants, and whether it has no fault.
func randomHeader(c *fuzzed.Choices) (header string, size int, sound bool) {
	var entries []string
	sound = true
	fault := func() bool {
		is := c.Rarely()
		sound = sound && !is
		return is
	}
	if c.Below(2) == 1 {
		meta, _ := json.Marshal(map[string]string{"step": string(c.Bytes(c.Below(8)))}) // a map of strings
		entries = append(entries, fmt.Sprintf(`"__metadata__":%s`, meta))
	}
	for i := range c.Below(6) {
		name := fmt.Sprintf("layer/%d", i)
		if fault() {
			name = fuzzed.Of(c, "", "layer/0", "__metadata__", "\\u0000", "\xff")
			sound = false
		}
		d := dtypes[c.Below(len(dtypes))]
		dtype, n := d.name, int(d.bytes)
		shape := []string{}
		for range c.Below(4) {
			side := c.Below(4)
			n *= side
			shape = append(shape, fmt.Sprint(side))
		}
		begin, end := size, size+n
		size = end
		if fault() {
			switch c.Below(6) {
			case 0:
				begin += fuzzed.Of(c, 1, -1)
			case 1:
				end += fuzzed.Of(c, 1, -1, 1<<40)
			case 2:
				shape = append(shape, fuzzed.Of(c, "-1", "1.5", "9223372036854775807", "1e3", "null", "[]"))
			case 3:
				dtype = fuzzed.Of(c, "", "f32", "F33")
			case 4:
				begin, end = end, begin
			case 5:
				shape = append(shape, strings.Split(strings.Repeat("2 ", 70), " ")[:70]...)
			}
		}
		fields := []string{
			fmt.Sprintf(`"dtype":"%s"`, dtype),
			fmt.Sprintf(`"shape":[%s]`, strings.Join(shape, ",")),
			fmt.Sprintf(`"data_offsets":[%d,%d]`, begin, end),
		}
		if fault() {
			fields = append(fields, fuzzed.Of(c, `"shape":[]`, `"Shape":[1]`, `"more":1`, `"dtype":3`))
		}
		if fault() {
			fields = fields[1:]
		}
		entries = append(entries, fmt.Sprintf("%q:{%s}", name, strings.Join(fields, ",")))
	}
	header = "{" + strings.Join(entries, ",") + "}" + strings.Repeat(" ", c.Below(9))
	if fault() {
		header += fuzzed.Of(c, "x", "\n", "{}")
	}
	return header, size, sound
}
