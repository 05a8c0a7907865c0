// Package realdata returns the paths of real data sets for tests. A test that needs one begins with
//
//	name := realdata.Path(t, "mnist/train-images-idx3-ubyte.gz")
//
// Only tests may import it. It must not know the contents of the sets.
package realdata

import (
	"os"
	"path/filepath"
	"testing"
)

// Dir returns the directory $IMAGO_DATA, which has a folder for each set. If the variable is not set, the test is skipped; with
// CI=true it fails, so that no job passes by skipping.
func Dir(t testing.TB) string {
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

// Path returns the path of a file or folder in Dir, such as mnist/train-images-idx3-ubyte.gz. The test fails if it does not
// exist.
func Path(t testing.TB, name string) string {
	t.Helper()
	p := filepath.Join(Dir(t), filepath.FromSlash(name))
	if _, err := os.Stat(p); err != nil {
		t.Fatalf("real data: %v", err)
	}
	return p
}
