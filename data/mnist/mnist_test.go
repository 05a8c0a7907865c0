package mnist

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/internal/realdata"
)

// put writes files into a new directory.
func put(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// registry returns a registry filled as by package cli, with the cache in an empty
// folder.
func registry(t *testing.T) *data.Registry {
	t.Helper()
	home := t.TempDir()
	for _, env := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
		t.Setenv(env, home)
	}
	r := new(data.Registry)
	for _, s := range Sources() {
		r.Register(s)
	}
	r.RegisterOpener(Opener())
	return r
}

func TestOpenDirectory(t *testing.T) {
	r := registry(t)
	for name, dir := range map[string]string{
		"packed": put(t, map[string][]byte{
			"train-images-idx3-ubyte.gz": packed(t, digits(20).Encode()), "train-labels-idx1-ubyte.gz": packed(t, labels(20).Encode()),
			"t10k-images-idx3-ubyte.gz": packed(t, digits(5).Encode()), "t10k-labels-idx1-ubyte.gz": packed(t, labels(5).Encode())}),
		"dotted, plain": put(t, map[string][]byte{
			"train-images.idx3-ubyte": digits(20).Encode(), "train-labels.idx1-ubyte": labels(20).Encode(),
			"t10k-images.idx3-ubyte": digits(5).Encode(), "t10k-labels.idx1-ubyte": labels(5).Encode()}),
		"prefixed": put(t, map[string][]byte{
			"emnist-x-train-images-idx3-ubyte": digits(20).Encode(), "emnist-x-train-labels-idx1-ubyte": labels(20).Encode(),
			"emnist-x-test-images-idx3-ubyte": digits(5).Encode(), "emnist-x-test-labels-idx1-ubyte": labels(5).Encode()}),
	} {
		s, err := r.Open(t.Context(), dir, data.Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s.Train.Len() != 20 || s.Test.Len() != 5 || len(s.Classes) != 10 || s.Train.Labels[13] != 3 {
			t.Errorf("%s: %d and %d images, classes %v", name, s.Train.Len(), s.Test.Len(), s.Classes)
		}
		if px := s.Train.Items.(*data.InMemory).Slice(1); px[0] != 42 {
			t.Errorf("%s: image 1 starts with %d", name, px[0])
		}
	}
}

func TestOpenFile(t *testing.T) {
	r := registry(t)
	dir := put(t, map[string][]byte{
		"a-images-idx3-ubyte.gz": packed(t, digits(20).Encode()),
		"b-images-idx3-ubyte":    digits(20).Encode(), "b-labels-idx1-ubyte": labels(20).Encode(),
		"renamed": packed(t, digits(20).Encode()), // known by its content
	})
	for name, labelled := range map[string]bool{"a-images-idx3-ubyte.gz": false, "b-images-idx3-ubyte": true, "renamed": false} {
		s, err := r.Open(t.Context(), filepath.Join(dir, name), data.Options{TestFraction: 0.25})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s.Train.Len() != 15 || s.Test.Len() != 5 || (s.Train.Labels != nil) != labelled || (s.Test.Labels != nil) != labelled {
			t.Errorf("%s: %d and %d images", name, s.Train.Len(), s.Test.Len())
		}
		if labelled { // image i starts with 42·i and has label i mod 10
			for _, p := range []data.Split{s.Train, s.Test} {
				for j, l := range p.Labels {
					px := p.Items.(*data.InMemory).Slice(j)[0]
					if px != uint8(42*l) && px != uint8(42*(l+10)) {
						t.Errorf("%s: an image starting with %d has label %d", name, px, l)
					}
				}
			}
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	r := registry(t)
	img, lab := digits(20).Encode(), labels(20).Encode()
	dir := put(t, map[string][]byte{
		"train-images-idx3-ubyte": img, "train-labels-idx1-ubyte": labels(19).Encode(),
	})
	two := put(t, map[string][]byte{"a-train-images-idx3-ubyte": img, "b-train-images-idx3-ubyte": img})
	cut := put(t, map[string][]byte{"t10k-images-idx3-ubyte": img[:50]})
	swapped := put(t, map[string][]byte{"x-images-idx3-ubyte": img, "x-labels-idx1-ubyte": img, "y": lab})
	for path, says := range map[string][]string{
		dir:                                    {"20 images", "19 labels", "train-labels-idx1-ubyte"},
		two:                                    {"a-train-images", "b-train-images", "name one"},
		cut:                                    {"t10k-images-idx3-ubyte", "ends early, after 50 bytes, of 136", "get the file again"},
		swapped + "/x-images-idx3-ubyte":       {"x-labels-idx1-ubyte", "these are no labels"},
		swapped + "/y":                         {"these are no images"},
		filepath.Join(dir, "no-such-file.idx"): {"neither a set (fashion-mnist, kmnist, mnist)"},
	} {
		_, err := r.Open(t.Context(), path, data.Options{})
		for _, want := range says {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", path, err, want)
			}
		}
	}
}

func TestTable(t *testing.T) {
	for _, s := range sets {
		if len(s.classes) != 10 || len(s.mirrors) < 2 || s.about == "" {
			t.Errorf("%s: an empty column", s.name)
		}
		for _, f := range s.files {
			if f.Size == 0 || len(f.SHA256) != 64 || f.Unpacked != "" && len(f.Unpacked) != 64 {
				t.Errorf("%s: %+v", s.name, f)
			}
		}
	}
}

// TestNamedSetRefuses checks that the error for a bad file of a named set has the file
// and the remedy.
func TestNamedSetRefuses(t *testing.T) {
	r := registry(t)
	t.Setenv("IMAGO_DATA", "")
	dir := put(t, map[string][]byte{"train-images-idx3-ubyte": digits(20).Encode()})
	for name, opt := range map[string]data.Options{
		"train-images-idx3-ubyte.gz is in none of": {Offline: true},
		"unpacked SHA-256 " + digits(20).Digest():  {Offline: true, DataDir: dir},
	} {
		_, err := r.Open(t.Context(), "mnist", opt)
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "fetch the set mnist") {
			t.Errorf("%v, want %q", err, name)
		}
	}
	// What cannot be checked is not believed: these are no images of kmnist.
	if _, err := r.Open(t.Context(), "kmnist", data.Options{Offline: true, DataDir: dir}); err == nil || !strings.Contains(err.Error(), "want "+sets[2].files[0].SHA256) {
		t.Errorf("%v", err)
	}
}

// TestNoMirror checks that the error lists every mirror that did not answer, and the
// remedy.
func TestNoMirror(t *testing.T) {
	r := registry(t)
	t.Setenv("IMAGO_DATA", "")
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	t.Setenv("IMAGO_MIRROR", srv.URL+"/a "+srv.URL+"/b")
	_, err := r.Open(t.Context(), "mnist", data.Options{})
	for _, want := range []string{"/a/mnist/train-images-idx3-ubyte.gz: status 404", "/b/mnist/train-images-idx3-ubyte.gz: status 404", "$IMAGO_MIRROR"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestRealSets checks known facts of the real sets: the counts of each class and the
// mean grey level as published with the sets (0.1307 and 0.2860 of 255).
func TestRealSets(t *testing.T) {
	realdata.Dir(t)
	r := registry(t)
	for _, tt := range []struct {
		name  string
		ones  int // training images of class 1
		mean  float64
		first int32
	}{{"mnist", 6742, 0.1307, 5}, {"fashion-mnist", 6000, 0.2860, 9}} {
		s, err := r.Open(t.Context(), tt.name, data.Options{Offline: true})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if h, w, c, _ := medium.HWC(s.Item()); h != 28 || w != 28 || c != 1 || s.Train.Len() != 60000 || s.Test.Len() != 10000 {
			t.Errorf("%s: %d and %d of %dx%dx%d", tt.name, s.Train.Len(), s.Test.Len(), h, w, c)
		}
		ones := 0
		for _, l := range s.Train.Labels {
			if l == 1 {
				ones++
			}
		}
		sum := 0
		for _, v := range s.Train.Items.(*data.InMemory).Levels() {
			sum += int(v)
		}
		if mean := float64(sum) / 255 / 60000 / 784; ones != tt.ones || s.Train.Labels[0] != tt.first || mean < tt.mean-5e-5 || mean > tt.mean+5e-5 {
			t.Errorf("%s: %d of class 1, first label %d, mean %.5f", tt.name, ones, s.Train.Labels[0], mean)
		}
	}
	// Twice the same, and another after resizing.
	a, err1 := r.Open(t.Context(), "mnist", data.Options{Offline: true})
	b, err2 := r.Open(t.Context(), "mnist", data.Options{Offline: true, Size: 32})
	if err1 != nil || err2 != nil || a.Digest == b.Digest || len(a.Digest) != 64 {
		t.Fatalf("digests %q and %q, %v, %v", a.Digest, b.Digest, err1, err2)
	}
	if h, w, _, _ := medium.HWC(b.Item()); h != 32 || w != 32 {
		t.Errorf("resized to %dx%d", h, w)
	}
}

func TestRealKMNIST(t *testing.T) {
	root := realdata.Dir(t)
	r := registry(t)
	// Only the test part is there.
	_, err := r.Open(t.Context(), "kmnist", data.Options{Offline: true})
	for _, want := range []string{"train-images-idx3-ubyte.gz", "fetch the set kmnist"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	// By its path that part is a set.
	s, err := r.Open(t.Context(), filepath.Join(root, "kmnist"), data.Options{})
	if err != nil || s.Train.Len() != 9000 || s.Test.Len() != 1000 || len(s.Classes) != 10 {
		t.Errorf("%v, %v", s, err)
	}
	// Packed by another hand, and yet right; the rest is missing.
	src, _ := r.Source("kmnist")
	status, err := src.Verify(t.Context(), data.Options{Offline: true})
	if err != nil || len(status) != 4 || status[0].Err == nil || status[1].Err == nil || status[2].Err != nil || status[3].Err != nil {
		t.Errorf("%+v, %v", status, err)
	}
	// A really broken download, by path and under its name.
	cut := filepath.Join(root, "kmnist", "truncated")
	for path, opt := range map[string]data.Options{cut: {}, filepath.Join(cut, "t10k-images-idx3-ubyte.gz"): {}} {
		_, err := r.Open(t.Context(), path, opt)
		for _, want := range []string{"t10k-images-idx3-ubyte.gz", "at byte 32768 of the file, after 82815 unpacked bytes, of 7840016"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		}
	}
	status, _ = src.Verify(t.Context(), data.Options{DataDir: cut})
	if len(status) != 4 || status[2].Err == nil || !strings.Contains(status[2].Err.Error(), "fetch the set kmnist") {
		t.Errorf("%+v", status)
	}
}

func TestRealFreyFaces(t *testing.T) {
	r := registry(t)
	s, err := r.Open(t.Context(), realdata.Path(t, "frey-faces/frey-images-idx3-ubyte.gz"), data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if h, w, c, _ := medium.HWC(s.Item()); h != 28 || w != 20 || c != 1 || s.Train.Len()+s.Test.Len() != 1965 || s.Train.Labels != nil {
		t.Errorf("%d and %d of %dx%dx%d", s.Train.Len(), s.Test.Len(), h, w, c)
	}
}

// TestRealDownload fetches the real files from a mirror and opens the set.
func TestRealDownload(t *testing.T) {
	root := realdata.Dir(t)
	r := registry(t)
	t.Setenv("IMAGO_DATA", "")
	requests := 0
	files := http.FileServer(http.Dir(root))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		requests++
		files.ServeHTTP(w, q)
	}))
	defer srv.Close()
	t.Setenv("IMAGO_MIRROR", srv.URL)
	src, err := r.Source("mnist")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := src.Get(t.Context(), data.Options{Progress: &out}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "train-images-idx3-ubyte.gz: 9.9 of 9.9 MB") {
		t.Errorf("progress:\n%s", out.String())
	}
	s, err := r.Open(t.Context(), "mnist", data.Options{Offline: true})
	if err != nil || s.Train.Len() != 60000 {
		t.Errorf("%v", err)
	}
	if requests != 4 {
		t.Errorf("%d requests, want 4", requests)
	}
}
