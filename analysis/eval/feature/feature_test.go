package feature

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/rng"
)

// side is that of the images of these tests.
const side = 8

// quadrants returns a set whose class is the brightest quadrant. As attributes, each quadrant
// is bright or not.
func quadrants(t *testing.T, train, test int, classes bool) *data.Set {
	t.Helper()
	set := &data.Set{Name: "quadrants", Digest: "quadrants"}
	names := []string{"top left", "top right", "bottom left", "bottom right"}
	if classes {
		set.Classes = names
	} else {
		set.Attributes = names
	}
	part := func(n int, key rng.Key) (p data.Split) {
		pix := make([]uint8, n*side*side)
		noise := make([]float32, len(pix))
		key.Uniform(noise)
		on := make([]uint32, 4*n)
		key.Split("on").Bits(on)
		for i := range n {
			var lit [4]bool
			for q := range lit {
				lit[q] = on[4*i+q]>>31 == 1
			}
			if classes {
				lit = [4]bool{}
				lit[on[4*i]>>30] = true
				p.Labels = append(p.Labels, int32(on[4*i]>>30))
			}
			for q, l := range lit {
				if !classes {
					p.Attributes = append(p.Attributes, map[bool]uint8{true: 1}[l])
				}
				for k := range side * side / 4 {
					y, x := q/2*side/2+k/(side/2), q%2*side/2+k%(side/2)
					at := (i*side+y)*side + x
					pix[at] = uint8(127 * noise[at])
					if l {
						pix[at] += 80
					}
				}
			}
		}
		im, err := data.NewInMemory(pix, n, pixels.Item(side, side, 1))
		if err != nil {
			t.Fatal(err)
		}
		p.Items = im
		return p
	}
	set.Train, set.Test = part(train, rng.New(1)), part(test, rng.New(2))
	return set
}

