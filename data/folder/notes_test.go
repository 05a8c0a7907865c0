package folder

import (
	"bytes"
	"errors"
	"fmt"
	"image/gif"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/formats/imageio"
)

// varied returns a PNG of an image that is unlike that of any other seed, with all levels.
func varied(t testing.TB, seed, h, w, c int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := imageio.Encode(&b, variedImage(seed, h, w, c)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func variedImage(seed, h, w, c int) imageio.Image {
	m := imageio.New(h, w, c)
	for i := range m.Pix {
		m.Pix[i] = uint8(i*i + 31*seed)
	}
	m.Pix[0], m.Pix[1] = 0, 255
	return m
}

// texts returns the notes of a set, warnings with an exclamation mark before them.
func texts(set *data.Set) []string {
	out := []string{}
	for _, n := range set.Notes {
		if n.Warning {
			n.Text = "! " + n.Text
		}
		out = append(out, n.Text)
	}
	return out
}

// TestNotes checks what is said of each kind of folder, opened from its files, from a
// cache that is made and from a cache that is there.
func TestNotes(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	p := func(seed int) []byte { return varied(t, seed, 8, 8, 3) }
	webp, err := os.ReadFile("../../formats/imageio/testdata/lossless.webp")
	if err != nil {
		t.Fatal(err)
	}
	clear, err := os.ReadFile("../../formats/imageio/testdata/alpha.png")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := os.ReadFile("../../formats/imageio/testdata/pages.tif")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		files map[string][]byte
		opt   data.Options
		want  []string
	}{
		{"nothing to say", map[string][]byte{"a.png": p(1), "b.png": p(2)}, data.Options{}, []string{}},
		{"formats not read", map[string][]byte{"a.png": p(1), "b.png": p(2), "c.heic": nil, "d.heic": nil, "e.avif": nil, "n.txt": nil, ".x": nil, "LICENSE": []byte("text")}, data.Options{},
			[]string{"! left out: 2 .heic files (not read: save them as PNG or JPEG), 1 .avif file (not read: save them as PNG or JPEG), 1 hidden file, 1 file without an extension, 1 .txt file"}},
		{"no harm", map[string][]byte{"a.png": p(1), "b.png": p(2), "labels.json": nil}, data.Options{}, []string{"left out: 1 .json file"}},
		{"a class without pictures", map[string][]byte{"cats/a.png": p(1), "dogs/b.heic": nil, "emus/c.png": p(3)}, data.Options{},
			[]string{"! left out: 1 .heic file (not read: save them as PNG or JPEG)", "! class dogs has no image that can be read"}},
		{"one class with pictures", map[string][]byte{"in/cats/a.png": p(1), "in/cats/d.png": p(2), "in/dogs/b.heic": nil}, data.Options{},
			[]string{"! left out: 1 .heic file (not read: save them as PNG or JPEG)", "! folder in/dogs has no image that can be read"}},
		{"a picture beside the parts", map[string][]byte{"train/cat/a.png": p(1), "test/cat/b.png": p(2), "p00.png": p(3)}, data.Options{},
			[]string{"! test/ and train/ are no parts, for p00.png lies beside them: all 3 images are divided anew into a training and a test part"}},
		{"a folder beside the parts", map[string][]byte{"train/a.png": p(1), "test/b.png": p(2), "extra/c.png": p(3)}, data.Options{},
			[]string{"! test/ and train/ are no parts, for extra/ lies beside them: all 3 images are divided anew into a training and a test part"}},
		{"a picture beside the classes", map[string][]byte{"a/a.png": p(1), "b/b.png": p(2), "c.png": p(3)}, data.Options{},
			[]string{"! a/ and b/ are no classes, for c.png lies in none of them: the set has no labels"}},
		{"val beside test", map[string][]byte{"train/a.png": p(1), "test/b.png": p(2), "val/c.png": p(3)}, data.Options{},
			[]string{"! left out: 1 image in val/, for train/ and test/ are the two parts"}},
		{"a class in one part", map[string][]byte{"train/cat/a.png": p(1), "train/dog/b.png": p(2), "test/cat/c.png": p(3), "test/emu/d.png": p(4)}, data.Options{},
			[]string{"! class dog is missing from the test part: it has no image there", "! class emu is missing from the training part: it has no image there"}},
		{"parts with classes in one", map[string][]byte{"train/cat/a.png": p(1), "train/dog/b.png": p(2), "test/c.png": p(3)}, data.Options{},
			[]string{"! cat/ and dog/ are no classes, for test/c.png lies in none of them: the set has no labels"}},
		{"grey beside colour", map[string][]byte{"a.png": p(1), "b.png": varied(t, 2, 8, 8, 1)}, data.Options{}, []string{"1 of 2 pictures are grey, the others in colour: all are read in colour"}},
		{"colour made grey", map[string][]byte{"a.png": p(1), "b.png": p(2)}, data.Options{Gray: true}, []string{"2 of 2 pictures are in colour, and are made grey"}},
		{"sizes", map[string][]byte{"a.png": p(1), "b.png": varied(t, 2, 20, 10, 3), "c.png": varied(t, 3, 40, 40, 3)}, data.Options{Size: 9},
			[]string{"the pictures have 8x8 to 40x40 pixels (width x height): each is cropped to a square in its middle, which cuts away 17 % on average, and resized to 9x9; 1 of 3 are enlarged, and blurred thereby"}},
		{"transparent, pages", map[string][]byte{"a.png": clear, "b.tif": pages, "c.webp": webp}, data.Options{},
			[]string{"1 of 3 pictures have transparent parts, which become white", "! 1 of 3 files hold several pictures, as an animated GIF or a TIFF of pages does: the first of each is read"}},
		{"dark", map[string][]byte{"a.png": plain(t, 8, 8, 1, 3), "b.png": plain(t, 8, 8, 1, 15)}, data.Options{},
			[]string{"! the pixels are 3 to 15 of 0 to 255, so the pictures look all the same: write the files anew with levels from black to white, unless they are meant so"}},
		{"twins", map[string][]byte{"a.png": p(1), "b.png": p(2), "c.png": p(2), "d.png": p(3)}, data.Options{Whole: true},
			[]string{"1 of 4 images are equal to another, as c.png and b.png are"}},
		{"a test image that is trained on", map[string][]byte{"train/a.png": p(1), "test/b.png": p(1)}, data.Options{},
			[]string{"the test part has 1 image equal to a training image, as test/b.png and train/a.png are: it also judges what was learned by heart"}},
		{"bad files left out", map[string][]byte{"a.png": p(1), "b.png": p(2), "c.png": []byte("text"), "d.png": nil}, data.Options{SkipBad: true},
			[]string{"! left out: 2 files that cannot be read (c.png: not a readable image: found text; d.png: not a readable image: found an empty file)"}},
		{"a class of bad files", map[string][]byte{"a/a.png": p(1), "b/b.png": p(2), "c/c.png": []byte("text")}, data.Options{SkipBad: true},
			[]string{"! left out: 1 file that cannot be read (c/c.png: not a readable image: found text)", "! class c has no image that can be read"}},
	} {
		for i, path := range put(t, tt.files) {
			s, err := Open(t.Context(), path, tt.opt)
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
				continue
			}
			if got := texts(s); !slices.Equal(got, tt.want) {
				t.Errorf("%s (%s): notes\n%s\nwant\n%s", tt.name, []string{"folder", "zip"}[i], strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			cache := t.TempDir()
			for range 2 {
				again := kept(t, path, cache, tt.opt)
				if again.Digest != s.Digest || !slices.Equal(texts(again), tt.want) || again.Train.Len() != s.Train.Len() {
					t.Errorf("%s: the cache has another set, with notes\n%s", tt.name, strings.Join(texts(again), "\n"))
				}
			}
			if s.Train.Origin(0).String() != s.Train.Origins.Files[0] {
				t.Errorf("%s: the first image comes from %v", tt.name, s.Train.Origin(0))
			}
		}
	}
}

// TestBadFiles checks that all bad files of a folder are one error.
func TestBadFiles(t *testing.T) {
	good := varied(t, 1, 40, 40, 3)
	files := map[string][]byte{"a.png": good, "b.png": good[:len(good)/2], "c.png": []byte("hello\n"), "d.jpg": nil}
	for _, path := range put(t, files) {
		_, err := Open(t.Context(), path, data.Options{})
		var bad *data.BadFilesError
		if !errors.As(err, &bad) || len(bad.Files) != 3 || bad.Of != 4 || !errors.Is(err, imageio.ErrFormat) {
			t.Fatalf("%v", err)
		}
		want := "3 of 4 files cannot be read: put good files in their place, delete them, or leave them out with SkipBad:\n" +
			"  b.png: not a readable image: png: invalid format: not enough pixel data\n  c.png: not a readable image: found text\n  d.jpg: not a readable image: found an empty file"
		if !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v, want at its end\n%s", err, want)
		}
	}
	files = map[string][]byte{"good.png": good}
	for i := range 30 {
		files[fmt.Sprintf("%02d.png", i)] = []byte("text")
	}
	_, err := Open(t.Context(), put(t, files)[0], data.Options{})
	if err == nil || strings.Count(err.Error(), "\n") != 21 || !strings.HasSuffix(err.Error(), "\n  19.png: not a readable image: found text\n  and 10 more files") {
		t.Errorf("30 bad files: %v", err)
	}
	delete(files, "good.png")
	if _, err := Open(t.Context(), put(t, files)[0], data.Options{SkipBad: true}); err == nil || !strings.Contains(err.Error(), "30 of 30 files cannot be read") {
		t.Errorf("no good file: %v", err)
	}
}

// TestAllFormats reads a file of each format, and one without an extension.
func TestAllFormats(t *testing.T) {
	m := variedImage(1, 8, 16, 3)
	var b, tf, g bytes.Buffer
	if err := errors.Join(bmp.Encode(&b, m.Std()), tiff.Encode(&tf, m.Std(), nil), gif.Encode(&g, m.Std(), nil)); err != nil {
		t.Fatal(err)
	}
	webp, err := os.ReadFile("../../formats/imageio/testdata/lossless.webp")
	if err != nil {
		t.Fatal(err)
	}
	png := varied(t, 1, 8, 16, 3)
	for _, path := range put(t, map[string][]byte{"a.BMP": b.Bytes(), "b.tif": tf.Bytes(), "c.gif": g.Bytes(), "d.webp": webp, "e.png": png, "f": png, "g.tiff": webp}) {
		s, err := Open(t.Context(), path, data.Options{Whole: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Train.Origins.Files; !slices.Equal(got, []string{"a.BMP", "b.tif", "c.gif", "d.webp", "e.png", "f", "g.tiff"}) {
			t.Errorf("images %q", got)
		}
		pix := make([]uint8, 8*16*3)
		for _, i := range []int{0, 1, 4, 5} {
			if err := s.Train.Items.At(i, pix); err != nil || !bytes.Equal(pix, m.Pix) {
				t.Errorf("%s: other pixels (%v)", s.Train.Origins.Files[i], err)
			}
		}
	}
}

// TestLinks checks that links are followed, each folder once, and that no ring of them
// holds the reading up.
func TestLinks(t *testing.T) {
	root, outside := filepath.Join(t.TempDir(), "set"), t.TempDir()
	write := func(name string, b []byte) {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, b, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(root, "cats", "a.png"), varied(t, 1, 8, 8, 3))
	write(filepath.Join(outside, "dogs", "b.png"), varied(t, 2, 8, 8, 3))
	write(filepath.Join(outside, "dogs", "deep", "c.png"), varied(t, 3, 8, 8, 3))
	for name, target := range map[string]string{
		"dogs":         filepath.Join(outside, "dogs"), // a class elsewhere
		"again":        "cats",
		"up":           "..",
		"self":         ".",
		"cats/ring":    "../cats",
		"cats/gone":    "nowhere",
		"cats/one.png": filepath.Join(outside, "dogs", "b.png"),
	} {
		if err := os.Symlink(target, filepath.Join(root, filepath.FromSlash(name))); err != nil {
			skip(t, err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(outside, "dogs", "back")); err != nil { // a ring outside
		t.Fatal(err)
	}
	s, err := Open(t.Context(), root, data.Options{Whole: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Train.Origins.Files; !slices.Equal(got, []string{"cats/a.png", "cats/one.png", "dogs/b.png", "dogs/deep/c.png"}) || !slices.Equal(s.Classes, []string{"cats", "dogs"}) {
		t.Errorf("images %q of classes %q", got, s.Classes)
	}
	all := strings.Join(texts(s), "\n")
	for _, want := range []string{"! left out: 1 broken link (cats/gone)", "2 links to a folder that holds this one (dogs/back)", "3 links to a folder that is read already"} {
		if !strings.Contains(all, want) {
			t.Errorf("notes\n%s\nwant %q", all, want)
		}
	}
}

// TestOddNames reads a file whose name is not UTF-8.
func TestOddNames(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "caf\xe9.png"), varied(t, 1, 8, 8, 3), 0o666); err != nil {
		skip(t, err)
	}
	s, err := Open(t.Context(), dir, data.Options{})
	if err != nil || s.Train.Origins.Files[0] != "caf\ufffd.png" || !strings.Contains(strings.Join(texts(s), "\n"), "1 file with a name that is not UTF-8") {
		t.Errorf("%v, %v", s, err)
	}
}

// skip ends a test on a system that lacks what it needs; in CI, whose system has it, the test fails.
func skip(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skip(err)
}
