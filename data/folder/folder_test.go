package folder

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"hash/crc32"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/formats/imageio"
	"github.com/imago-ml/imago/internal/realdata"
)

// plain returns a PNG of one colour.
func plain(t testing.TB, h, w, c int, v uint8) []byte {
	t.Helper()
	m := imageio.New(h, w, c)
	for i := range m.Pix {
		m.Pix[i] = v
	}
	var b bytes.Buffer
	if err := imageio.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpg(t testing.TB, v uint8) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 8, 8))
	for i := range m.Pix {
		m.Pix[i] = v
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// put writes the files as a folder and as a zip, and gives both paths.
func put(t testing.TB, files map[string][]byte) []string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "set")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, b := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o777), os.WriteFile(p, b, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(t.TempDir(), "set.zip")
	if err := os.WriteFile(name, zipped(t, files), 0o666); err != nil {
		t.Fatal(err)
	}
	return []string{dir, name}
}

func zipped(t testing.TB, files map[string][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, b := range files { // in any order: the set must not depend on it
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(b)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// pixels returns those of all images.
func pixels(t testing.TB, im data.Items) []uint8 {
	t.Helper()
	h, w, c, _ := medium.HWC(im.Item())
	size := h * w * c
	pix := make([]uint8, im.Len()*size)
	for i := range im.Len() {
		if err := im.At(i, pix[i*size:]); err != nil {
			t.Fatal(err)
		}
	}
	return pix
}

// firsts returns the first byte of each image.
func firsts(t *testing.T, im data.Items) []uint8 {
	t.Helper()
	h, w, c, _ := medium.HWC(im.Item())
	dst, out := make([]uint8, h*w*c), []uint8{}
	for i := range im.Len() {
		if err := im.At(i, dst); err != nil {
			t.Fatal(err)
		}
		out = append(out, dst[0])
	}
	return out
}

func TestLayouts(t *testing.T) {
	img := func(v uint8) []byte { return plain(t, 8, 8, 1, v) }
	for _, tt := range []struct {
		name                    string
		files                   map[string][]byte
		train, test             []uint8 // first bytes
		trainLabels, testLabels []int32
		classes                 []string
	}{
		{"flat", map[string][]byte{"a.png": img(1), "b.png": img(2), "c.png": img(3)},
			nil, nil, nil, nil, nil},
		{"classes in parts", map[string][]byte{
			"train/cat/1.png": img(1), "train/dog/2.png": img(2), "train/dog/10.png": img(3),
			"test/dog/3.png": img(4), "test/emu/3.png": img(5), "README.txt": []byte("hello")},
			[]uint8{1, 3, 2}, []uint8{4, 5}, []int32{0, 1, 1}, []int32{1, 2}, []string{"cat", "dog", "emu"}},
		{"below one folder", map[string][]byte{
			"x/y/Train/a/1.PNG": img(1), "x/y/Train/b/2.jpeg": img(2), "x/y/test/a/3.jpg": img(3)},
			[]uint8{1, 2}, []uint8{3}, []int32{0, 1}, []int32{0}, []string{"a", "b"}},
		{"dev is the test for want of one", map[string][]byte{"train/1.png": img(1), "dev/2.png": img(2)},
			[]uint8{1}, []uint8{2}, nil, nil, nil},
		{"val is the test for want of one", map[string][]byte{"train/1.png": img(1), "val/2.png": img(2)},
			[]uint8{1}, []uint8{2}, nil, nil, nil},
		{"val beside a test", map[string][]byte{"train/1.png": img(1), "val/2.png": img(2), "test/3.png": img(3)},
			[]uint8{1}, []uint8{3}, nil, nil, nil},
		{"no parts, for there is another", map[string][]byte{"train/1.png": img(1), "test/1.png": img(2), "tram/1.png": img(3)},
			nil, nil, nil, nil, []string{"test", "train", "tram"}},
		{"an image at the top", map[string][]byte{"a/1.png": img(1), "b/1.png": img(2), "c.png": img(3)},
			nil, nil, nil, nil, nil},
		{"rubbish", map[string][]byte{"a.png": img(1), "b.png": img(2), "c.png": img(3),
			".hidden.png": nil, "__MACOSX/._a.png": nil, ".git/x.png": nil, "labels.json": nil},
			nil, nil, nil, nil, nil},
	} {
		var digest string
		for _, path := range put(t, tt.files) {
			s, err := Open(t.Context(), path, data.Options{})
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
				continue
			}
			if err := s.Validate(); err != nil {
				t.Error(err)
			}
			train, test := firsts(t, s.Train.Items), firsts(t, s.Test.Items)
			if tt.train == nil { // divided by HoldOut: 2 and 1 of 1, 2, 3
				if all := slices.Sorted(slices.Values(slices.Concat(train, test))); !slices.Equal(all, []uint8{1, 2, 3}) || len(test) != 1 {
					t.Errorf("%s: %v and %v", tt.name, train, test)
				}
			} else if !slices.Equal(train, tt.train) || !slices.Equal(test, tt.test) {
				t.Errorf("%s: %v and %v, want %v and %v", tt.name, train, test, tt.train, tt.test)
			}
			if !slices.Equal(s.Classes, tt.classes) || (s.Train.Labels != nil) != (tt.classes != nil) {
				t.Errorf("%s: classes %v, labels %v", tt.name, s.Classes, s.Train.Labels)
			}
			if tt.trainLabels != nil && (!slices.Equal(s.Train.Labels, tt.trainLabels) || !slices.Equal(s.Test.Labels, tt.testLabels)) {
				t.Errorf("%s: labels %v and %v", tt.name, s.Train.Labels, s.Test.Labels)
			}
			if digest != "" && s.Digest != digest {
				t.Errorf("%s: folder and zip have different digests", tt.name)
			}
			digest = s.Digest
		}
	}
}

// TestForms checks that a PNG named .jpg and a JPEG named .png are read, that one
// colour image makes all images colour, and that Size and Gray are applied.
func TestForms(t *testing.T) {
	for _, path := range put(t, map[string][]byte{"a.jpg": plain(t, 8, 8, 1, 50), "b.png": jpg(t, 100), "c.png": plain(t, 8, 8, 3, 150)}) {
		s, err := Open(t.Context(), path, data.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if h, w, c, _ := medium.HWC(s.Item()); h != 8 || w != 8 || c != 3 {
			t.Errorf("%dx%dx%d", h, w, c)
		}
		sized, err := Open(t.Context(), path, data.Options{Size: 5, Gray: true})
		if err != nil {
			t.Fatal(err)
		}
		if h, w, c, _ := medium.HWC(sized.Item()); h != 5 || w != 5 || c != 1 {
			t.Errorf("%dx%dx%d", h, w, c)
		}
		if s.Digest == sized.Digest {
			t.Error("the digest does not know the size")
		}
		all := slices.Sorted(slices.Values(append(firsts(t, sized.Train.Items), firsts(t, sized.Test.Items)...)))
		if !slices.Equal(all, []uint8{50, 100, 150}) {
			t.Errorf("grey levels %v", all)
		}
	}
}

func TestDigestIsContent(t *testing.T) {
	files := map[string][]byte{"a.png": plain(t, 4, 4, 1, 1), "b.png": plain(t, 4, 4, 1, 2)}
	open := func(opt data.Options) string {
		s, err := Open(t.Context(), put(t, files)[0], opt)
		if err != nil {
			t.Fatal(err)
		}
		return s.Digest
	}
	a := open(data.Options{})
	if a != open(data.Options{}) {
		t.Error("the same files at another place have another digest")
	}
	files["b.png"] = plain(t, 4, 4, 1, 3)
	if a == open(data.Options{}) {
		t.Error("the digest does not see a changed pixel")
	}
}

func TestRefuses(t *testing.T) {
	good := plain(t, 8, 8, 1, 7)
	for _, tt := range []struct {
		name  string
		files map[string][]byte
		opt   data.Options
		says  []string
	}{
		{"text named .png", map[string][]byte{"a.png": good, "sub/b.png": []byte("hello\n")}, data.Options{}, []string{"sub/b.png", "found text"}},
		{"page named .jpg", map[string][]byte{"a.png": good, "b.jpg": []byte("<html>")}, data.Options{}, []string{"b.jpg", "an HTML page"}},
		{"empty file", map[string][]byte{"a.png": good, "b.png": nil}, data.Options{}, []string{"b.png", "an empty file"}},
		{"cut", map[string][]byte{"a.png": good, "b.png": good[:50]}, data.Options{}, []string{"b.png", "put a good image in its place or delete it"}},
		{"sizes", map[string][]byte{"a.png": good, "b.png": plain(t, 9, 8, 1, 7)}, data.Options{}, []string{"a.png is 8x8 but b.png is 9x8", "Size 64"}},
		{"nothing", map[string][]byte{}, data.Options{}, []string{"no image in it that is read;"}},
		{"other images", map[string][]byte{"a.heic": good, "b.heic": good, "c.txt": nil}, data.Options{}, []string{"2 .heic files (not read: save them as PNG or JPEG), 1 .txt file"}},
		{"bad option", map[string][]byte{"a.png": good}, data.Options{Size: -3}, []string{"Size -3"}},
	} {
		for _, path := range put(t, tt.files) {
			_, err := Open(t.Context(), path, tt.opt)
			for _, want := range tt.says {
				if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%s: %v, want one line with %q", tt.name, err, want)
				}
			}
		}
	}
	if _, err := Open(t.Context(), filepath.Join(t.TempDir(), "none"), data.Options{}); err == nil {
		t.Error("a folder that is not there was read")
	}
	notZip := filepath.Join(t.TempDir(), "x.zip")
	os.WriteFile(notZip, []byte("PK\x03\x04 and no more"), 0o666)
	if _, err := Open(t.Context(), notZip, data.Options{}); err == nil || !strings.Contains(err.Error(), "not a readable zip") {
		t.Error(err)
	}
}

// forged returns a zip with one entry, whose header claims any size it likes.
func forged(t *testing.T, claim uint64, b []byte) string {
	t.Helper()
	var packed, out bytes.Buffer
	fw, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	fw.Write(b)
	fw.Close()
	z := zip.NewWriter(&out)
	w, err := z.CreateRaw(&zip.FileHeader{Name: "a.png", Method: zip.Deflate, UncompressedSize64: claim,
		CompressedSize64: uint64(packed.Len()), CRC32: crc32.ChecksumIEEE(b)})
	if err != nil {
		t.Fatal(err)
	}
	w.Write(packed.Bytes())
	z.Close()
	name := filepath.Join(t.TempDir(), "forged.zip")
	if err := os.WriteFile(name, out.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestZipIsHarmless checks a zip that claims too much, one that unpacks to more than it
// claims, and paths with "..": none may exhaust memory or write to the disk.
func TestZipIsHarmless(t *testing.T) {
	_, err := Open(t.Context(), forged(t, imageio.DefaultMaxBytes+1, make([]byte, 1000)), data.Options{})
	if !errors.Is(err, imageio.ErrTooLarge) || !strings.Contains(err.Error(), "a.png") {
		t.Errorf("a great claim: %v", err)
	}
	long := append(plain(t, 4, 4, 1, 1), make([]byte, 4<<20)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = Open(t.Context(), forged(t, 100, long), data.Options{})
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; err == nil || got > 2<<20 {
		t.Errorf("a small claim: %v after allocating %d bytes", err, got)
	}
	dir := t.TempDir()
	name := filepath.Join(dir, "in", "climb.zip")
	os.Mkdir(filepath.Dir(name), 0o777)
	os.WriteFile(name, zipped(t, map[string][]byte{"../a.png": plain(t, 4, 4, 1, 1), "/b.png": plain(t, 4, 4, 1, 2)}), 0o666)
	if s, err := Open(t.Context(), name, data.Options{}); err != nil || s.Train.Len()+s.Test.Len() != 2 {
		t.Errorf("%v", err)
	}
	if left, _ := filepath.Glob(dir + "/*"); len(left) != 1 {
		t.Errorf("written: %v", left)
	}
}

// TestRealCelebA opens real 178x218 JPEGs, stored in a zip below one directory.
func TestRealCelebA(t *testing.T) {
	path := realdata.Path(t, "celeba/img_align_celeba.zip")
	var out bytes.Buffer
	s, err := Open(t.Context(), path, data.Options{Size: 8, Progress: &out, DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "reading images: ") {
		t.Errorf("progress %q", out.String())
	}
	if h, w, c, _ := medium.HWC(s.Item()); h != 8 || w != 8 || c != 3 || s.Train.Len() != 4500 || s.Test.Len() != 500 || s.Classes != nil {
		t.Errorf("%d and %d of %dx%dx%d, classes %v", s.Train.Len(), s.Test.Len(), h, w, c, s.Classes)
	}
	// Skin is redder than blue, on average and by far.
	var sum [3]int
	for i, v := range pixels(t, s.Train.Items) {
		sum[i%3] += int(v)
	}
	if n := 4500 * 64; sum[0] < sum[2]+10*n || sum[0] > 220*n || sum[2] < 50*n {
		t.Errorf("mean colour %v", [3]int{sum[0] / n, sum[1] / n, sum[2] / n})
	}
}

func FuzzZip(f *testing.F) {
	good := map[string][]byte{"train/a/1.png": plain(f, 3, 4, 1, 1), "test/b/2.jpg": jpg(f, 9), "n.txt": []byte("x")}
	f.Add(zipped(f, good))
	f.Add(zipped(f, good)[:100])
	f.Add(zipped(f, map[string][]byte{"../../x.png": nil, `a\b.png`: []byte("hello"), "/": nil, "//.png": nil}))
	f.Add([]byte("PK\x05\x06\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := data.ZipImages(bytes.NewReader(b), int64(len(b)))
		if err != nil || len(list.Files) == 0 {
			return
		}
		entries := list.Files
		l := Arrange(entries, "image", data.Options{})
		if len(l.Train)+len(l.Test) > len(entries) || len(l.Train) == 0 {
			t.Errorf("%d and %d of %d images", len(l.Train), len(l.Test), len(entries))
		}
		for i := range l.Labels {
			if l.Labels[i] < 0 || int(l.Labels[i]) >= len(l.Classes) {
				t.Errorf("label %d of %d classes", l.Labels[i], len(l.Classes))
			}
		}
		for _, e := range entries[:min(len(entries), 4)] {
			if e.Size > 1<<20 {
				continue // only for the speed of the search
			}
			file, err := e.Read()
			if err != nil {
				continue
			}
			_, err = imageio.Decode(bytes.NewReader(file), imageio.Limits{MaxPixels: 1 << 14})
			if err != nil && !errors.Is(err, imageio.ErrFormat) && !errors.Is(err, imageio.ErrTooLarge) {
				t.Errorf("%s: %v", e.Name, err)
			}
		}
	})
}
