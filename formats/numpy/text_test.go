package numpy

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// zipped returns an NPZ file with one array, a.
func zipped(t *testing.T, array []byte) *Reader {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	f, err := z.Create("a.npy")
	if err == nil {
		_, err = f.Write(array)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestReadText checks the texts of arrays of each type; the bytes are those of numpy.save.
func TestReadText(t *testing.T) {
	for _, tt := range []struct {
		descr, shape, elements string
		want                   []string
	}{
		{"<U3", "(2,)", "c\x00\x00\x00a\x00\x00\x00t\x00\x00\x00\xfc\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", []string{"cat", "ü"}},
		{">U1", "(2,)", "\x00\x00\x00c\x00\x01\xf6\x00", []string{"c", "😀"}},
		{"|S3", "(2,)", "catd\x00\x00", []string{"cat", "d"}},
		{"|b1", "(2,)", "\x00\x01", []string{"False", "True"}},
		{"|u1", "(2,)", "\x00\xff", []string{"0", "255"}},
		{"|i1", "(2,)", "\x01\xff", []string{"1", "-1"}},
		{"<i8", "(1,)", "\x01\x00\x00\x00\x00\x00\x20\x00", []string{"9007199254740993"}},
		{"<u8", "(1,)", strings.Repeat("\xff", 8), []string{"18446744073709551615"}},
		{"<f4", "(3,)", "\xcd\xcc\xcc\x3d\x00\x00\x80\x3f\x00\x00\x00\x80", []string{"0.1", "1", "0"}},
		{"<f8", "(1,)", "\x9a\x99\x99\x99\x99\x99\xb9\x3f", []string{"0.1"}},
		{"<f2", "(1,)", "\x00\x38", []string{"0.5"}},
	} {
		text, shape, err := zipped(t, npy(fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", tt.descr, tt.shape), tt.elements)).ReadText("a")
		if err != nil || !slices.Equal(text, tt.want) || len(shape) != 1 || shape[0] != len(tt.want) {
			t.Errorf("%s: %q %v %v, want %q", tt.descr, text, shape, err, tt.want)
		}
	}
}

// TestReadTextRefuses checks the errors of arrays that are no texts, or broken.
func TestReadTextRefuses(t *testing.T) {
	for _, tt := range []struct {
		descr, elements string
		want            error
		says            string
	}{
		{"|O", "abc", ErrUnsupported, ".astype(str)"},
		{"<M8[D]", strings.Repeat("a", 8), ErrUnsupported, ".astype(str)"},
		{"<U0", "", ErrFormat, `"<U0"`},
		{"<U-1", "", ErrFormat, `"<U-1"`},
		{"<U99999999999", "", ErrFormat, ""},
		{"<U1", "\xff\xff\xff\xff", ErrFormat, "0xffffffff is no character"},
		{"<U2", "c\x00\x00\x00", ErrFormat, "ends early"},
	} {
		_, _, err := zipped(t, npy(fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (1,), }\n", tt.descr), tt.elements)).ReadText("a")
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), `"a"`) {
			t.Errorf("%s: %v, want %v with %q", tt.descr, err, tt.want, tt.says)
		}
	}
}
