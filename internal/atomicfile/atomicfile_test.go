package atomicfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestWrite(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.txt")
	for _, want := range []string{"first", "", strings.Repeat("long ", 50_000)} {
		if err := WriteBytes(name, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got := read(t, name); got != want {
			t.Errorf("read %d bytes back, want the %d written", len(got), len(want))
		}
	}
	if st, err := os.Stat(name); err != nil || st.Mode() != Mode {
		t.Errorf("mode %v, %v; want %v", st.Mode(), err, Mode)
	}
	wantOnlyFile(t, name)
}

func TestWriteNoFolder(t *testing.T) {
	name := filepath.Join(t.TempDir(), "none", "a.txt")
	err := WriteBytes(name, []byte("x"))
	if want := "create " + name + ": no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %v", err, want)
	}
}

// A reader that has opened the old file reads its bytes: the file is replaced and not changed.
func TestWriteKeepsOpenFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.txt")
	if err := WriteBytes(name, []byte("old")); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := WriteBytes(name, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(f); string(b) != "old" || err != nil {
		t.Errorf("the open file reads %q, %v; want old", b, err)
	}
}

// A failingFile fails in one operation as the system would, with the temporary name in the error.
type failingFile struct {
	*os.File
	at    string // the operation that fails
	space int    // the number of bytes until the disk is full, if write fails
	steps *[]string
}

func (b *failingFile) fail(at string) error {
	*b.steps = append(*b.steps, at)
	if at == b.at {
		return &fs.PathError{Op: at, Path: b.Name(), Err: syscall.ENOSPC}
	}
	return nil
}

func (b *failingFile) Write(p []byte) (int, error) {
	if b.at == "write" && len(p) > b.space {
		n, _ := b.File.Write(p[:b.space])
		b.space = 0
		return n, b.fail("write")
	}
	b.space -= len(p)
	*b.steps = append(*b.steps, "write")
	return b.File.Write(p)
}
func (b *failingFile) Chmod(m fs.FileMode) error {
	if err := b.fail("chmod"); err != nil {
		return err
	}
	return b.File.Chmod(m)
}
func (b *failingFile) Sync() error {
	if err := b.fail("sync"); err != nil {
		return err
	}
	return b.File.Sync()
}
func (b *failingFile) Close() error {
	if err := b.fail("close"); err != nil {
		b.File.Close()
		return err
	}
	return b.File.Close()
}

func TestWriteFails(t *testing.T) {
	real := createTemp
	defer func() { createTemp = real }()
	for _, at := range []string{"write", "chmod", "sync", "close", ""} {
		t.Run("at "+at, func(t *testing.T) {
			var steps []string
			createTemp = func(dir, pattern string) (file, error) {
				f, err := os.CreateTemp(dir, pattern)
				return &failingFile{File: f, at: at, space: 100_000, steps: &steps}, err
			}
			name := filepath.Join(t.TempDir(), "a.bin")
			if err := os.WriteFile(name, []byte("old"), 0o644); err != nil {
				t.Fatal(err)
			}
			big := bytes.Repeat([]byte{7}, 200_000)
			err := Write(name, func(w io.Writer) error {
				if _, err := w.Write(big); err != nil {
					return fmt.Errorf("tensor x: %w", err)
				}
				return nil
			})
			wantOnlyFile(t, name)
			if at == "" {
				if err != nil || read(t, name) != string(big) {
					t.Errorf("err %v: want the new file", err)
				}
				// The bytes must be on the disk before the file has its name: sync, close, and then rename.
				if got := strings.Join(steps[len(steps)-2:], " "); got != "sync close" {
					t.Errorf("last steps %q, want sync close", got)
				}
				return
			}
			if got := read(t, name); got != "old" {
				t.Errorf("the file holds %d bytes, want old", len(got))
			}
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("error %v, want ENOSPC inside", err)
			}
			if s := err.Error(); !strings.Contains(s, name) || !strings.Contains(s, "no space left on device") || strings.Contains(s, ".tmp-") {
				t.Errorf("error %q: want the file's name, the cause, and no temporary name", s)
			}
		})
	}
}

func TestWriteCallbackFails(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.bin")
	boom := errors.New("boom")
	err := Write(name, func(w io.Writer) error { io.WriteString(w, "half"); return boom })
	if !errors.Is(err, boom) || err.Error() != "write "+name+": boom" {
		t.Errorf("error %v, want boom with the name", err)
	}
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat: %v, want no file", err)
	}
	if left, _ := os.ReadDir(filepath.Dir(name)); len(left) != 0 {
		t.Errorf("files are left: %v", left)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wantOnlyFile fails t unless each file is the only one in its folder.
func wantOnlyFile(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		left, err := os.ReadDir(filepath.Dir(name))
		if err != nil || len(left) != 1 || left[0].Name() != filepath.Base(name) {
			t.Errorf("folder holds %v, %v; want only %s", left, err, filepath.Base(name))
		}
	}
}
