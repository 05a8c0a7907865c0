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
	Crop    int      // side in pixels of the square that is cropped; 0 or larger than the image: the largest possible
	Key     [32]byte // as Packing.Key
	From    string   // path of the folder or zip
	Least   int64    // number of bytes, of files or of pixels, from which the images are packed; usually LeastPacked
}

// LeastPacked is the number of bytes, of files or of pixels, from which it pays to keep
// the decoded images: fewer are read in a second.
const LeastPacked = 16 << 20

// Images returns the decoded images in the order of the files, and the SHA-256 of each
// file. Many images are packed (Pack). Others are kept in memory, or decoded on demand
// if they do not fit there: then lazy is true, and the files must stay open.
func (d Decoding) Images(ctx context.Context, opt Options) (images Items, sums func(i int) [32]byte, lazy bool, err error) {
	n, size := len(d.Files), d.H*d.W*d.C
	fits := FitsInMemory(n, d.Item())
	if d.fileBytes() >= d.Least || !fits || int64(n)*int64(size) >= d.Least {
		p, err := d.pack(ctx, opt)
		if err != nil {
			return nil, nil, false, err
		}
		if p != nil {
			return p, p.FileSum, false, nil
		}
	}
	all := make([][32]byte, n)
	sums = func(i int) [32]byte { return all[i] }
	bar := d.progress(opt.Progress)
	defer bar.finish()
	if !fits { // the digest is that of the files all the same
		return d, sums, true, Parallel(ctx, n, func(i int) error {
			b, err := d.Files[i].Read()
			all[i] = sha256.Sum256(b)
			bar.add(d.Files[i].Size)
			return err
		})
	}
	pix := make([]uint8, n*size)
	err = Parallel(ctx, n, func(i int) (err error) {
		all[i], err = d.decode(i, pix[i*size:(i+1)*size])
		bar.add(d.Files[i].Size)
		return err
	})
	if err != nil {
		return nil, nil, false, err
	}
	images, err = NewInMemory(pix, n, d.Item())
	return images, sums, false, err
}

func (d Decoding) pack(ctx context.Context, opt Options) (*Packed, error) {
	from := d.From
	if abs, err := filepath.Abs(from); err == nil {
		from = abs
	}
	bar := d.progress(opt.Progress)
	defer bar.finish()
	return Pack(ctx, Packing{
		Key: d.Key, From: from, N: len(d.Files), H: d.H, W: d.W, C: d.C,
		Decode: func(i int, dst []uint8) ([32]byte, error) {
			defer bar.add(d.Files[i].Size)
			return d.decode(i, dst)
		},
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
	_, err := d.decode(i, dst)
	return err
}

// decode writes image i to dst and returns the SHA-256 of its file.
func (d Decoding) decode(i int, dst []uint8) (sum [32]byte, err error) {
	f := d.Files[i]
	b, err := f.Read()
	if err != nil {
		return sum, err
	}
	if d.H == d.W {
		err = imageio.DecodeSquare(bytes.NewReader(b), imageio.Limits{}, dst, d.Crop, d.H, d.C)
	} else {
		err = d.whole(b, dst)
	}
	if err != nil {
		return sum, f.named(err)
	}
	return sha256.Sum256(b), nil
}

// whole writes the image in the file b to dst at its own size.
func (d Decoding) whole(b, dst []uint8) error {
	m, err := imageio.Decode(bytes.NewReader(b), imageio.Limits{})
	if err != nil {
		return err
	}
	if m.H != d.H || m.W != d.W {
		return fmt.Errorf("%dx%d, want %dx%d as the first image", m.H, m.W, d.H, d.W)
	}
	copy(dst, m.Channels(d.C).Pix)
	return nil
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
