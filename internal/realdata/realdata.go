// Package realdata tells tests where the real data sets are. It knows nothing of
// what is in them.
package realdata

import (
	"os"
	"path/filepath"
	"testing"
)

// RealData returns $IMAGO_DATA, the directory with a folder for each set. Without it the
// test is skipped, but under CI=true it fails, so that no job passes by skipping.
func RealData(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("IMAGO_DATA")
	if dir == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("IMAGO_DATA is not set, and CI=true: want the directory of the real data sets")
		}
		t.Skip("needs real data: set IMAGO_DATA to the directory of the data sets")
	}
	return dir
}

// Path returns a file or folder below RealData, "mnist/train-images-idx3-ubyte.gz"; the
// test fails if it is not there.
func Path(t testing.TB, name string) string {
	t.Helper()
	p := filepath.Join(RealData(t), filepath.FromSlash(name))
	if _, err := os.Stat(p); err != nil {
		t.Fatalf("real data: %v", err)
	}
	return p
}
