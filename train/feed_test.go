package train

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/internal/runtest"
)

// numbered returns n images of 200x200, so that a chunk is a few of them, whose pixels
// are all their index, mod 256.
func numbered(n int) *data.InMemory {
	const size = 200 * 200
	pix := make([]uint8, n*size)
	for i := range pix {
		pix[i] = uint8(i / size)
	}
	return runtest.Must(data.NewInMemory(pix, n, pixels.Item(200, 200, 1)))
}

func feedOf(t testing.TB, images data.Items, size, epoch, at, epochs int) *feed {
	t.Helper()
	return startFeed(t, feedConfig{images: images, batchSize: size, seed: 5, epoch: epoch, at: at, epochs: epochs})
}

// startFeed starts a feed of batches that no program takes.
func startFeed(t testing.TB, c feedConfig) *feed {
	t.Helper()
	c.newCall = func(*batch) (*exec.Call, error) { return nil, nil }
	f, err := newFeed(c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Whatever takes how long, batches come in the order of the epochs, whole; the last
// of an epoch is filled up with copies of its own images, of weight 0.
func TestFeed(t *testing.T) {
	const n, size = 50, 15
	mem := numbered(n)
	slow := runtest.Trap{Items: mem, OnRead: func(i int) error {
		if i%7 == 0 {
			time.Sleep(time.Millisecond)
		}
		runtime.Gosched()
		return nil
	}}
	for name, images := range map[string]data.Items{"in memory": mem, "read": slow} {
		f := feedOf(t, images, size, 1, 30, 4)
		for e, at := 1, 30; e < 4; e, at = e+1, 0 {
			order := data.Shuffle(5, e, n)
			for ; at < n; at += size {
				b := f.next()
				if b.err != nil || b.epoch != e || b.at != at || b.n != min(size, n-at) {
					t.Fatalf("%s: %d images at %d of epoch %d (%v), want those at %d of %d", name, b.n, b.at, b.epoch, b.err, at, e)
				}
				x, w := b.x.F32(), b.weight.F32()
				for k := range size {
					want, weight := float32(order[at+k%b.n])/255, float32(0)
					if k < b.n {
						weight = 1
					}
					if pix := x[k*200*200:][:200*200]; slices.Min(pix) != want || slices.Max(pix) != want || w[k] != weight {
						t.Fatalf("%s: epoch %d: image %d is not %v of weight %v", name, e, at+k, want, weight)
					}
				}
				f.release(b)
			}
		}
		f.stop()
	}
	for name, images := range map[string]data.Items{"in memory": numbered(100), "read": runtest.Trap{Items: numbered(100), OnRead: func(int) error { return nil }}} {
		f := feedOf(t, images, 2, 0, 0, 1)
		if n := testing.AllocsPerRun(40, func() { f.release(f.next()) }); n != 0 {
			t.Errorf("%s: %v allocations a batch, want none", name, n)
		}
		f.stop()
	}
}

// An image that cannot be read, or a decoder's bug, is an error of its batch, the
// first of several; and a feed may be stopped at any time.
func TestFeedFails(t *testing.T) {
	mem, broken := numbered(50), errors.New("broken")
	order := data.Shuffle(5, 0, 50)
	f := feedOf(t, runtest.Trap{Items: mem, OnRead: func(i int) error {
		switch i {
		case int(order[23]):
			return broken
		case int(order[29]):
			panic("a bug")
		case int(order[33]):
			panic("another bug")
		}
		return nil
	}}, 15, 0, 0, 1)
	defer f.stop()
	if b := f.next(); b.err != nil {
		t.Error(b.err)
	}
	if b := f.next(); !errors.Is(b.err, broken) || !strings.Contains(b.err.Error(), "images 15 to 29") {
		t.Errorf("%v, want the first fault of the batch", b.err)
	}
	if b := f.next(); b.err == nil || !strings.Contains(b.err.Error(), "another bug") {
		t.Errorf("a panic gave %v", b.err)
	}
	for range 20 {
		feedOf(t, mem, 7, 0, 0, 3).stop()
	}
}

// Half of the images come mirrored, others in another epoch, and the same ones however
// the feed is started.
func TestFeedFlips(t *testing.T) {
	pix := make([]uint8, 200*2)
	for i := range pix {
		pix[i] = uint8(255 * (i % 2)) // left 0, right 1
	}
	images := runtest.Must(data.NewInMemory(pix, 200, pixels.Item(1, 2, 1)))
	flipped := func(epoch, at int) map[int32]bool {
		f := startFeed(t, feedConfig{images: images, batchSize: 50, seed: 5, epoch: epoch, at: at, epochs: epoch + 1, flip: true})
		defer f.stop()
		seen := map[int32]bool{}
		for ; at < 200; at += 50 {
			b := f.next()
			for k, i := range b.index {
				seen[i] = b.x.F32()[2*k] == 1
			}
			f.release(b)
		}
		return seen
	}
	first, next, n, moved := flipped(0, 0), flipped(1, 0), 0, 0
	for i, is := range first {
		if is {
			n++
		}
		if is != next[i] {
			moved++
		}
	}
	if n < 70 || n > 130 || moved < 70 || moved > 130 {
		t.Errorf("%d of 200 are mirrored, %d change in the next epoch; want about half", n, moved)
	}
	for i, is := range flipped(0, 100) {
		if is != first[i] {
			t.Fatalf("image %d of a feed that starts later is mirrored: %v, want %v", i, is, first[i])
		}
	}
}

// Images are moved by every distance up to the most, each as often as another, in other ways
// in another epoch and the same however the feed is started; flips stay as they are without.
func TestFeedShifts(t *testing.T) {
	const n, side = 200, 7
	pix := make([]uint8, n*side*side)
	for i := range n {
		pix[i*side*side+3*side+2] = 255 // one bright pixel, left of the middle
	}
	images := runtest.Must(data.NewInMemory(pix, n, pixels.Item(side, side, 1)))
	places := func(c feedConfig, epoch, at int) map[int32]int {
		c.images, c.batchSize, c.seed, c.epoch, c.at, c.epochs = images, 50, 5, epoch, at, epoch+1
		f := startFeed(t, c)
		defer f.stop()
		seen := map[int32]int{}
		for ; at < n; at += 50 {
			b := f.next()
			for k, i := range b.index {
				seen[i] = slices.Index(b.x.F32()[k*side*side:][:side*side], 1)
			}
			f.release(b)
		}
		return seen
	}
	first, next := places(feedConfig{shift: 1}, 0, 0), places(feedConfig{shift: 1}, 1, 0)
	count, moved := map[int]int{}, 0
	for i, place := range first {
		count[place]++
		if place != next[i] {
			moved++
		}
	}
	for row := 2; row <= 4; row++ {
		for column := 1; column <= 3; column++ {
			if c := count[row*side+column]; c < 8 || c > 40 { // of 22, by five deviations of 4.4
				t.Errorf("%d of %d images have the pixel in row %d and column %d", c, n, row, column)
			}
		}
	}
	if len(count) != 9 || moved < 150 {
		t.Errorf("%d places, %d images move in the next epoch", len(count), moved)
	}
	for i, place := range places(feedConfig{shift: 1}, 0, 100) {
		if place != first[i] {
			t.Fatalf("image %d of a feed that starts later is moved to %d, want %d", i, place, first[i])
		}
	}
	flipped, both := places(feedConfig{flip: true}, 0, 0), places(feedConfig{flip: true, shift: 1}, 0, 0)
	for i, place := range flipped {
		column := 2 + first[i]%side - 2
		if place%side == 4 {
			column = 4 + first[i]%side - 2
		}
		if want := first[i]/side*side + column; both[i] != want {
			t.Fatalf("image %d is at %d flipped, %d moved, and %d both, want %d", i, place, first[i], both[i], want)
		}
	}
}
