package digits

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/internal/realdata"
)

// whole is the set at its own size, drawn once for all tests.
var whole = sync.OnceValues(func() ([]uint8, error) {
	train, test, err := sheets()
	if err != nil {
		return nil, err
	}
	pix := make([]uint8, (NTrain+NTest)*Side*Side)
	return pix, drawAll(context.Background(), pix, train, test)
})

func sheets() (train, test *sheet, err error) {
	train, err = newSheet("train", NTrain, Side)
	if err != nil {
		return nil, nil, err
	}
	test, err = newSheet("test", NTest, Side)
	return train, test, err
}

func drawn(t *testing.T) (pix []uint8, train, test *sheet) {
	t.Helper()
	pix, err := whole()
	if err != nil {
		t.Fatal(err)
	}
	train, test, err = sheets()
	if err != nil {
		t.Fatal(err)
	}
	return pix, train, test
}

func TestDigest(t *testing.T) {
	pix, train, test := drawn(t)
	if got := digest(pix, train, test); got != Digest {
		t.Errorf("the set hashes to %s, want %s: what is drawn has changed; raise version, set Digest", got, Digest)
	}
}

func TestBalance(t *testing.T) {
	_, train, test := drawn(t)
	for _, s := range []*sheet{train, test} {
		var count [10]int
		runs := 0
		for i, l := range s.labels {
			count[l]++
			if i > 0 && l == s.labels[i-1] {
				runs++
			}
		}
		for d, c := range count {
			if c != s.Len()/10 {
				t.Errorf("%d images of %d among %d, want a tenth", c, d, s.Len())
			}
		}
		// In a random order a tenth of the neighbours are alike.
		if got := float64(runs) / float64(s.Len()); !(math.Abs(got-0.1) < 0.015) {
			t.Errorf("%.3f of neighbours have the same label, want 0.1: the order is not random", got)
		}
	}
	if slices.Equal(train.labels[:NTest], test.labels) {
		t.Error("test labels repeat the training labels")
	}
}

// TestStatistics compares the drawn digits with MNIST's test images, whose pixels have
// mean 0.1325, deviation 0.3105, share 0.807 black, 0.075 above 250, and centre of mass
// at (14.0, 14.0).
func TestStatistics(t *testing.T) {
	pix, _, _ := drawn(t)
	pix = pix[NTrain*Side*Side:]
	var sum, sum2, black, white float64
	for _, v := range pix {
		x := float64(v) / 255
		sum, sum2 = sum+x, sum2+x*x
		if v == 0 {
			black++
		}
		if v > 250 {
			white++
		}
	}
	n := float64(len(pix))
	mean := sum / n
	for _, c := range []struct {
		name           string
		got, want, tol float64
	}{
		{"mean", mean, 0.1325, 0.005},
		{"deviation", math.Sqrt(sum2/n - mean*mean), 0.3105, 0.008},
		{"black", black / n, 0.807, 0.012},
		{"white", white / n, 0.075, 0.010},
	} {
		if !(math.Abs(c.got-c.want) <= c.tol) {
			t.Errorf("%s %.4f, want %.4f ± %.3f", c.name, c.got, c.want, c.tol)
		}
	}
	var farthest, mx, my float64
	for i := range NTest {
		im := pix[i*Side*Side : (i+1)*Side*Side]
		var m, x, y float64
		for k, v := range im {
			m, x, y = m+float64(v), x+float64(v)*float64(k%Side), y+float64(v)*float64(k/Side)
		}
		if !(m > 12*255) {
			t.Fatalf("test image %d has %.1f pixels of ink, want at least 12", i, m/255)
		}
		x, y = x/m, y/m
		mx, my = mx+x/NTest, my+y/NTest
		farthest = max(farthest, math.Hypot(x-14, y-14))
	}
	if !(math.Hypot(mx-14, my-14) < 0.2) || !(farthest < 2) {
		t.Errorf("centres of mass around (%.2f, %.2f), up to %.2f pixels from (14, 14); want (14, 14), below 2", mx, my, farthest)
	}
}

