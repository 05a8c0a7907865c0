package runlog

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/imago-ml/imago/internal/atomicfile"
)

// FuzzReadLog checks that a log is read, or is said to be damaged, and that what the pages make of its lines does not
// panic.
func FuzzReadLog(f *testing.F) {
	f.Add([]byte(`{"kind":"epoch","epoch":1,"step":3,"images":130,"train":{"loss":1},"test":{"loss":2},"best":true}` + "\n"))
	f.Add([]byte(`{"kind":"step","epoch":1,"step":3}` + "\n" + `{"kind":"interval"` + "\n"))
	f.Add([]byte("\n\n{}\nnull\n"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, MetricsFile), b, 0o666); err != nil {
			t.Fatal(err)
		}
		lines, err := ReadLog(dir)
		if err != nil && !errors.Is(err, atomicfile.ErrDamaged) {
			t.Errorf("a bad log gave %v", err)
		}
		BestEpoch(lines)
		Epochs(lines)
	})
}
