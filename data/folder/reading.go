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
	path  string
	files *data.Listing
	used  []int // indices of the files that are read
	opt   data.Options
}

var leastPacked int64 = data.LeastPacked // less in tests

// read returns the images used, in their order.
func (r *reading) read(ctx context.Context) (*data.Decoded, error) {
	key, err := r.key()
	if err != nil {
		return nil, err
	}
	if d := data.FindDecoded(key, len(r.used), r.opt); d != nil {
		return d, nil
	}
	d, err := r.decoding(ctx)
	if err != nil {
		return nil, err
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
	fmt.Fprintf(id, "folder %q size %d crop %d gray %v skip bad %v\n", root, r.opt.Size, r.opt.Crop, r.opt.Gray, r.opt.SkipBad)
	next := r.used
	for i, e := range r.files.Files {
		is := len(next) > 0 && next[0] == i
		if is {
			next = next[1:]
		}
		fmt.Fprintf(id, "%q %d %d %v\n", e.Name, e.Size, e.Stamp, is)
	}
	return [32]byte(id.Sum(nil)), nil
}

// decoding returns the images used, not decoded yet. A file whose header cannot be read
// is a fault of the decoding only, so that all bad files are found together.
func (r *reading) decoding(ctx context.Context) (data.Decoding, error) {
	files := r.files.Files
	d := data.Decoding{Crop: r.opt.Crop, From: r.path, Least: leastPacked, SkipBad: r.opt.SkipBad, Bad: r.files.Bad}
	infos := make([]imageio.Info, len(files))
	err := data.Parallel(ctx, len(files), func(i int) error {
		if info, err := files[i].Info(); err == nil {
			infos[i] = info
		}
		return nil
	})
	if err != nil {
		return d, err
	}
	if d.H, d.W, d.C, err = shape(files, infos, r.opt); err != nil {
		return d, err
	}
	for _, i := range r.used {
		d.Files = append(d.Files, files[i])
	}
	return d, nil
}
