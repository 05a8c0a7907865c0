package zipfile

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/imago-ml/imago/internal/memory"
)

// archive returns an archive of n empty files, with a comment.
func archive(t *testing.T, n int, comment string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := range n {
		if _, err := z.CreateHeader(&zip.FileHeader{Name: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(z.SetComment(comment), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestOpenWithinBudget checks that an archive of very many files is refused before its directory is read: in the short
// form, and in the long form that more than 65,535 files need.
func TestOpenWithinBudget(t *testing.T) {
	for _, n := range []int{60_000, 70_000} {
		b := archive(t, n, "")
		runtime.GC()
		memory.SetLimit(memory.InUse() + 4<<20)
		_, err := Open(bytes.NewReader(b), int64(len(b)), memory.Check)
		memory.SetLimit(0)
		var over *memory.Error
		if !errors.As(err, &over) {
			t.Errorf("%d files: %v, want the budget as the reason", n, err)
		}
		if z, err := Open(bytes.NewReader(b), int64(len(b)), memory.Check); err != nil || len(z.File) != n {
			t.Errorf("%d files: %v", n, err)
		}
	}
}

// TestDirectory checks the size of the directory, which is what archive/zip says it is.
func TestDirectory(t *testing.T) {
	for _, comment := range []string{"", "made by hand", string(make([]byte, 60_000))} {
		b := archive(t, 3, comment)
		want := int64(len(b)) - int64(bytes.Index(b, []byte("PK\x01\x02"))) - endBytes - int64(len(comment))
		if got := directory(bytes.NewReader(b), int64(len(b))); got != want {
			t.Errorf("a comment of %d bytes: %d, want %d", len(comment), got, want)
		}
	}
	for _, b := range [][]byte{nil, []byte("PK"), []byte("PK\x05\x06"), bytes.Repeat([]byte{0xff}, 100)} {
		if n := directory(bytes.NewReader(b), int64(len(b))); n != 0 {
			t.Errorf("%q has a directory of %d bytes", b, n)
		}
	}
}