func TestOpen(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	be := cpu.New(1)
	defer be.Close()
	ctx := context.Background()
	set := quadrants(t, 300, 100, true)
	var said []string
	steps := 0
	opt := Options{Warn: func(text string) { said = append(said, text) }, Progress: func(step, of int) { steps += of / minSteps }}
	n, err := Open(ctx, set, be, opt)
	if err != nil {
		t.Fatal(err)
	}
	if n.Accuracy < 0.99 || n.Train != 300 || n.Test != 100 || n.Steps != minSteps || !n.Exclusive || n.Name != "imago-cnn-1" {
		t.Errorf("the net is %+v", n.Info)
	}
	if steps != minSteps || said != nil {
		t.Errorf("it reported %d steps and warned %q", steps, said)
	}
	features, p, err := n.Describe(ctx, set.Test.Items)
	if err != nil || len(features) != 100*Size || len(p) != 400 {
		t.Fatalf("%d features, %d probabilities, %v", len(features), len(p), err)
	}
	for i := range 100 {
		sum := float32(0)
		for _, v := range p[4*i : 4*i+4] {
			sum += v
		}
		if !(sum > 0.9999 && sum < 1.0001) {
			t.Fatalf("the probabilities of image %d add to %v", i, sum)
		}
	}

	// The second time it is read, and is the same net.
	again, err := Open(ctx, set, be, opt)
	if err != nil || steps != minSteps || said != nil {
		t.Fatalf("%v, %d steps, it warned %q", err, steps, said)
	}
	other, _, err := again.Describe(ctx, set.Test.Items)
	if err != nil || again.Accuracy != n.Accuracy || again.Weights != n.Weights || !equal(features, other) {
		t.Errorf("read from the cache: accuracy %v, want %v; features equal: %v; %v", again.Accuracy, n.Accuracy, equal(features, other), err)
	}

	// A damaged file gives a warning, and a new net is trained.
	files, _ := filepath.Glob(filepath.Join(cache, "imago", "features", "*"))
	if len(files) != 1 {
		t.Fatalf("the cache holds %v", files)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, length := range []int{0, 1, 7, 8, 9, 100, len(whole) / 2, len(whole) - 1} {
		if err := os.WriteFile(files[0], whole[:length], 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := load(files[0], n.Info, be); err == nil {
			t.Errorf("the first %d of %d bytes are read as a net", length, len(whole))
		}
	}
	if err := os.WriteFile(files[0], []byte("no"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, set, be, opt); err != nil || steps != 2*minSteps || len(said) != 1 || !strings.Contains(said[0], "trained anew") {
		t.Errorf("a damaged file: %v, %d steps, it warned %q", err, steps, said)
	}
}

// TestDeterministic checks that a set has one net on any number of threads, and another set has
// another net.
func TestDeterministic(t *testing.T) {
	ctx := context.Background()
	weights := func(threads int, set *data.Set) []float32 {
		be := cpu.New(threads)
		defer be.Close()
		info, train, err := newInfo(set)
		if err != nil {
			t.Fatal(err)
		}
		info.Steps = 5
		st, err := trainNet(ctx, info, train, be, nil)
		if err != nil {
			t.Fatal(err)
		}
		w, err := st.Get("features/kernel")
		if err != nil {
			t.Fatal(err)
		}
		return w.F32()
	}
	set := quadrants(t, 100, 0, true)
	one := weights(1, set)
	if !equal(one, weights(2, set)) {
		t.Error("one and two threads train two nets")
	}
	if equal(one, weights(1, quadrants(t, 101, 0, true))) {
		t.Error("two sets train one net")
	}
}

// TestTag checks that a set has one tag, before a net is trained, and another set, or a part of
// it, has another.
func TestTag(t *testing.T) {
	set := quadrants(t, 100, 10, true)
	tag := Tag(set)
	if !regexp.MustCompile(`^cnn1-[0-9a-f]{8}$`).MatchString(tag) || Tag(quadrants(t, 100, 10, true)) != tag {
		t.Errorf("the tag is %q, and %q the second time", tag, Tag(quadrants(t, 100, 10, true)))
	}
	if other := Tag(quadrants(t, 101, 10, true)); other == tag {
		t.Errorf("two sets have one tag %q", tag)
	}
	other := quadrants(t, 100, 10, true)
	other.Digest = "another"
	if Tag(other) == tag {
		t.Errorf("sets of two digests have one tag %q", tag)
	}
	set.Classes = nil
	if Tag(set) != "cnn1" || Tag(nil) != "cnn1" {
		t.Errorf("without labels the tag is %q, without a set %q, want cnn1", Tag(set), Tag(nil))
	}
}

// TestWeights checks that nets with other weights have another digest.
func TestWeights(t *testing.T) {
	be := cpu.New(1)
	defer be.Close()
	var digests []string
	for _, n := range []int{20, 21} {
		info, train, err := newInfo(quadrants(t, n, 0, true))
		if err != nil {
			t.Fatal(err)
		}
		info.Steps = 2
		for range 2 {
			st, err := trainNet(context.Background(), info, train, be, nil)
			if err != nil {
				t.Fatal(err)
			}
			d, err := info.digest(st)
			if err != nil || len(d) != 64 {
				t.Fatalf("digest %q, %v", d, err)
			}
			digests = append(digests, d)
		}
	}
	if digests[0] != digests[1] || digests[0] == digests[2] {
		t.Errorf("the digests of two nets, twice each, are %q", digests)
	}
}

func TestAttributes(t *testing.T) {
	be := cpu.New(1)
	defer be.Close()
	n, err := Open(context.Background(), quadrants(t, 300, 100, false), be, Options{NoCache: true})
	if err != nil || n.Accuracy < 0.95 || n.Exclusive {
		t.Fatalf("%+v, %v", n, err)
	}
}

func TestRight(t *testing.T) {
	classes := Info{Labels: []string{"a", "b", "c"}, Exclusive: true}
	if r, of := classes.Right([]float32{.2, .5, .3, .6, .3, .1, 1, 0, 0}, []float32{0, 1, 0, 0, 1, 0, 0, 0, 0}); r != 1 || of != 2 {
		t.Errorf("classes: %d of %d, want 1 of 2: the third image has none", r, of)
	}
	attributes := Info{Labels: []string{"a", "b"}}
	if r, of := attributes.Right([]float32{.2, .5, .6, .9}, []float32{0, 1, 1, 1}); r != 3 || of != 4 {
		t.Errorf("attributes: %d of %d, want 3 of 4", r, of)
	}
}

func TestUnfit(t *testing.T) {
	be := cpu.New(1)
	defer be.Close()
	set := quadrants(t, 20, 0, true)
	set.Classes, set.Train.Labels = nil, nil
	if _, err := Open(context.Background(), set, be, Options{NoCache: true}); !errors.Is(err, ErrUnfit) {
		t.Errorf("no labels: %v", err)
	}
	row, err := data.NewInMemory(make([]uint8, 40), 4, pixels.Item(1, 10, 1))
	if err != nil {
		t.Fatal(err)
	}
	table := &data.Set{Name: "rows", Classes: []string{"a"}, Train: data.Split{Items: row, Labels: make([]int32, 4)}}
	if _, err := Open(context.Background(), table, be, Options{NoCache: true}); !errors.Is(err, ErrUnfit) {
		t.Errorf("rows of a table: %v", err)
	}
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Open(stopped, quadrants(t, 20, 0, true), be, Options{NoCache: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}

// TestResized checks that images larger than the input of a net are resized in proportion.
func TestResized(t *testing.T) {
	big, err := data.NewInMemory(bytes.Repeat([]uint8{7}, 2*100*150*3), 2, pixels.Item(100, 150, 3))
	if err != nil {
		t.Fatal(err)
	}
	s := resizedForNet(big)
	if h, w, c, _ := medium.HWC(s.Item()); h != 43 || w != 64 || c != 3 {
		t.Errorf("100x150x3 is resized to %dx%dx%d", h, w, c)
	}
	dst := make([]uint8, 43*64*3)
	if err := s.At(1, dst); err != nil || !bytes.Equal(dst, bytes.Repeat([]uint8{7}, len(dst))) {
		t.Errorf("a flat image is not flat when it is resized: %v", err)
	}
	if err := s.At(2, dst); err == nil {
		t.Error("an image that is not there gave no error")
	}
	if small := resizedForNet(quadrants(t, 4, 0, true).Train.Items); small.Len() != 4 {
		t.Error("small images are resized")
	} else if h, w, _, _ := medium.HWC(small.Item()); h != side || w != side {
		t.Errorf("small images are resized to %dx%d", h, w)
	}
}

func equal(a, b []float32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// melody is images that run along their columns.
type melody struct{ pixels.Medium }

func (melody) Delay(item medium.Item, values []float32, columns int) {
	w := item.Shape[1]
	for at := 0; at < len(values); at += w {
		row := slices.Clone(values[at : at+w])
		for x := range row {
			values[at+x] = 0
			if from := x - columns; from >= 0 && from < w {
				values[at+x] = row[from]
			}
		}
	}
}

// TestDelay checks that items of a medium that may begin later are moved in training: a net that was trained on dots
// in one column classifies dots beside it by their row, and one of plain images has another tag.
func TestDelay(t *testing.T) {
	const w = 20
	set := func(m medium.Medium) *data.Set {
		part := func(n int, column func(i int) int) (p data.Split) {
			pix := make([]uint8, n*side*w)
			for i := range n {
				p.Labels = append(p.Labels, int32(i%4))
				pix[(i*side+2*(i%4))*w+column(i)] = 255
			}
			item := pixels.Item(side, w, 1)
			item.Medium = m
			var err error
			if p.Items, err = data.NewInMemory(pix, n, item); err != nil {
				t.Fatal(err)
			}
			return p
		}
		return &data.Set{Name: "dots", Digest: "dots", Classes: []string{"a", "b", "c", "d"}, Train: part(64, func(int) int { return 10 }), Test: part(40, func(i int) int { return 8 + i%5 })}
	}
	if a, b := Tag(set(melody{})), Tag(set(pixels.Medium{})); a == b {
		t.Errorf("with and without delays the tag is %s", a)
	}
	be := cpu.New(1)
	defer be.Close()
	n, err := Open(context.Background(), set(melody{}), be, Options{NoCache: true})
	if err != nil || n.Delay != 2 || n.Accuracy < 0.99 {
		t.Errorf("%+v, %v", n, err)
	}
}
