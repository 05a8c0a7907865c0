// Package mnist reads IDX files, the format of MNIST, Fashion-MNIST and KMNIST, and has
// the files, digests, mirrors and classes of these three sets.
//
// An IDX file, which may be compressed with gzip, has at each offset this many bytes;
// every number is big-endian:
//
//	0     2    zero
//	2     1    element type: 0x08, unsigned byte, is the only one read
//	3     1    rank r: 1 for labels, 3 for images, 4 for images with channels
//	4     4·r  dimensions, outermost first: N, or N H W, or N H W C
//	4+4r  …    elements, row major
//
// Refused are other types and ranks, more than MaxSize elements, a file that ends early
// and bytes after the last element. http://yann.lecun.com/exdb/mnist.
//
// A set has four files: images and labels of the training part (train) and of the test
// part (t10k). Use Sources and Opener to register the sets, ReadFile to read one file.
// The package must not know any model, and reads no other format.
package mnist

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
)

// Sources returns the three sets, for data.Registry.Register.
func Sources() []data.Source {
	var all []data.Source
	for _, s := range sets {
		all = append(all, data.Source{
			Name:   s.name,
			About:  s.about,
			Load:   s.load,
			Get:    s.get,
			Verify: s.verify,
		})
	}
	return all
}

// load finds or downloads the four files, verifies and reads them.
func (s set) load(ctx context.Context, opt data.Options) (*data.Set, error) {
	out := &data.Set{Name: s.name, Classes: s.classes}
	id := sha256.New()
	for i, part := range []*data.Split{&out.Train, &out.Test} {
		var idx [2]IDX
		var paths [2]string
		for j := range idx {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			f := s.files[2*i+j]
			path, err := s.find(ctx, f, opt)
			if err != nil {
				return nil, err
			}
			x, err := ReadFile(path)
			if err != nil {
				return nil, s.damaged(err)
			}
			digest := x.Digest()
			if f.Unpacked != "" && digest != f.Unpacked {
				return nil, s.damaged(fmt.Errorf("mnist: %s: unpacked SHA-256 %s, want %s of %s; open it as it is by its path, %s",
					path, digest, f.Unpacked, s.name, filepath.Dir(path)))
			}
			if f.Unpacked == "" { // only the packed file can be checked
				if st := s.status(f, path); st.Err != nil {
					return nil, st.Err
				}
			}
			fmt.Fprintln(id, f.Name, digest)
			idx[j], paths[j] = x, path
		}
		p, err := pair(idx[0], idx[1], paths[0], paths[1])
		if err != nil {
			return nil, s.damaged(err)
		}
		*part = p
	}
	out.Digest = fmt.Sprintf("%x", id.Sum(nil))
	return out, nil
}

// damaged returns err, the fault of a file of s, with the remedy.
func (s set) damaged(err error) error {
	return &data.FetchError{Set: s.name, Err: fmt.Errorf("%w; delete the file", err)}
}

// pair returns a split of images and, unless labels is empty, their labels.
func pair(images, labels IDX, imagesPath, labelsPath string) (data.Split, error) {
	n, item, err := images.item()
	if err == nil {
		if bad := item.Check(); bad != nil {
			err = fmt.Errorf("%w: %w", ErrFormat, bad)
		}
	}
	if err != nil {
		return data.Split{}, fmt.Errorf("mnist: %s: %w", imagesPath, err)
	}
	if err := data.CheckItems(n); err != nil {
		return data.Split{}, fmt.Errorf("mnist: %s: %w", imagesPath, err)
	}
	m, err := data.NewInMemory(images.Data, n, item)
	if err != nil {
		return data.Split{}, fmt.Errorf("mnist: %s: %w", imagesPath, err)
	}
	p := data.Split{Items: m}
	if labelsPath == "" {
		return p, nil
	}
	if len(labels.Dims) != 1 {
		return p, fmt.Errorf("mnist: %s: %w: %d dimensions, want 1: these are no labels", labelsPath, ErrFormat, len(labels.Dims))
	}
	if labels.Dims[0] != n {
		return p, fmt.Errorf("mnist: %s has %d images but %s has %d labels: they are not of one set; fetch both again, or move the labels away to go without", imagesPath, n, labelsPath, labels.Dims[0])
	}
	p.Labels = make([]int32, n)
	for i, l := range labels.Data {
		p.Labels[i] = int32(l)
	}
	return p, nil
}

// item returns the number of the images in x, and what describes each.
func (x IDX) item() (n int, item medium.Item, err error) {
	switch len(x.Dims) {
	case 3:
		return x.Dims[0], pixels.Item(x.Dims[1], x.Dims[2], 1), nil
	case 4:
		if c := x.Dims[3]; c < 1 || c > pixels.MaxChannels {
			return 0, item, fmt.Errorf("%w: offset 16: %d channels, want 1 to %d", ErrFormat, c, pixels.MaxChannels)
		}
		return x.Dims[0], pixels.Item(x.Dims[1], x.Dims[2], x.Dims[3]), nil
	}
	return 0, item, fmt.Errorf("%w: offset 3: %d dimension, want 3 or 4: these are no images", ErrFormat, len(x.Dims))
}

// names returns the possible names of a file: compressed, uncompressed, and with the
// dot that stands in the gzip headers of the originals.
func names(name string) []string {
	plain := strings.Replace(strings.TrimSuffix(name, ".gz"), ".idx", "-idx", 1)
	dotted := strings.Replace(plain, "-idx", ".idx", 1)
	return []string{plain + ".gz", plain, dotted + ".gz", dotted}
}
