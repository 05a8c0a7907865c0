package stacked

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/mnist"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/internal/realdata"
)

// grey returns n images of 2x2: of class i mod k, every pixel of image i of the training part i, of the test part 255−i.
func grey(t *testing.T, n, k int) *data.Set {
	t.Helper()
	set := &data.Set{Name: "grey", Digest: "grey"}
	for c := range k {
		set.Classes = append(set.Classes, fmt.Sprint(c))
	}
	for _, p := range []struct {
		split *data.Split
		value func(i int) uint8
	}{{&set.Train, func(i int) uint8 { return uint8(i) }}, {&set.Test, func(i int) uint8 { return uint8(255 - i) }}} {
		var pix []uint8
		for i := range n {
			pix = append(pix, bytes.Repeat([]uint8{p.value(i)}, 4)...)
			p.split.Labels = append(p.split.Labels, int32(i%k))
		}
		im, err := data.NewInMemory(pix, n, pixels.Item(2, 2, 1))
		if err != nil {
			t.Fatal(err)
		}
		p.split.Items = im
	}
	return set
}

func registry(set *data.Set) *data.Registry {
	var r data.Registry
	r.Register(Source(data.Source{Name: set.Name, Load: func(context.Context, data.Options) (*data.Set, error) { return set, nil }}))
	return &r
}

func TestStacked(t *testing.T) {
	const n, k = 100, 5
	of := grey(t, n, k)
	set, err := registry(of).Open(t.Context(), "stacked-grey", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if h, w, c, _ := medium.HWC(set.Item()); h != 2 || w != 2 || c != 3 || set.Train.Len() != n || set.Test.Len() != n {
		t.Errorf("%d and %d images of %dx%dx%d", set.Train.Len(), set.Test.Len(), h, w, c)
	}
	if len(set.Classes) != 125 || set.Classes[0] != "000" || set.Classes[124] != "444" || set.Classes[1*25+2*5+3] != "123" {
		t.Errorf("classes %v", set.Classes)
	}
	if set.Channels == nil || set.Channels.Digest != of.Digest || set.Digest == of.Digest {
		t.Errorf("channels of another set, or digest %s of the set stacked", set.Digest)
	}
	seen := map[uint8]bool{}
	for _, p := range []data.Split{set.Train, set.Test} {
		for i := range p.Len() {
			var dst [12]uint8
			if err := p.Items.At(i, dst[:]); err != nil {
				t.Fatal(err)
			}
			want := ""
			for c := range 3 {
				v := dst[c]
				for k := range 4 {
					if dst[3*k+c] != v {
						t.Fatalf("image %d: channel %d of pixel %d is %d, not %d", i, c, k, dst[3*k+c], v)
					}
				}
				at := v
				if &p.Labels[0] == &set.Test.Labels[0] {
					at = 255 - v
				}
				if at >= n {
					t.Fatalf("image %d: channel %d is of the other part", i, c)
				}
				want += of.Classes[int(at)%k]
				seen[v] = true
			}
			if got := set.Classes[p.Labels[i]]; got != want {
				t.Fatalf("image %d of %s has class %s", i, want, got)
			}
		}
		if p.Items.At(-1, make([]uint8, 12)) == nil || p.Items.At(n, make([]uint8, 12)) == nil || p.Items.At(0, make([]uint8, 11)) == nil {
			t.Error("an image was given that is not there, or to too little room")
		}
	}
	if slices.Equal(set.Train.Items.(*triples).which, set.Test.Items.(*triples).which) {
		t.Error("both parts are stacked alike")
	}
	// Of 300 draws of 100, 95 are expected to be there, with a deviation of 2.1.
	if len(seen) < 2*85 {
		t.Errorf("%d images of 200 are used", len(seen))
	}

	again, err := registry(of).Open(t.Context(), "stacked-grey", data.Options{Seed: 7})
	if err != nil || again.Digest != set.Digest || fmt.Sprint(again.Train.Labels) != fmt.Sprint(set.Train.Labels) {
		t.Errorf("another set when opened again (%v)", err)
	}
}

// TestFitted checks that cropping and resizing apply to the set of the channels as
// well.
func TestFitted(t *testing.T) {
	r := registry(grey(t, 20, 10))
	set, err := r.Open(t.Context(), "stacked-grey", data.Options{Size: 4})
	if err != nil {
		t.Fatal(err)
	}
	if h, w, c, _ := medium.HWC(set.Channels.Item()); h != 4 || w != 4 || c != 1 {
		t.Errorf("channels of %dx%dx%d", h, w, c)
	}
	if set, err = r.Open(t.Context(), "stacked-grey", data.Options{Gray: true}); err != nil || set.Channels != nil {
		t.Errorf("one channel, and yet images of three (%v)", err)
	}
}

func TestRefuses(t *testing.T) {
	for says, spoil := range map[string]func(s *data.Set){
		"3 channels":  func(s *data.Set) { s.Train.Items, _ = data.NewInMemory(make([]uint8, 12*10), 10, pixels.Item(2, 2, 3)) },
		"0 labels":    func(s *data.Set) { s.Test.Labels = nil },
		"test images": func(s *data.Set) { s.Test.Labels = nil },
	} {
		of := grey(t, 10, 2)
		spoil(of)
		if _, err := registry(of).Open(t.Context(), "stacked-grey", data.Options{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

func TestClassNames(t *testing.T) {
	if got := classes([]string{"Bag", "Coat"}); len(got) != 8 || got[1] != "Bag+Bag+Coat" || got[6] != "Coat+Coat+Bag" {
		t.Errorf("%v", got)
	}
}

func TestRealStackedMNIST(t *testing.T) {
	realdata.Path(t, filepath.Join("mnist", "train-images-idx3-ubyte.gz"))
	var r data.Registry
	for _, s := range mnist.Sources() {
		r.Register(Source(s))
	}
	set, err := r.Open(t.Context(), "stacked-mnist", data.Options{Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	if h, w, c, _ := medium.HWC(set.Item()); h != 28 || w != 28 || c != 3 || set.Train.Len() != 60000 || set.Test.Len() != 10000 || len(set.Classes) != 1000 {
		t.Errorf("%d and %d images of %dx%dx%d, %d classes", set.Train.Len(), set.Test.Len(), h, w, c, len(set.Classes))
	}
	counts := make([]float64, 1000)
	for _, l := range set.Train.Labels {
		counts[l]++
	}
	kl := 0.0
	for _, n := range counts {
		if n == 0 {
			t.Fatal("a class has no training image")
		}
		kl += n / 60000 * math.Log(n/60)
	}
	// MNIST's own imbalance, three times over, and the 999 degrees of freedom of 60,000 draws: 3·0.0026 + 0.0083.
	if kl < 0.010 || kl > 0.022 {
		t.Errorf("KL of the classes to the uniform distribution: %.4f nats", kl)
	}
}
