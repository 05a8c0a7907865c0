//go:build unix

package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// in a folder with links to a file and a folder outside, nothing outside is read, changed or removed.
func TestLinksDoNotLeadOut(t *testing.T) {
	base := t.TempDir()
	outside := filepath.Join(base, "outside")
	root := filepath.Join(base, "run")
	for _, dir := range []string{outside, root} {
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"file": secret, "relative": "../outside/secret", "folder": outside, "up": "..", "dangling": filepath.Join(outside, "new")} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	f := At(root)
	tries := map[string]func(name string) error{
		"open":     func(name string) error { _, err := f.Open(name); return err },
		"append":   func(name string) error { _, err := f.Append(name); return err },
		"readfile": func(name string) error { _, err := f.ReadFile(name, 100); return err },
		"stat":     func(name string) error { _, err := f.Stat(name); return err },
		"lock":     func(name string) error { _, err := f.Lock(name); return err },
	}
	for what, try := range tries {
		for _, name := range []string{"file", "relative", "folder/secret", "up/outside/secret", "../outside/secret"} {
			if err := try(name); !errors.Is(err, ErrEscapes) {
				t.Errorf("%s %s: %v, want ErrEscapes", what, name, err)
			}
		}
	}
	for what, err := range map[string]error{
		"append":   func() error { _, err := f.Append("dangling"); return err }(),
		"create":   func() error { _, err := f.Create("folder/new"); return err }(),
		"mkdir":    f.Mkdir("folder/sub"),
		"mkdirall": f.MkdirAll("folder/sub"),
		"readdir":  func() error { _, err := f.Sub("folder").ReadDir("."); return err }(),
		"rename":   f.Rename("file", "folder/new"),
		"sub":      f.Sub("folder").RemoveAll("secret"),
	} {
		if !errors.Is(err, ErrEscapes) {
			t.Errorf("%s: %v, want ErrEscapes", what, err)
		}
	}
	if err := f.RemoveAll("folder"); err != nil { // the link is removed, not what it leads to
		t.Error(err)
	}
	if b, err := os.ReadFile(secret); string(b) != "mine" {
		t.Errorf("the file outside holds %q, %v", b, err)
	}
	if entries, _ := os.ReadDir(outside); len(entries) != 1 {
		t.Errorf("the folder outside holds %v", entries)
	}
}

// A named pipe under the name of a file is an error at once.
func TestPipe(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o666); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 4)
	go func() {
		f := At(dir)
		_, err := f.Open("pipe")
		done <- err
		_, err = f.Append("pipe")
		done <- err
		done <- f.SyncDir("pipe")
		_, err = At(filepath.Join(dir, "pipe")).Open("x")
		done <- err
	}()
	for range 4 {
		select {
		case err := <-done:
			if err == nil {
				t.Error("a pipe was opened")
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the pipe blocks")
		}
	}
}

// What another name of the same file leads to is not changed by appending.
func TestAppendHardLink(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	if err := os.WriteFile(a, []byte("old\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(a, b); err != nil {
		t.Fatal(err)
	}
	f, err := At(dir).Append("a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("new\n")); err != nil {
		t.Fatal(err)
	}
	f.Close()
	x, _ := os.ReadFile(a)
	y, _ := os.ReadFile(b)
	if string(x) != "old\nnew\n" || string(y) != "old\n" {
		t.Errorf("a holds %q, b %q", x, y)
	}
}

// A lock is held against another one of the same process, also if its file is removed or replaced under way.
func TestLock(t *testing.T) {
	dir := t.TempDir()
	f := At(dir)
	unlock, err := f.Lock(".lock")
	if err != nil {
		t.Fatal(err)
	}
	for _, remove := range []bool{false, true} {
		if remove {
			if err := os.Remove(filepath.Join(dir, ".lock")); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := f.Lock(".lock"); !errors.Is(err, ErrLocked) {
			t.Errorf("removed %v: %v, want ErrLocked", remove, err)
		}
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	again, err := f.Lock(".lock")
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestMkdirAll(t *testing.T) {
	base := t.TempDir()
	f := At(filepath.Join(base, "a", "b"))
	if err := f.Sub("c").MkdirAll("d"); err != nil {
		t.Fatal(err)
	}
	if err := f.Sub("c").MkdirAll("d"); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(filepath.Join(base, "a", "b", "c", "d")); err != nil || !st.IsDir() {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(base, "file"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := At(filepath.Join(base, "file", "x")).MkdirAll("."); err == nil {
		t.Error("a folder was made in a file")
	}
}

// Files and folders have what the umask leaves, and stray temporary files are swept.
func TestPermissionsAndSweep(t *testing.T) {
	old := syscall.Umask(0o027)
	defer syscall.Umask(old)
	f := At(t.TempDir())
	file, err := f.Create(TempName("x.json"))
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	if st, err := file.(fileOf).folder.Stat(file.(fileOf).name); err != nil || st.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v, want 0640", st.Mode(), err)
	}
	if err := f.Mkdir("d"); err != nil {
		t.Fatal(err)
	}
	if st, err := f.Stat("d"); err != nil || st.Mode().Perm() != 0o750 {
		t.Errorf("mode %v, %v, want 0750", st.Mode(), err)
	}
	if err := f.Sweep(); err != nil {
		t.Fatal(err)
	}
	if entries, err := f.ReadDir("."); err != nil || len(entries) != 1 {
		t.Errorf("left: %v, %v", entries, err)
	}
	if _, err := f.Open("d"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder opened as a file: %v", err)
	}
}
