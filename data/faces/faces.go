// Package faces draws cartoon faces, so that imago has a set of faces with known
// attributes without a file or a network connection.
//
// The traits of a face are drawn at random from a key (traits.go). The face is painted
// in layers from the background to the glasses (face.go, hair.go) on a head that is
// turned, tilted and lit. Each layer is an outline of splines (outline.go) filled with
// exact area coverage (raster.go). There are 20,000 training and 2,000 test images of
// 64×64, in colour, with 25 attributes, named as in CelebA where CelebA has the same.
// The attributes are known without error, and most are independent of one another.
// Features that no attribute describes vary as well: the width of the head, the eyes,
// the nose, the clothes.
//
// It promises the same bytes on every processor, for any number of threads: image i is
// drawn from a random key of its own, with arithmetic that compilers cannot round
// differently. Use Source to register the set. The package must not know any model or
// use the network.
package faces

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/rng"
)

// The set. Its seed is fixed, and data.Options.Seed has no part in it: faces, like
// celeba, is one set.
const (
	Name   = "faces"
	NTrain = 20_000
	NTest  = 2_000
	Side   = 64 // pixels a side, unless Options.Size is another

	seed = 1
)

// Digest is the SHA-256 of the pixels of every 50th image at its own size, training images
// first, and of the attributes of all, a byte each. TestDigest draws it anew.
const Digest = "36940749b698e57e99b139cb4999fbe10aa7c7994fe75f522a05c08b90e9b48d"

// Source returns the set for data.Registry.Register. It is drawn, so there is nothing
// to download or verify. Options.Size draws the same faces with more or fewer pixels.
func Source() data.Source {
	return data.Source{
		Name:  Name,
		About: "cartoon faces drawn by imago itself: 20,000 + 2,000 of 64x64 in colour, 25 attributes; nothing to download",
		Load:  load,
	}
}

// load loads the set: see data.Source.Load.
func load(ctx context.Context, opt data.Options) (*data.Set, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	side := opt.Size
	if side == 0 {
		side = Side
	}
	s := newSheet(side)
	set := &data.Set{Name: Name, Attributes: Attributes, Digest: Digest}
	if side != Side {
		set.Digest = fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%s drawn %dx%d", Digest, side, side)))
	}
	images, err := s.drawn(ctx, opt)
	if err != nil {
		return nil, err
	}
	has := s.attributes()
	from := 0
	for _, p := range []struct {
		*data.Split
		n int
	}{{&set.Train, NTrain}, {&set.Test, NTest}} {
		index := make([]int, p.n)
		for j := range index {
			index[j] = from + j
		}
		if p.Items, err = data.Subset(images, index); err != nil {
			return nil, err
		}
		p.Attributes = has[from*numAttributes : (from+p.n)*numAttributes]
		from += p.n
	}
	return set, nil
}

// A sheet is all images of the set, training images first, drawn when they are read.
type sheet struct {
	side        int
	train, test rng.Key
	drawings    sync.Pool
}

func newSheet(side int) *sheet {
	key := rng.New(seed).Split(Name)
	return &sheet{side: side, train: key.Split("train"), test: key.Split("test")}
}

// key returns the random key of image i.
func (s *sheet) key(i int) rng.Key {
	if i < NTrain {
		return s.train.At(uint64(i))
	}
	return s.test.At(uint64(i - NTrain))
}

// Len returns the number of images.
func (s *sheet) Len() int { return NTrain + NTest }

// Item describes every image.
func (s *sheet) Item() medium.Item { return pixels.Item(s.side, s.side, 3) }

// At draws image i; see data.Items.
func (s *sheet) At(i int, dst []uint8) error {
	if i < 0 || i >= s.Len() {
		return fmt.Errorf("faces: image %d of %d", i, s.Len())
	}
	if want := s.side * s.side * 3; len(dst) < want {
		return fmt.Errorf("faces: room for %d bytes, want %d", len(dst), want)
	}
	d, _ := s.drawings.Get().(*drawing)
	if d == nil {
		d = newDrawing(s.side)
	}
	defer s.drawings.Put(d)
	d.paintFace(draw(s.key(i)))
	d.levels(dst)
	return nil
}

// attributes returns the attributes of all images, (N, A).
func (s *sheet) attributes() []uint8 {
	out := make([]uint8, s.Len()*numAttributes)
	for i := range s.Len() {
		t := draw(s.key(i))
		for a, has := range t.has {
			if has {
				out[i*numAttributes+a] = 1
			}
		}
	}
	return out
}

// drawn returns all images: from the cache, or drawn and kept there, or in memory. If
// they are too many for either, each is drawn when it is read.
func (s *sheet) drawn(ctx context.Context, opt data.Options) (data.Items, error) {
	n, size := s.Len(), s.side*s.side*3
	key := sha256.Sum256(fmt.Appendf(data.PackKey(), "faces %s %d\n", Digest, s.side))
	if p := data.FindPacked(key, opt); p != nil && p.Len() == n {
		return p, nil
	}
	if opt.Progress != nil {
		fmt.Fprintf(opt.Progress, "faces: drawing %d images\n", n)
	}
	p, err := data.Pack(ctx, data.Packing{Key: key, From: Name, N: n, H: s.side, W: s.side, C: 3,
		Decode: func(i int, dst []uint8) (none [32]byte, err error) { return none, s.At(i, dst) }}, opt)
	if err != nil {
		return nil, fmt.Errorf("faces: %w", err)
	}
	if p != nil {
		return p, nil
	}
	if !data.FitsInMemory(n, s.Item()) {
		return s, nil
	}
	pix := make([]uint8, n*size)
	if err := data.Parallel(ctx, n, func(i int) error { return s.At(i, pix[i*size:(i+1)*size]) }); err != nil {
		return nil, fmt.Errorf("faces: %w", err)
	}
	return data.NewInMemory(pix, n, s.Item())
}
