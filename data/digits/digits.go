// Package digits draws handwritten digits, so that imago has a labelled set without a
// file or a network connection.
//
// A digit is a skeleton of pen strokes, one of several ways of writing it (glyphs.go).
// The knots are moved at random, slanted, stretched, joined by splines and given a pen
// width (pen.go), and the strokes are rasterised onto a small grey canvas (raster.go).
// The set has the form of MNIST: 60,000 training and 10,000 test images of 28×28, white
// on black, the digit in a box of 20×20 with its centre of mass at the centre, equally
// many of each class. No image of MNIST was used.
//
// It promises the same bytes on every processor, for any number of threads: image i is
// drawn from a random key of its own, with arithmetic that compilers cannot round
// differently. Use Source to register the set, Draw for a single digit. The package
// must not know any model or use the network. The cache on disk only saves time: if it
// is missing, damaged or not writable, drawing takes a second.
package digits

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/rng"
)

// The set. Its seed is fixed, and data.Options.Seed has no part in it: digits,
// like mnist, is one set.
const (
	Name   = "digits"
	NTrain = 60_000
	NTest  = 10_000
	Side   = nativeSize // pixels a side

	seed = 1
	// version is part of the cache's name. It rises with every change of what
	// is drawn, together with Digest.
	version = 1
)

// Digest is the SHA-256 of the pixels of the set at its own size, training
// images first, followed by their labels, a byte each. TestDigest draws it anew.
const Digest = "58819e69033bcc0ee0c80400d81292720ec299f0c5571bb01aa3eb54aa0134d1"

// Source returns the set as data.Registry takes it. It is drawn, so there is nothing
// to fetch or verify.
//
// Options.Size above 28 draws the same digits with as many pixels; smaller ones
// are left to data.Registry, which reduces the 28×28 images.
func Source() data.Source {
	return data.Source{
		Name:  Name,
		About: "handwritten digits drawn by imago itself: 60,000 + 10,000 of 28x28, grey, 10 classes; nothing to download",
		Load:  load,
	}
}

// Draw writes the image of a digit, drawn from that key, to the front of dst: 28×28
// grey levels, row by row, white on black. It is safe for concurrent use. It fails if
// digit is not 0 to 9 or dst is shorter than 784.
func Draw(key rng.Key, digit int, dst []uint8) error {
	if digit < 0 || digit > 9 {
		return fmt.Errorf("digits: digit %d, want 0 to 9", digit)
	}
	if len(dst) < Side*Side {
		return fmt.Errorf("digits: room for %d pixels, want %d", len(dst), Side*Side)
	}
	h, err := hands()
	if err != nil {
		return err
	}
	p, _ := spare.Get().(*pen)
	if p == nil {
		p = newPen(Side, h)
	}
	defer spare.Put(p)
	p.draw(key, digit, dst[:Side*Side])
	return nil
}

// spare holds pens of native size.
var spare sync.Pool

// hands returns the parsed table of glyphs. It parses once, at the first digit.
var hands = sync.OnceValues(func() (*[10][]variant, error) {
	h, err := parseGlyphs(glyphs)
	return &h, err
})

// A sheet is the images of a split, drawn when they are read.
type sheet struct {
	size   int
	key    rng.Key
	labels []int32
	hands  *[10][]variant
	pens   sync.Pool
}

// newSheet returns n images, equally many of each digit, in a random order that depends
// on the split.
func newSheet(split string, n, size int) (*sheet, error) {
	h, err := hands()
	if err != nil {
		return nil, err
	}
	key := rng.New(seed).Split(Name).Split(split)
	labels := key.Split("order").Perm(n)
	for i := range labels {
		labels[i] %= 10
	}
	return &sheet{size: size, key: key.Split("image"), labels: labels, hands: h}, nil
}

func (s *sheet) Len() int { return len(s.labels) }

func (s *sheet) Item() medium.Item { return pixels.Item(s.size, s.size, 1) }

func (s *sheet) At(i int, dst []uint8) error {
	if i < 0 || i >= len(s.labels) {
		return fmt.Errorf("digits: image %d of %d", i, len(s.labels))
	}
	if len(dst) < s.size*s.size {
		return fmt.Errorf("digits: room for %d pixels, want %d", len(dst), s.size*s.size)
	}
	p, _ := s.pens.Get().(*pen)
	if p == nil {
		p = newPen(s.size, s.hands)
	}
	defer s.pens.Put(p)
	p.draw(s.key.At(uint64(i)), int(s.labels[i]), dst[:s.size*s.size])
	return nil
}

// load loads the set: see data.Source.Load.
func load(ctx context.Context, opt data.Options) (*data.Set, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	size := max(opt.Size, Side)
	train, err := newSheet("train", NTrain, size)
	if err != nil {
		return nil, err
	}
	test, err := newSheet("test", NTest, size)
	if err != nil {
		return nil, err
	}
	set := &data.Set{
		Name:    Name,
		Train:   data.Split{Items: train, Labels: train.labels},
		Test:    data.Split{Items: test, Labels: test.labels},
		Classes: []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
		Digest:  Digest,
	}
	if size != Side {
		set.Digest = fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%s drawn %dx%d", Digest, size, size)))
	}
	if !data.FitsInMemory(NTrain+NTest, test.Item()) {
		return set, nil // drawn image by image, each time it is asked for
	}
	pix, err := drawPixels(ctx, opt, train, test)
	if err != nil {
		return nil, err
	}
	cut := NTrain * size * size
	if set.Train.Items, err = data.NewInMemory(pix[:cut:cut], NTrain, train.Item()); err != nil {
		return nil, err
	}
	if set.Test.Items, err = data.NewInMemory(pix[cut:], NTest, test.Item()); err != nil {
		return nil, err
	}
	return set, nil
}

// drawPixels returns the pixels of all images, training images first: from a valid cache
// file, else drawn, and then kept if possible. Only the set of 28×28 is kept, because
// larger ones would fill the user's disk.
func drawPixels(ctx context.Context, opt data.Options, train, test *sheet) ([]uint8, error) {
	area := train.size * train.size
	pix := make([]uint8, (NTrain+NTest)*area)
	native := train.size == Side
	if native && readCache(opt, pix, train, test) {
		return pix, nil
	}
	note := opt.Progress
	if note == nil {
		note = io.Discard
	}
	start := time.Now()
	if err := drawAll(ctx, pix, train, test); err != nil {
		return nil, err
	}
	fmt.Fprintf(note, "digits: drew %d images in %.1f s\n", NTrain+NTest, time.Since(start).Seconds())
	if native {
		if err := writeCache(opt, pix); err != nil {
			fmt.Fprintf(note, "digits: not kept, and drawn again next time: %v\n", err)
		}
	}
	return pix, nil
}

// drawAll draws every image of the two sheets into pix.
func drawAll(ctx context.Context, pix []uint8, train, test *sheet) error {
	area := train.size * train.size
	err := data.Parallel(ctx, NTrain+NTest, func(i int) error {
		dst := pix[i*area : (i+1)*area]
		if i < NTrain {
			return train.At(i, dst)
		}
		return test.At(i-NTrain, dst)
	})
	if err != nil {
		return fmt.Errorf("digits: %w", err)
	}
	return nil
}

// digest returns the hash of pix and the labels of the sheets, as Digest has it.
func digest(pix []uint8, sheets ...*sheet) string {
	h := sha256.New()
	h.Write(pix)
	for _, s := range sheets {
		labels := make([]uint8, len(s.labels))
		for i, l := range s.labels {
			labels[i] = uint8(l)
		}
		h.Write(labels)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}
