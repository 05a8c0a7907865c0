package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/disk/disktest"
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
	if st, err := os.Stat(name); err != nil || st.Mode() != 0o644 {
		t.Errorf("mode %v, %v; want 0644, as the umask leaves it", st.Mode(), err)
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

// Each call of a replacement fails once: the old file stays, or the new one is there, and no other file; the error has the
// cause and the name of the file.
func TestWriteFails(t *testing.T) {
	big := strings.Repeat("x", 200_000)
	for at := 1; ; at++ {
		sys := disktest.New()
		sys.Put("/d/a.bin", "old")
		var failed disktest.Op
		sys.Before = func(op disktest.Op) error {
			if op.N == at {
				failed = op
				return syscall.ENOSPC
			}
			return nil
		}
		err := WriteIn(disk.On(sys, "/d"), "a.bin", func(w io.Writer) error {
			if _, err := io.WriteString(w, big); err != nil {
				return fmt.Errorf("tensor x: %w", err)
			}
			return nil
		})
		files := sys.Files()
		if failed.N == 0 {
			if err != nil || files["/d/a.bin"] != big || at < 6 {
				t.Errorf("without a fault after %d calls: %v", at-1, err)
			}
			return
		}
		want := "old"
		if failed.Call == "syncdir" { // the file has its name, and it is said that a power cut may undo it
			want = big
		}
		if len(files) != 1 || files["/d/a.bin"] != want {
			t.Errorf("%s fails: the folder holds %.200q", failed.Call, files)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("%s fails: error %v, want ENOSPC inside", failed.Call, err)
		}
		if s := err.Error(); !strings.Contains(s, "/d") || !strings.Contains(s, "no space left on device") || strings.Contains(s, ".tmp-") {
			t.Errorf("%s fails: error %q: want the file's name, the cause, and no temporary name", failed.Call, s)
		}
	}
}

// The bytes are on the disk before the file has its name, and the name before Write returns: a power cut after any call
// leaves the old bytes or the new ones.
func TestWritePowerCut(t *testing.T) {
	for at := 1; ; at++ {
		sys := disktest.New()
		sys.Put("/d/a.bin", "old")
		sys.Before = func(op disktest.Op) error {
			if op.N == at {
				return disktest.ErrKilled
			}
			return nil
		}
		err := WriteBytesIn(disk.On(sys, "/d"), "a.bin", []byte("new"))
		done := sys.Calls() < at
		sys.PowerCut(nil)
		got := sys.Files()["/d/a.bin"]
		if got != "new" && (got != "old" || err == nil) {
			t.Errorf("a cut before call %d leaves %q, and Write returned %v", at, got, err)
		}
		if done {
			return
		}
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
