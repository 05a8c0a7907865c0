package sealed

import (
	"bytes"
	"testing"
)

// FuzzRead checks that what is read is what was sealed: any bytes are read without a panic, and no others than those of
// Write without an error.
func FuzzRead(f *testing.F) {
	for _, v := range []any{nil, 7, map[string]any{"a": []int{1}}, "x"} {
		var b bytes.Buffer
		if err := Write(&b, 1, v); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Add([]byte(`{"format":1,"content":null,"sha256":""}`))
	f.Add([]byte(`{"FORMAT":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var v any
		if _, err := Read(bytes.NewReader(b), 1, 1<<16, &v); err != nil {
			return
		}
		var out bytes.Buffer
		if err := Write(&out, 1, v); err != nil {
			t.Fatalf("%q is read and cannot be written: %v", b, err)
		}
		var again any
		if _, err := Read(&out, 1, 1<<16, &again); err != nil {
			t.Errorf("%q is read, written, and refused: %v", b, err)
		}
	})
}