// TestSizes checks the set opened by the Registry, a larger size drawn with more
// pixels, and one so large that images are drawn when they are read.
func TestSizes(t *testing.T) {
	pix, _, _ := drawn(t)
	large, err := newSheet("train", NTrain, 2*Side)
	if err != nil {
		t.Fatal(err)
	}
	im := make([]uint8, 4*Side*Side)
	var diff float64
	const n = 200
	for i := range n {
		if err := large.At(i, im); err != nil {
			t.Fatal(err)
		}
		for y := range Side {
			for x := range Side {
				at := 4*y*Side + 2*x
				half := (int(im[at]) + int(im[at+1]) + int(im[at+2*Side]) + int(im[at+2*Side+1])) / 4
				diff += math.Abs(float64(half)-float64(pix[(i*Side+y)*Side+x])) / 255
			}
		}
	}
	if diff /= n * Side * Side; !(diff < 0.01) {
		t.Errorf("56×56 halved differs from 28×28 by %.4f a pixel, want the same digits, below 0.01", diff)
	}

	set, err := load(context.Background(), data.Options{Size: 300, DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Validate(); err != nil {
		t.Error(err)
	}
	if h, w, c, _ := medium.HWC(set.Item()); h != 300 || w != 300 || c != 1 || set.Digest == Digest {
		t.Errorf("shape %dx%dx%d, digest %s; want 300x300x1 and a digest of its own", h, w, c, set.Digest)
	}
	if err := set.Test.Items.At(NTest-1, make([]uint8, 300*300)); err != nil {
		t.Error(err)
	}
	if _, err := load(context.Background(), data.Options{Size: -1}); err == nil {
		t.Error("size -1 passed")
	}
}

func TestCache(t *testing.T) {
	pix, train, test := drawn(t)
	hideCaches(t)
	opt := data.Options{DataDir: t.TempDir()}
	got := make([]uint8, len(pix))
	if readCache(opt, got, train, test) {
		t.Fatal("a cache that was never written was read")
	}
	if err := writeCache(opt, pix); err != nil {
		t.Fatal(err)
	}
	if !readCache(opt, got, train, test) || !bytes.Equal(got, pix) {
		t.Fatal("the cache does not give back what was written")
	}

	// A load reads it and draws nothing.
	var log strings.Builder
	opt.Progress = &log
	var reg data.Registry
	reg.Register(Source())
	set, err := reg.Open(context.Background(), Name, opt)
	if err != nil {
		t.Fatal(err)
	}
	if log.Len() != 0 {
		t.Errorf("drawn although cached: %s", log.String())
	}
	if set.Digest != Digest || set.Train.Len() != NTrain || set.Test.Len() != NTest || len(set.Classes) != 10 {
		t.Errorf("set of %d + %d images, %d classes, digest %s", set.Train.Len(), set.Test.Len(), len(set.Classes), set.Digest)
	}
	im := make([]uint8, Side*Side)
	if err := set.Test.Items.At(5, im); err != nil || !bytes.Equal(im, pix[(NTrain+5)*Side*Side:(NTrain+6)*Side*Side]) {
		t.Errorf("test image 5 is not the one drawn (%v)", err)
	}

	// Whatever is wrong with the file, it is not believed.
	name := filepath.Join(opt.DataDir, Name, cacheName)
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 4
	other := bytes.Clone(pix)
	other[12345]++
	for fault, b := range map[string][]byte{
		"empty":         {},
		"text":          []byte("<html>not found</html>"),
		"truncated":     good[:len(good)/2],
		"a bit flipped": flipped,
		"other pixels":  zipped(t, idxHeader(), other),
		"no header":     zipped(t, pix),
	} {
		if err := os.WriteFile(name, b, 0o666); err != nil {
			t.Fatal(err)
		}
		if readCache(opt, got, train, test) {
			t.Errorf("%s: a bad cache was believed", fault)
		}
	}

	// A load over the last of them draws, says so, and repairs the file.
	if set, err = load(context.Background(), opt); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "drew 70000 images") {
		t.Errorf("progress %q, want that images were drawn", log.String())
	}
	if err := set.Train.Items.At(0, im); err != nil || !bytes.Equal(im, pix[:Side*Side]) {
		t.Errorf("training image 0 is not the one drawn (%v)", err)
	}
	if b, err := os.ReadFile(name); err != nil || !bytes.Equal(b, good) {
		t.Errorf("the broken cache was not repaired (%v)", err)
	}
}

// TestCacheNotWritable checks that a cache that cannot be written does not cause an
// error. The directory is below a file, where even root cannot write.
func TestCacheNotWritable(t *testing.T) {
	hideCaches(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	set, err := load(context.Background(), data.Options{DataDir: filepath.Join(file, "data"), Progress: &log})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "not kept") {
		t.Errorf("progress %q, want that the set was not kept", log.String())
	}
	if err := set.Validate(); err != nil {
		t.Error(err)
	}
	if set.Digest != Digest {
		t.Errorf("digest %s, want %s", set.Digest, Digest)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	train, test, err := sheets()
	if err != nil {
		t.Fatal(err)
	}
	err = drawAll(ctx, make([]uint8, (NTrain+NTest)*Side*Side), train, test)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context gave %v", err)
	}
}

// hideCaches keeps the caches of whoever runs the test out of it, and the test
// out of them.
func hideCaches(t *testing.T) {
	t.Helper()
	t.Setenv("IMAGO_DATA", "")
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} { // what os.UserCacheDir reads
		t.Setenv(name, t.TempDir())
	}
}

