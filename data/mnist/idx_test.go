package mnist

import (
	"bytes"
	"compress/gzip"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

// digits returns n images of 2 rows and 3 columns.
func digits(n int) IDX {
	x := IDX{Dims: []int{n, 2, 3}, Data: make([]uint8, n*6)}
	for i := range x.Data {
		x.Data[i] = uint8(7 * i)
	}
	return x
}

func labels(n int) IDX {
	x := IDX{Dims: []int{n}, Data: make([]uint8, n)}
	for i := range x.Data {
		x.Data[i] = uint8(i % 10)
	}
	return x
}

func packed(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestDecode(t *testing.T) {
	for _, x := range []IDX{digits(5), labels(7), digits(0), {Dims: []int{2, 1, 2, 3}, Data: make([]uint8, 12)}} {
		for _, b := range [][]byte{x.Encode(), packed(t, x.Encode())} {
			got, err := Decode(bytes.NewReader(b))
			if err != nil || !bytes.Equal(got.Encode(), x.Encode()) {
				t.Errorf("%v: %v, %v", x.Dims, got, err)
			}
		}
	}
	// The bytes that the format's description gives.
	want := []byte{0, 0, 8, 1, 0, 0, 0, 3, 0, 1, 2}
	if got := labels(3).Encode(); !bytes.Equal(got, want) {
		t.Errorf("% x, want % x", got, want)
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := digits(500).Encode()
	gz := packed(t, good)
	change := func(i int, v ...byte) []byte {
		b := bytes.Clone(good)
		copy(b[i:], v)
		return b
	}
	for _, tt := range []struct {
		name string
		file []byte
		says string
	}{
		{"empty", nil, "ends early, after 0 bytes"},
		{"magic", change(0, 1), "offset 0: found 01 00, want 00 00"},
		{"floats", change(2, 0x0d), "offset 2: element type 0x0d"},
		{"rank 2", change(3, 2), "offset 3: 2 dimensions"},
		{"4 billion images", change(4, 0xff, 0xff, 0xff, 0xff), "offset 4: the header claims 4294967295x2x3 elements"},
		{"great rows", change(8, 0x7f, 0xff, 0xff, 0xff), "offset 4: the header claims 500x2147483647x3 elements"},
		{"overflow", append([]byte{0, 0, 8, 4}, bytes.Repeat([]byte{0xff}, 16)...), "offset 4"},
		{"no rows", change(8, 0, 0, 0, 0), "offset 8: dimension 1 is 0"},
		{"no images, great rows", append([]byte{0, 0, 8, 3, 0, 0, 0, 0}, bytes.Repeat([]byte{0xff}, 8)...), "offset 4"},
		{"cut header", good[:9], "ends early, after 9 bytes"},
		{"cut", good[:1000], "ends early, after 1000 bytes, of 3016"},
		{"more", append(bytes.Clone(good), 9), "offset 3016: more bytes"},
		{"claims more", change(4, 0, 0, 2), "of 4552"},
		{"cut gzip", gz[:len(gz)/2], "the gzip data end early, at byte "},
		{"cut gzip checksum", gz[:len(gz)-3], "the gzip data end early, at byte "},
		{"gzip header", gz[:5], "the gzip data end early, at byte 5 of the file, after 0 unpacked"},
		{"gzip checksum", append(bytes.Clone(gz[:len(gz)-8]), make([]byte, 8)...), "checksum"},
		{"page", []byte("<html>not found</html>"), "offset 0: found 3c 68"},
	} {
		_, err := Decode(bytes.NewReader(tt.file))
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want ErrFormat with %q", tt.name, err, tt.says)
		}
	}
	broken := errors.New("disk on fire")
	if _, err := Decode(iotest.ErrReader(broken)); !errors.Is(err, broken) || errors.Is(err, ErrFormat) {
		t.Errorf("a reader's error became %v", err)
	}
}

// TestDecodeAllocatesWhatIsThere checks that memory grows with the content, not with
// the claim of the header.
func TestDecodeAllocatesWhatIsThere(t *testing.T) {
	b := append([]byte{0, 0, 8, 1, 0x7f, 0, 0, 0}, make([]byte, 1000)...) // claims 2.1e9
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Decode(bytes.NewReader(b))
	runtime.ReadMemStats(&after)
	if !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("%d bytes allocated for a file of 1008", got)
	}
}

func FuzzDecode(f *testing.F) {
	good := digits(4).Encode()
	f.Add(good)
	f.Add(packed(f, good))
	f.Add(packed(f, labels(3).Encode()))
	f.Add(labels(3).Encode())
	f.Add(good[:20])
	f.Add(packed(f, good)[:20])
	f.Add([]byte{0, 0, 8, 3, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 28, 0, 0, 0, 28})
	f.Add([]byte{0, 0, 8, 4, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3})
	f.Add([]byte{0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1})
	f.Add([]byte{0, 0, 8, 3, 0, 0, 0, 0, 3, 0xe8, 0, 1, 0, 0, 0, 1}) // no images, of more rows than an image may have
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := Decode(bytes.NewReader(b))
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Errorf("a bad file gave %v, not ErrFormat", err)
			}
			return
		}
		plain := b
		if bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
			plain = x.Encode() // checked below by decoding it again
		}
		if !bytes.Equal(plain, x.Encode()) {
			t.Error("decode then encode changed the file")
		}
		again, err := Decode(bytes.NewReader(x.Encode()))
		if err != nil || !bytes.Equal(again.Encode(), x.Encode()) {
			t.Errorf("what was encoded does not decode: %v", err)
		}
		if _, err := pair(x, IDX{}, "x", ""); err != nil && !errors.Is(err, ErrFormat) {
			t.Error(err)
		}
	})
}
