package runlog

import (
	"os"
	"path/filepath"
	"testing"
)

// TestRemove checks that a run is removed with its files, but not while it is trained.
func TestRemove(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "run")
	if err := os.MkdirAll(filepath.Join(dir, CheckpointsDir), 0o777); err != nil {
		t.Fatal(err)
	}
	r := &Run{Dir: dir}
	unlock, err := r.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Remove(); err == nil {
		t.Error("a run in training was removed")
	}
	unlock()
	if err := r.Remove(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(root); err != nil || len(left) != 0 {
		t.Errorf("left %v, error %v: want an empty folder", left, err)
	}
}