func zipped(t testing.TB, parts ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		if _, err := z.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func FuzzDecode(f *testing.F) {
	pix := []byte("pixels")
	f.Add(zipped(f, idxHeader(), pix))
	f.Add(zipped(f, idxHeader(), pix)[:30])
	f.Add(zipped(f, idxHeader()[:8]))
	f.Add(zipped(f, make([]byte, 100)))
	f.Add([]byte("not gzip"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got := make([]uint8, len(pix))
		if decode(bytes.NewReader(b), got) != nil {
			return
		}
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("decoded what gzip refuses: %v", err)
		}
		want := append(idxHeader(), got...)
		head := make([]byte, len(want))
		if _, err := io.ReadFull(z, head); err != nil || !bytes.Equal(head, want) {
			t.Errorf("decoded % x from a file that starts % x (%v)", got, head, err)
		}
	})
}

// TestReadsMNIST classifies real digits by the nearest of 10,000 drawn ones: a
// classifier without training, so that its accuracy measures the drawing alone. (A
// small convolutional network of PyTorch 1.13, 32-64-dense 128, trained on the 60,000
// drawn digits for two epochs, classified 96.8 % of MNIST's test images, whose
// confusions were used to improve the skeletons, and 96.3 % of its training images,
// which were not used.)
func TestReadsMNIST(t *testing.T) {
	const n = 1000
	images := unzip(t, realdata.Path(t, "mnist/t10k-images-idx3-ubyte.gz"), 16)
	labels := unzip(t, realdata.Path(t, "mnist/t10k-labels-idx1-ubyte.gz"), 8)
	pix, _, test := drawn(t)
	known := make([][196]int32, NTest)
	for i := range known {
		known[i] = quarter(pix[(NTrain+i)*Side*Side:])
	}
	read := make([]bool, n)
	err := data.Parallel(context.Background(), n, func(i int) error {
		k := i * 10 // one half of the file is by tidier writers: take of both
		q := quarter(images[k*Side*Side:])
		best, digit := int64(math.MaxInt64), int32(-1)
		for j := range known {
			var d int64
			for p := range q {
				e := int64(q[p] - known[j][p])
				d += e * e
			}
			if d < best {
				best, digit = d, test.labels[j]
			}
		}
		read[i] = digit == int32(labels[k])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	for _, ok := range read {
		if ok {
			right++
		}
	}
	t.Logf("%d of %d read", right, n)
	if right < 850 {
		t.Errorf("%d of %d real digits read, want at least 850", right, n)
	}
}

// quarter halves an image both ways, so that a pixel of displacement counts less.
func quarter(im []uint8) (q [196]int32) {
	for y := range Side {
		for x := range Side {
			q[y/2*14+x/2] += int32(im[y*Side+x])
		}
	}
	return q
}

// unzip returns a gzipped file without its header.
func unzip(t *testing.T, name string, header int) []byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil || len(b) < header {
		t.Fatal(fmt.Errorf("%s: %d bytes: %w", name, len(b), err))
	}
	return b[header:]
}
