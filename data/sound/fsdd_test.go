package sound

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/realdata"
)

// TestFSDD opens the named set from files of its layout, and reports where they can be had if
// there are none.
func TestFSDD(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("IMAGO_DATA", dir)
	opt := data.Options{DataDir: t.TempDir()}
	source := FSDD()
	_, err := source.Load(t.Context(), opt)
	for _, want := range []string{"recordings.zip", filepath.Join(dir, fsdd), fsddHome, "DataDir"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without files the error is %v, want %q in it", err, want)
		}
	}
	if again := source.Get(t.Context(), opt); again == nil || again.Error() != err.Error() {
		t.Errorf("Get: %v, want %v", again, err)
	}

	recordings := filepath.Join(dir, fsdd, "recordings")
	if err := os.MkdirAll(recordings, 0o777); err != nil {
		t.Fatal(err)
	}
	for digit := range 2 {
		for index := range 7 {
			name := fmt.Sprintf("%d_ada_%d.wav", digit, index)
			if err := os.WriteFile(filepath.Join(recordings, name), wav(t, 8000, float64(300+100*digit+index), 0.3), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	set, err := source.Load(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if set.Name != fsdd || set.Train.Items.Len() != 4 || set.Test.Items.Len() != 10 {
		t.Errorf("%s: %d training and %d test clips, want 4 and 10", set.Name, set.Train.Items.Len(), set.Test.Items.Len())
	}
	for name, look := range map[string]func() ([]data.FileStatus, error){
		"Find":   func() ([]data.FileStatus, error) { return source.Find(t.Context(), opt) },
		"Verify": func() ([]data.FileStatus, error) { return source.Verify(t.Context(), opt) },
	} {
		if all, err := look(); err != nil || len(all) != 1 || all[0].Err != nil || all[0].Path != recordings {
			t.Errorf("%s: %+v, %v", name, all, err)
		}
	}
	if err := os.WriteFile(filepath.Join(recordings, "1_ada_9.wav"), []byte("RIFF"), 0o666); err != nil {
		t.Fatal(err)
	}
	if all, err := source.Verify(t.Context(), opt); err != nil || all[0].Err == nil || !strings.Contains(all[0].Err.Error(), "1_ada_9.wav") {
		t.Errorf("Verify of a damaged recording: %+v, %v", all, err)
	}
}

// TestRealFSDD checks the parts of the real set.
func TestRealFSDD(t *testing.T) {
	dir := realdata.Dir(t)
	set, err := FSDD().Load(t.Context(), data.Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if set.Train.Items.Len() != 2700 || set.Test.Items.Len() != 300 || len(set.Classes) != 10 {
		t.Errorf("%d training and %d test clips, classes %q", set.Train.Items.Len(), set.Test.Items.Len(), set.Classes)
	}
}
