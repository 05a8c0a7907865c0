package disk

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"testing"
	"testing/fstest"
)

// Files of a mounted folder are read by their paths as any other, and nothing changes them.
func TestMount(t *testing.T) {
	files := fstest.MapFS{"run.json": {Data: []byte("{}")}, "checkpoints/step-1/state.json": {Data: []byte("state")}}
	Mount("mounted:", func(name string) (fs.FS, error) {
		if name != "a" {
			return nil, fs.ErrNotExist
		}
		return files, nil
	})
	for dir, name := range map[string]string{"mounted:a": "checkpoints/step-1/state.json", "mounted:a/checkpoints": "step-1/state.json"} {
		f := At(dir)
		b, err := f.ReadFile(name, 10)
		if err != nil || string(b) != "state" {
			t.Errorf("%s %s: %q, %v", dir, name, b, err)
		}
		file, err := f.Sub("step-1/..").Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if at, err := io.ReadAll(io.NewSectionReader(file, 1, 3)); string(at) != "tat" || err != nil {
			t.Errorf("%s: %q, %v", file.Name(), at, err)
		}
		if st, err := Stat(f.Path(name)); err != nil || st.Size() != 5 {
			t.Errorf("stat %s: %v, %v", f.Path(name), st, err)
		}
		if abs, err := Abs(dir); abs != dir || err != nil {
			t.Errorf("%s is %s, %v", dir, abs, err)
		}
	}
	f := At("mounted:a")
	if entries, err := f.ReadDir("."); err != nil || len(entries) != 2 {
		t.Errorf("entries: %v, %v", entries, err)
	}
	if _, err := f.Open("checkpoints"); err == nil {
		t.Error("a folder was opened as a file")
	}
	for what, err := range map[string]error{
		"create": func() error { _, err := f.Create("new"); return err }(),
		"append": func() error { _, err := f.Append("run.json"); return err }(),
		"lock":   func() error { _, err := f.Lock("run.json"); return err }(),
		"mkdir":  f.MkdirAll("new/folder"),
		"rename": f.Rename("run.json", "x"),
		"remove": f.RemoveAll("."),
	} {
		if !errors.Is(err, ErrReadOnly) || !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: %v, want ErrReadOnly", what, err)
		}
	}
	for _, name := range []string{"mounted:b", "mounted:", "mounted:a/none", "mounted:a/../../etc"} {
		if _, err := Stat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want that it is not there", name, err)
		}
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("mounted:a", []byte("mine"), 0o666); err != nil {
		t.Skip("no file has such a name here")
	}
	if b, err := At(".").ReadFile("mounted:a", 10); err != nil || string(b) != "mine" {
		t.Errorf("a file of that name: %q, %v", b, err)
	}
	if IsMounted("./mounted:a") || !IsMounted("mounted:a/x") {
		t.Error("./ does not name the file")
	}
}
