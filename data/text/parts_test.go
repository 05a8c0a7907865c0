package text

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
)

// folderOf makes a folder of files, by name and content. An empty content is a folder.
func folderOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		var err error
		if content == "" {
			err = os.Mkdir(filepath.Join(dir, name), 0o777)
		} else {
			err = os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestParts reads folders whose files are the parts of a set.
func TestParts(t *testing.T) {
	files := map[string]string{"a.train.txt": "one two\nthree four\nfive six\n", "a-valid.txt": "two one\n", "A_TEST.txt": "four three\nsix five\n", "README.md": "of a\n"}
	dir := folderOf(t, files)
	for _, tt := range []struct {
		opt                     data.Options
		train, validation, test int
		say                     string
	}{
		{data.Options{}, 3, 0, 2, "left out: a-valid.txt"},
		{data.Options{Validation: 0.1}, 3, 1, 2, "left out: 1 file whose name has no part in it, as README.md"},
		{data.Options{Whole: true}, 6, 0, 0, "README.md"},
	} {
		tt.opt.MinCount = 1
		set, err := Open(t.Context(), dir, tt.opt)
		if err != nil {
			t.Fatal(err)
		}
		if set.Train.Len() != tt.train || set.Validation.Len() != tt.validation || set.Test.Len() != tt.test || !strings.Contains(notes(set), tt.say) {
			t.Errorf("%+v: %d, %d and %d texts: %s", tt.opt, set.Train.Len(), set.Validation.Len(), set.Test.Len(), notes(set))
		}
		if err := set.Validate(); err != nil {
			t.Error(err)
		}
	}
	files["b.testing.txt"] = "x y\n"
	if _, err := Open(t.Context(), folderOf(t, files), data.Options{}); err == nil || !strings.Contains(err.Error(), "both A_TEST.txt and b.testing.txt are the test part") {
		t.Errorf("two files of a part: %v", err)
	}
	if _, err := Open(t.Context(), folderOf(t, map[string]string{"train.csv": "a,b\n", "test.csv": "a,b\n"}), data.Options{}); err == nil || !strings.Contains(err.Error(), "name the column") {
		t.Errorf("tables without a column: %v", err)
	}
}

// TestNoParts checks that folders of other things are not taken for sets of texts: lists of pictures are named as parts too.
func TestNoParts(t *testing.T) {
	for _, files := range []map[string]string{
		{"train.txt": "a\n", "test.txt": "b\n", "JPEGImages": ""},
		{"train.txt": "a\n", "test.txt": "b\n", "c.jpg": "x"},
		{"train.txt": "a\n", "other.txt": "b\n"},
		{"train-test.txt": "a\n", "test.txt": "b\n"},
	} {
		dir := folderOf(t, files)
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if match(dir, info, nil) {
			t.Errorf("%v is taken for a set of texts", files)
		}
	}
}
