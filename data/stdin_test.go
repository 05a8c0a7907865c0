package data

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/imago-ml/imago/data/pixels"
)

// TestStandardInput checks that the standard input becomes a file for the openers, which is
// deleted, and that it is read once.
func TestStandardInput(t *testing.T) {
	var r Registry
	var read string
	var at []string
	r.RegisterOpener(Opener{
		Name:  "any",
		Match: func(string, fs.FileInfo, []byte) bool { return true },
		Open: func(_ context.Context, path string, _ Options) (*Set, error) {
			b, err := os.ReadFile(path)
			read, at = string(b), append(at, path)
			images, _ := NewInMemory(make([]uint8, 2), 2, pixels.Item(1, 1, 1))
			return &Set{Name: path, Train: Split{Items: images}}, err
		},
	})
	text := strings.Repeat("a,b\n1,2\n", 1000)
	set, err := r.Open(t.Context(), StandardInput, Options{Input: strings.NewReader(text)})
	if err != nil || set.Name != "-" || set.Path != "" || read != text {
		t.Errorf("set %+v of %d bytes: %v", set, len(read), err)
	}
	if _, err := r.Open(t.Context(), StandardInput, Options{Input: strings.NewReader("PK\x03\x04\x00")}); err != nil {
		t.Error(err)
	}
	if len(at) != 2 || filepath.Base(at[0]) != "stdin.csv" || filepath.Base(at[1]) != "stdin" {
		t.Errorf("read from %v", at)
	}
	for _, path := range at {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left (%v)", path, err)
		}
	}
	broken := errors.New("a broken pipe")
	for says, input := range map[string]io.Reader{
		"of an earlier command, which is gone: name a file with Data": nil,
		"nothing came from it": strings.NewReader(""),
		"a broken pipe":        io.MultiReader(strings.NewReader("a,b\n"), iotest.ErrReader(broken)),
	} {
		if _, err := r.Open(t.Context(), StandardInput, Options{Input: input}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}
