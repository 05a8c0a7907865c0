package folder

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/imageio"
)

// A reading is the images of a set on their way from their files.
type reading struct {
	path    string
	entries []entry
	used    []int // indices of the entries that are read
	opt     data.Options
	lazy    bool // the files are to be read from later too
}

// leastKept is how many bytes of files, or of pixels, are worth keeping decoded:
// less is read in a second.
var leastKept int64 = 16 << 20

// read is the images used, in their order, and the SHA-256 of the file of each.
func (r *reading) read(ctx context.Context) (images data.Images, sums func(i int) [32]byte, err error) {
	key, err := r.key()
	if err != nil {
		return nil, nil, err
	}
	if p := data.FindPacked(key, r.opt); p != nil && p.Len() == len(r.used) {
		return p, p.FileSum, nil
	}
	o, err := r.onDemand(ctx)
	if err != nil {
		return nil, nil, err
	}
	n, size := len(r.used), o.h*o.w*o.c
	from := r.path
	if abs, err := filepath.Abs(from); err == nil {
		from = abs
	}
	inMemory := data.FitsInMemory(n, o.h, o.w, o.c)
	if files := o.bytes(); files >= leastKept || !inMemory || int64(n)*int64(size) >= leastKept {
		bar := o.progress(r.opt.Progress)
		p, err := data.Pack(ctx, data.Packing{
			Key: key, From: from, N: n, H: o.h, W: o.w, C: o.c,
			Decode: func(i int, dst []uint8) ([32]byte, error) {
				defer bar.add(o.entries[i].size)
				return o.decode(i, dst)
			},
		}, r.opt)
		bar.finish()
		if err != nil {
			return nil, nil, err
		}
		if p != nil {
			return p, p.FileSum, nil
		}
	}
	all := make([][32]byte, n)
	sums = func(i int) [32]byte { return all[i] }
	bar := o.progress(r.opt.Progress)
	defer bar.finish()
	if !inMemory { // the digest is that of the files all the same
		r.lazy = true
		return o, sums, data.Parallel(ctx, n, func(i int) error {
			b, err := o.entries[i].read()
			all[i] = sha256.Sum256(b)
			bar.add(o.entries[i].size)
			return err
		})
	}
	pix := make([]uint8, n*size)
	err = data.Parallel(ctx, n, func(i int) (err error) {
		all[i], err = o.decode(i, pix[i*size:(i+1)*size])
		bar.add(o.entries[i].size)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	images, err = data.NewInMemory(pix, n, o.h, o.w, o.c)
	return images, sums, err
}

// key is what the pixels depend on: every file, as far as is known without opening
// it, which of them are used, and what is made of them. A folder is known by its
// path besides, so that another with the same names, sizes and times is another.
func (r *reading) key() ([32]byte, error) {
	id := sha256.New()
	id.Write(data.PackKey())
	root := ""
	info, err := os.Stat(r.path)
	if err == nil && info.IsDir() {
		root, err = filepath.Abs(r.path)
	}
	if err != nil {
		return [32]byte{}, err
	}
	fmt.Fprintf(id, "folder %q size %d gray %v\n", root, r.opt.Size, r.opt.Gray)
	next := r.used
	for i, e := range r.entries {
		is := len(next) > 0 && next[0] == i
		if is {
			next = next[1:]
		}
		fmt.Fprintf(id, "%q %d %d %v\n", e.name, e.size, e.stamp, is)
	}
	return [32]byte(id.Sum(nil)), nil
}

// onDemand is the images used, none of them decoded yet.
func (r *reading) onDemand(ctx context.Context) (*onDemand, error) {
	infos := make([]imageio.Info, len(r.entries))
	err := data.Parallel(ctx, len(r.entries), func(i int) (err error) {
		infos[i], err = r.entries[i].info()
		return err
	})
	if err != nil {
		return nil, err
	}
	o := &onDemand{}
	if o.h, o.w, o.c, err = shape(r.entries, infos, r.opt); err != nil {
		return nil, err
	}
	for _, i := range r.used {
		o.entries = append(o.entries, r.entries[i])
	}
	return o, nil
}
