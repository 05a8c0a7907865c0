package folder

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/formats/imageio"
)

// A reading reads the images of a set from their files.
type reading struct {
	path    string
	entries []data.ImageFile
	used    []int // indices of the entries that are read
	opt     data.Options
}

var leastPacked int64 = data.LeastPacked // less in tests

// read returns the images used, in their order, and the SHA-256 of each file. If lazy
// is true, images are decoded on demand and the files must stay open.
func (r *reading) read(ctx context.Context) (images data.Items, sums func(i int) [32]byte, lazy bool, err error) {
	key, err := r.key()
	if err != nil {
		return nil, nil, false, err
	}
	if p := data.FindPacked(key, r.opt); p != nil && p.Len() == len(r.used) {
		return p, p.FileSum, false, nil
	}
	d, err := r.decoding(ctx)
	if err != nil {
		return nil, nil, false, err
	}
	d.Key = key
	return d.Images(ctx, r.opt)
}

// key returns the hash of everything that the pixels depend on: name, size and time of
// every file, which of them are used, and how they are cropped and resized. The path of
// a folder is part of it, so that another folder with equal names, sizes and times has
// another key.
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
	fmt.Fprintf(id, "folder %q size %d crop %d gray %v\n", root, r.opt.Size, r.opt.Crop, r.opt.Gray)
	next := r.used
	for i, e := range r.entries {
		is := len(next) > 0 && next[0] == i
		if is {
			next = next[1:]
		}
		fmt.Fprintf(id, "%q %d %d %v\n", e.Name, e.Size, e.Stamp, is)
	}
	return [32]byte(id.Sum(nil)), nil
}

// decoding returns the images used, not decoded yet.
func (r *reading) decoding(ctx context.Context) (data.Decoding, error) {
	d := data.Decoding{Crop: r.opt.Crop, From: r.path, Least: leastPacked}
	infos := make([]imageio.Info, len(r.entries))
	err := data.Parallel(ctx, len(r.entries), func(i int) (err error) {
		infos[i], err = r.entries[i].Info()
		return err
	})
	if err != nil {
		return d, err
	}
	if d.H, d.W, d.C, err = shape(r.entries, infos, r.opt); err != nil {
		return d, err
	}
	for _, i := range r.used {
		d.Files = append(d.Files, r.entries[i])
	}
	return d, nil
}
