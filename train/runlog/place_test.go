package runlog

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPlace(t *testing.T) {
	root := must(filepath.EvalSymlinks(t.TempDir()))
	made, elsewhere := filepath.Join(root, "made"), filepath.Join(root, "moved")
	for _, dir := range []string{made + "/work/runs/r", made + "/pics", elsewhere + "/work/runs/r", elsewhere + "/pics", root + "/empty"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	pics := Data{Source: "../pics", Path: filepath.Join(made, "pics")}
	gone := Data{Source: "../pics", Path: filepath.Join(root, "gone")}
	for _, tt := range []struct {
		in     string // the current folder
		d      Data
		runDir string
		want   string
	}{
		{made + "/work", pics, "runs/r", "../pics"},
		{root + "/empty", pics, made + "/work/runs/r", made + "/pics"},
		{elsewhere + "/work", pics, "runs/r", made + "/pics"}, // where it was made comes first
		{elsewhere + "/work", gone, "runs/r", "../pics"},
		{root + "/empty", gone, "../moved/work/runs/r", elsewhere + "/pics"},
		{root + "/empty", gone, root + "/empty", "../pics"},
		{root + "/empty", Data{Source: "mnist"}, made + "/work/runs/r", "mnist"},
		{root + "/empty", Data{Source: "../pics"}, made + "/work/runs/r", made + "/pics"}, // of an earlier version
	} {
		t.Chdir(tt.in)
		if got := tt.d.Place(tt.runDir); got != tt.want {
			t.Errorf("in %s: %+v of %s is at %s, want %s", tt.in, tt.d, tt.runDir, got, tt.want)
		}
	}
}
