package data

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/formats/imageio"
)

// A Decoding decodes image files into images of one shape. If H and W are equal, each
// image is cropped to the square in its middle and resized; otherwise all must have
// that size.
type Decoding struct {
	Files   []ImageFile
	H, W, C int
	Crop    int       // side in pixels of the square that is cropped; 0 or larger than the image: the largest possible
	Key     [32]byte  // as Packing.Key
	From    string    // path of the folder or zip
	Least   int64     // number of bytes, of files or of pixels, from which the images are packed; usually LeastPacked
	SkipBad bool      // leave out what cannot be read
	Bad     []BadFile // what could not be read before: an error unless SkipBad
}

// LeastPacked is the number of bytes, of files or of pixels, from which it pays to keep
// the decoded images: fewer are read in a second.
const LeastPacked = 16 << 20

// Decoded are the images of a Decoding.
type Decoded struct {
	Items // one for each file, in their order; that of a bad file is black
	// Sum returns the SHA-256 of file i; zero if it is bad.
	Sum   func(i int) [32]byte
	Lazy  bool   // images are decoded on demand: the files must stay open
	Notes []Note // what the files are, and what was done with them
}

// Good reports whether file i was read.
func (d *Decoded) Good(i int) bool { return d.Sum(i) != [32]byte{} }

// FindDecoded returns the images that were packed under the key, if there are n; else
// nil.
func FindDecoded(key [32]byte, n int, opt Options) *Decoded {
	p := FindPacked(key, opt)
	if p == nil || p.Len() != n {
		return nil
	}
	return p.decoded()
}

func (p *Packed) decoded() *Decoded {
	return &Decoded{Items: p, Sum: p.FileSum, Notes: p.notes()}
}

// Images returns the decoded images in the order of the files. Many images are packed
// (Pack). Others are kept in memory, or decoded on demand if they do not fit there. It
// fails with a *BadFilesError if files cannot be read, unless d.SkipBad.
func (d Decoding) Images(ctx context.Context, opt Options) (*Decoded, error) {
	n, size := len(d.Files), d.H*d.W*d.C
	s := &survey{d: d, files: make([]fileFacts, n), bar: d.progress(opt.Progress)}
	defer s.bar.finish()
	fits := FitsInMemory(n, d.Item())
	if d.fileBytes() >= d.Least || !fits || int64(n)*int64(size) >= d.Least {
		p, err := d.pack(ctx, s, opt)
		if err != nil {
			return nil, err
		}
		if p != nil {
			return p.decoded(), nil
		}
	}
	out := &Decoded{Items: d, Lazy: true}
	var pix []uint8
	buffers := sync.Pool{New: func() any { b := make([]uint8, size); return &b }}
	into := func(i int) (dst []uint8, done func()) {
		buf := buffers.Get().(*[]uint8)
		return *buf, func() { buffers.Put(buf) }
	}
	if fits {
		pix = make([]uint8, n*size)
		into = func(i int) ([]uint8, func()) { return pix[i*size : (i+1)*size], func() {} }
	}
	sums := make([][32]byte, n)
	err := Parallel(ctx, n, func(i int) (err error) {
		dst, done := into(i)
		defer done()
		sums[i], err = s.decode(i, dst)
		return err
	})
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return nil, err
	}
	out.Sum, out.Notes = func(i int) [32]byte { return sums[i] }, s.notes()
	if fits {
		out.Lazy = false
		out.Items, err = NewInMemory(pix, n, d.Item())
	}
	return out, err
}

func (d Decoding) pack(ctx context.Context, s *survey, opt Options) (*Packed, error) {
	from := d.From
	if abs, err := filepath.Abs(from); err == nil {
		from = abs
	}
	return Pack(ctx, Packing{
		Key: d.Key, From: from, N: len(d.Files), H: d.H, W: d.W, C: d.C, Decode: s.decode,
		Finish: func() ([]Note, error) { return s.notes(), s.check() },
	}, opt)
}

// Len returns the number of files: a Decoding is Items that are decoded on demand.
func (d Decoding) Len() int { return len(d.Files) }

// Item describes every image.
func (d Decoding) Item() medium.Item { return pixels.Item(d.H, d.W, d.C) }

// At decodes file i; see Items. The error names the file.
func (d Decoding) At(i int, dst []uint8) error {
	if err := checkAt(d, i, dst); err != nil {
		return err
	}
	_, _, err := d.decode(i, dst)
	return err
}

// decode writes image i to dst and returns the SHA-256 of its file and what the file is.
func (d Decoding) decode(i int, dst []uint8) (sum [32]byte, info imageio.Info, err error) {
	f := d.Files[i]
	b, release, err := f.readToDecode()
	if err != nil {
		return sum, info, err
	}
	defer release()
	if d.H == d.W {
		info, err = imageio.DecodeSquare(bytes.NewReader(b), imageio.Limits{}, dst, d.Crop, d.H, d.C)
	} else {
		info, err = d.whole(b, dst)
	}
	if err != nil {
		return sum, info, f.named(err)
	}
	return sha256.Sum256(b), info, nil
}

// whole writes the image in the file b to dst at its own size.
func (d Decoding) whole(b, dst []uint8) (imageio.Info, error) {
	m, info, err := imageio.DecodeWithInfo(bytes.NewReader(b), imageio.Limits{})
	if err != nil {
		return info, err
	}
	if m.H != d.H || m.W != d.W {
		return info, fmt.Errorf("%dx%d, want %dx%d as the first image", m.H, m.W, d.H, d.W)
	}
	copy(dst, m.Channels(d.C).Pix)
	return info, nil
}

// fileBytes returns the size of all files.
func (d Decoding) fileBytes() int64 {
	total := int64(0)
	for _, f := range d.Files {
		total += f.Size
	}
	return total
}

// quiet is the number of bytes of files, some seconds of work, from which the reading
// reports its progress.
const quiet = 16 << 20

// A bar is a Progress that many goroutines may add to; nil reports nothing.
type bar struct {
	mu   sync.Mutex
	p    *Progress
	done int64
}

// progress returns the bar of a long read; nil for a short one.
func (d Decoding) progress(w io.Writer) *bar {
	total := d.fileBytes()
	if w == nil || total < quiet {
		return nil
	}
	return &bar{p: NewProgress(w, "reading images", total)}
}

func (b *bar) add(n int64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done += n
	b.p.Set(b.done)
}

func (b *bar) finish() {
	if b != nil && b.done > 0 {
		b.p.Finish()
	}
}
