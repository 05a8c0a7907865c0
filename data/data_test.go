package data

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/formats/imageio"
)

func numbered(t *testing.T, n, h, w, c int) *InMemory {
	t.Helper()
	pix := make([]uint8, n*h*w*c)
	for i := range pix {
		pix[i] = uint8(i)
	}
	m, err := NewInMemory(pix, n, pixels.Item(h, w, c))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestInMemory(t *testing.T) {
	m := numbered(t, 3, 2, 2, 3)
	dst := make([]uint8, 12)
	if err := m.At(2, dst); err != nil || dst[0] != 24 || dst[11] != 35 {
		t.Errorf("image 2: %v, %v", dst, err)
	}
	for _, i := range []int{-1, 3} {
		if m.At(i, dst) == nil {
			t.Errorf("image %d of 3 was given", i)
		}
	}
	if m.At(0, dst[:11]) == nil {
		t.Error("an image was written to too little room")
	}
	s, err := m.Select([]int{2, 0})
	if err != nil || s.Len() != 2 || s.Slice(0)[0] != 24 || s.Slice(1)[0] != 0 {
		t.Errorf("select: %v, %v", s, err)
	}
	if _, err := m.Select([]int{3}); err == nil {
		t.Error("image 3 of 3 was selected")
	}
	for _, d := range [][4]int{{3, 2, 2, 1}, {-3, 2, -2, 3}, {3, 2, 2, 2}, {0, 2, 2, 3}, {math.MaxInt, math.MaxInt, 2, 3}, {1, 1, 6148914691236517207, 3}} {
		if _, err := NewInMemory(make([]uint8, 36), d[0], pixels.Item(d[1], d[2], d[3])); err == nil {
			t.Errorf("36 bytes passed for %v", d)
		}
	}
}

func TestValidate(t *testing.T) {
	im, other := numbered(t, 3, 2, 2, 1), numbered(t, 1, 2, 3, 1)
	ok := Set{Name: "s", Train: Split{Items: im, Labels: []int32{0, 1, 1}}, Test: Split{Items: im}, Classes: []string{"a", "b"}}
	if err := ok.Validate(); err != nil {
		t.Error(err)
	}
	for says, spoil := range map[string]func(s *Set){
		"no training images":         func(s *Set) { s.Train = Split{} },
		"3 images but 2 labels":      func(s *Set) { s.Train.Labels = []int32{0, 1} },
		`class "b\xff" is not UTF-8`: func(s *Set) { s.Classes = []string{"a", "b\xff"} },
		"label 2 of image 1":         func(s *Set) { s.Train.Labels = []int32{0, 2, 1} },
		"label -1":                   func(s *Set) { s.Train.Labels = []int32{-1, 0, 1} },
		"test images are 2x3x1":      func(s *Set) { s.Test.Items = other },
		"outside [0, 0)":             func(s *Set) { s.Classes = nil },
		"test: 3 images but 1 la":    func(s *Set) { s.Test.Labels = []int32{0} },
	} {
		s := ok
		spoil(&s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

func TestHoldOut(t *testing.T) {
	key := func(i int) string { return fmt.Sprint("image", i) }
	train, test := HoldOut(1000, Options{}, key)
	if len(train) != 900 || len(test) != 100 {
		t.Errorf("%d and %d of 1000", len(train), len(test))
	}
	all := slices.Sorted(slices.Values(append(slices.Clone(train), test...)))
	for i, v := range all {
		if i != v {
			t.Fatalf("image %d is in neither or both parts", i)
		}
	}
	if _, again := HoldOut(1000, Options{}, key); !slices.Equal(test, again) {
		t.Error("the second division differs from the first")
	}
	if _, other := HoldOut(1000, Options{Seed: 1}, key); slices.Equal(test, other) {
		t.Error("the seed has no effect")
	}
	// A hundred images more move few of those held out.
	_, grown := HoldOut(1100, Options{}, key)
	stay := 0
	for _, i := range test {
		if slices.Contains(grown, i) {
			stay++
		}
	}
	if stay < 90 {
		t.Errorf("only %d of 100 held-out images stay so when the set grows", stay)
	}
	for _, tt := range []struct {
		n    int
		f    float64
		want int
	}{{0, 0, 0}, {1, 0, 0}, {2, 0, 1}, {10, 0.25, 3}, {3, 0.99, 2}, {5, 0.001, 1}} {
		if train, test := HoldOut(tt.n, Options{TestFraction: tt.f}, key); len(test) != tt.want || len(train) != tt.n-tt.want {
			t.Errorf("%d images at %v: %d held out, want %d", tt.n, tt.f, len(test), tt.want)
		}
	}
}

// TestHoldOutOrder compares the parts with their definition, by sorting, also where many hashes begin alike.
func TestHoldOutOrder(t *testing.T) {
	for _, tt := range []struct {
		n    int
		f    float64
		keys int // different ones
	}{{300_000, 0.1, 300_000}, {1000, 0.37, 1000}, {1000, 0.5, 3}, {7, 0.9, 1}} {
		key := func(i int) string { return strconv.Itoa(i % tt.keys) }
		opt := Options{TestFraction: tt.f, Seed: 5}
		type ranked struct {
			hash string
			i    int
		}
		all := make([]ranked, tt.n)
		for i := range all {
			sum := sha256.Sum256(append([]byte{5, 0, 0, 0, 0, 0, 0, 0}, key(i)...))
			all[i] = ranked{string(sum[:]), i}
		}
		slices.SortFunc(all, func(a, b ranked) int { return cmp.Or(strings.Compare(a.hash, b.hash), a.i-b.i) })
		var want []int
		for _, r := range all[:int(math.Round(tt.f*float64(tt.n)))] {
			want = append(want, r.i)
		}
		slices.Sort(want)
		if train, test := HoldOut(tt.n, opt, key); !slices.Equal(test, want) || len(train) != tt.n-len(want) || !slices.IsSorted(train) {
			t.Errorf("%d items, %v of them, %d keys: the test part is not the smallest hashes", tt.n, tt.f, tt.keys)
		}
	}
}

func TestLocate(t *testing.T) {
	t.Setenv("IMAGO_DATA", "/shared")
	t.Setenv("XDG_CACHE_HOME", "/cache")
	t.Setenv("HOME", "/home")
	cache, err := CacheDir("mnist")
	if err != nil {
		t.Fatal(err)
	}
	got := Locate("mnist", Options{DataDir: "here"})
	want := []string{filepath.Join("here", "mnist"), "here", filepath.Join("/shared", "mnist"), cache}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if dir, _ := DownloadDir("mnist", Options{DataDir: "here"}); dir != filepath.Join("here", "mnist") {
		t.Error(dir)
	}
	if dir, _ := DownloadDir("mnist", Options{}); dir != cache {
		t.Error(dir)
	}
	d1, d2 := t.TempDir(), t.TempDir()
	os.WriteFile(filepath.Join(d1, "b"), nil, 0o666)
	os.WriteFile(filepath.Join(d2, "a"), nil, 0o666)
	os.Mkdir(filepath.Join(d1, "a"), 0o777) // a directory is not the file
	if p, ok := Find([]string{d1, d2}, "a", "b"); !ok || p != filepath.Join(d1, "b") {
		t.Errorf("found %q", p)
	}
}

func TestRegistry(t *testing.T) {
	var r Registry
	im := numbered(t, 4, 6, 8, 3)
	r.Register(Source{Name: "b", Load: func(context.Context, Options) (*Set, error) {
		return &Set{Name: "b", Train: Split{Items: im}, Digest: "d"}, nil
	}})
	r.Register(Source{Name: "a", Load: func(context.Context, Options) (*Set, error) { return nil, errors.New("a fails") }})
	r.RegisterOpener(Opener{Name: "t", Match: func(path string, _ fs.FileInfo, head []byte) bool { return string(head) == "magic" },
		Open: func(_ context.Context, path string, _ Options) (*Set, error) {
			return &Set{Name: path, Train: Split{Items: im}}, nil
		}})

	set, err := r.Open(t.Context(), "b", Options{})
	if err != nil || set.Digest != "d" || set.Train.Items != Items(im) {
		t.Errorf("%+v, %v", set, err)
	}
	if _, err := r.Open(t.Context(), "a", Options{}); err == nil || err.Error() != "a fails" {
		t.Error(err)
	}
	if _, err := r.Open(t.Context(), "mnits", Options{}); err == nil || !strings.Contains(err.Error(), "(a, b)") {
		t.Errorf("%v does not list the sets", err)
	}
	if _, err := r.Source("mnits"); err == nil || !strings.Contains(err.Error(), "have a, b") {
		t.Errorf("%v does not list the sets", err)
	}
	dir := t.TempDir()
	for name, body := range map[string]string{"good": "magic", "bad": "tragic"} {
		os.WriteFile(filepath.Join(dir, name), []byte(body), 0o666)
		_, err := r.Open(t.Context(), filepath.Join(dir, name), Options{})
		if (name == "good") != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.Open(t.Context(), "b", Options{Size: -1}); err == nil {
		t.Error("size -1 passed")
	}
	if _, err := r.Open(t.Context(), "b", Options{TestFraction: math.NaN()}); err == nil {
		t.Error("test fraction NaN passed")
	}
	for name, f := range map[string]func(){
		"repeated source": func() { r.Register(Source{Name: "a", Load: r.sources["a"].Load}) },
		"no name":         func() { r.Register(Source{Load: r.sources["a"].Load}) },
		"no load":         func() { r.Register(Source{Name: "c"}) },
		"repeated opener": func() { r.RegisterOpener(r.openers[0]) },
		"empty opener":    func() { r.RegisterOpener(Opener{Name: "x"}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

// TestFit checks that Size and Gray are applied to the images of every source, at once
// or on demand.
func TestFit(t *testing.T) {
	im := numbered(t, 4, 6, 8, 3)
	set := &Set{Name: "s", Train: Split{Items: im}, Test: Split{Items: im}, Digest: "d"}
	got, err := fit(t.Context(), set, Options{Size: 5, Gray: true})
	if err != nil {
		t.Fatal(err)
	}
	if h, w, c, _ := medium.HWC(got.Item()); h != 5 || w != 5 || c != 1 {
		t.Errorf("shape %dx%dx%d", h, w, c)
	}
	if got.Digest == "d" || len(got.Digest) != 64 {
		t.Errorf("digest %q", got.Digest)
	}
	lazy := fitted{im, 5, 5, 1, 0}
	a, b := make([]uint8, 25), make([]uint8, 25)
	for i := range 4 {
		if err := errors.Join(got.Train.Items.At(i, a), lazy.At(i, b)); err != nil || !bytes.Equal(a, b) {
			t.Errorf("image %d differs in memory and on demand (%v)", i, err)
		}
	}
	if lazy.At(4, a) == nil || lazy.At(0, a[:24]) == nil {
		t.Error("a bad call passed")
	}
	if FitsInMemory(1<<20, pixels.Item(64, 64, 3)) || !FitsInMemory(60000, pixels.Item(28, 28, 1)) || !FitsInMemory(0, pixels.Item(1, 1, 1)) {
		t.Error("the bound on memory is wrong")
	}
}

// TestCrop checks that Crop applies before Size, and that only a source that crops by
// itself receives these options.
func TestCrop(t *testing.T) {
	im := numbered(t, 4, 6, 8, 3)
	var passed Options
	var r Registry
	for _, crops := range []bool{false, true} {
		r.Register(Source{Name: fmt.Sprint(crops), Crops: crops, Load: func(_ context.Context, opt Options) (*Set, error) {
			passed = opt
			return &Set{Name: "s", Train: Split{Items: im}, Digest: "d"}, nil
		}})
	}
	whole := imageio.New(6, 8, 3)
	if err := im.At(2, whole.Pix); err != nil {
		t.Fatal(err)
	}
	digests := map[string]bool{"d": true}
	for _, tt := range []struct{ crop, size, side int }{{4, 0, 4}, {4, 6, 6}, {3, 6, 6}, {6, 4, 4}, {100, 5, 5}} {
		set, err := r.Open(t.Context(), "false", Options{Crop: tt.crop, Size: tt.size})
		if err != nil {
			t.Fatal(err)
		}
		if passed.Crop != 0 || passed.Size != 0 {
			t.Errorf("a source that does not crop was passed to: %+v", passed)
		}
		got := make([]uint8, tt.side*tt.side*3)
		want := imageio.Resize(whole.Crop(min(tt.crop, 6), min(tt.crop, 6)), tt.side, tt.side)
		if err := set.Train.Items.At(2, got); err != nil || !bytes.Equal(got, want.Pix) {
			t.Errorf("crop %d, size %d: not the middle (%v)", tt.crop, tt.size, err)
		}
		if digests[set.Digest] {
			t.Errorf("crop %d, size %d: the digest is that of another set", tt.crop, tt.size)
		}
		digests[set.Digest] = true
	}
	if _, err := r.Open(t.Context(), "true", Options{Crop: 4, Size: 9}); err != nil || passed.Crop != 4 || passed.Size != 9 {
		t.Errorf("a source that crops was passed %+v (%v)", passed, err)
	}
	if _, err := r.Open(t.Context(), "true", Options{Crop: -1}); err == nil {
		t.Error("crop -1 passed")
	}
}

func TestParallel(t *testing.T) {
	var sum atomic.Int64
	if err := Parallel(t.Context(), 1000, func(i int) error { sum.Add(int64(i)); return nil }); err != nil || sum.Load() != 499500 {
		t.Errorf("sum %d, %v", sum.Load(), err)
	}
	err := Parallel(t.Context(), 1000, func(i int) error {
		if i >= 2 {
			return fmt.Errorf("item %d", i)
		}
		return nil
	})
	if err == nil || err.Error() != "item 2" {
		t.Errorf("%v, want the first of the errors", err)
	}
	if err := Parallel(t.Context(), 3, func(i int) error { panic("bug") }); err == nil || !strings.Contains(err.Error(), "bug") {
		t.Errorf("a panic became %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Parallel(ctx, 3, func(i int) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestOrder(t *testing.T) {
	a := Shuffle(7, 0, 100)
	if !slices.Equal(a, Shuffle(7, 0, 100)) || slices.Equal(a, Shuffle(7, 1, 100)) || slices.Equal(a, Shuffle(8, 0, 100)) {
		t.Error("the order does not depend on seed and epoch alone")
	}
	seen := map[int32]bool{}
	for _, i := range a {
		seen[i] = true
	}
	if len(seen) != 100 {
		t.Errorf("%d of 100 images in an epoch", len(seen))
	}
}

// TestOpenHeedsInterrupt checks that reading ends soon after its context, also in an opener that does not look at it, and
// with the cause as the error.
func TestOpenHeedsInterrupt(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	var r Registry
	r.RegisterOpener(Opener{Name: "deaf", Match: func(string, fs.FileInfo, []byte) bool { return true }, Open: func(context.Context, string, Options) (*Set, error) {
		<-release
		return nil, errors.New("never seen")
	}})
	reason := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(20*time.Millisecond, func() { cancel(reason) })
	start := time.Now()
	if _, err := r.Open(ctx, t.TempDir(), Options{}); err != reason {
		t.Errorf("%v, want the cause", err)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("it took %v", took)
	}
}
