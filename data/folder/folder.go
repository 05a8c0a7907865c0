// Package folder reads any folder or zip file of PNG and JPEG images as a set.
//
// Every file below it named .png, .jpg, .jpeg, .jpe or .jfif is an image. Its format is
// recognised by its content: a PNG named .jpg is read, a text named .png is an error.
// Other files, hidden files and __MACOSX are left out, and links to directories
// are not followed. Images are taken in the order of their paths.
//
// If all images lie in one directory of the folder, that directory is read. Then:
//
//   - train/ and test/ (or training, testing; or val, valid, validation for want
//     of a test) with nothing beside them are the two parts; a val beside a test
//     is left out. Otherwise data.HoldOut divides the images, by their paths;
//   - two or more sub-folders, with no image beside them, are classes: labels
//     count from 0 in the order of their names as strings, as torchvision's
//     ImageFolder has it. Otherwise the set is unlabelled.
//
// The images have three channels if one of them has colour. All must have one size,
// unless Options.Size or Crop is set: then they are cropped to the middle square and
// resized. Images are decoded once, when a set is opened for the first time, and their
// pixels are kept in the cache (data.Pack): decoding during training would take the
// same processors as long, and a bad image is found before a long run begins. A small
// set is decoded each time. Without a cache, a set of at most data.MaxInMemory bytes is
// held in memory, and images of a larger one are decoded on demand.
//
// A zip is never unpacked to disk, and no path in it is used as a path of this machine.
// The package must not know any named set. Register its Opener last, or call Open.
package folder

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"slices"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/formats/imageio"
	"github.com/imago-ml/imago/internal/option"
)

// Opener returns the opener of folders and zip files. It accepts every folder: register
// it after the openers of particular layouts.
func Opener() data.Opener {
	return data.Opener{
		Name: "folder",
		Match: func(_ string, info fs.FileInfo, head []byte) bool {
			return info.IsDir() || bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06"))
		},
		Open:  Open,
		Crops: true,
	}
}

// Open reads the images below path, a folder or a zip file. An error about an image
// names the image. A zip file stays open if its images are decoded on demand.
func Open(ctx context.Context, path string, opt data.Options) (*data.Set, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	entries, others, file, err := data.ListImages(path)
	if err != nil {
		return nil, fmt.Errorf("folder: %w", err)
	}
	keep := false // file is still to be read from
	defer func() {
		if !keep {
			file.Close()
		}
	}()
	if len(entries) == 0 {
		return nil, fmt.Errorf("folder: %s: no PNG or JPEG image in it%s; want files named .png, .jpg or .jpeg", path, others)
	}
	l := arrange(entries, opt)
	used := slices.Sorted(slices.Values(slices.Concat(l.train, l.test)))
	r := reading{path: path, entries: entries, used: used, opt: opt}
	images, sums, lazy, err := r.read(ctx)
	if err != nil {
		return nil, fmt.Errorf("folder: %s: %w", path, err)
	}
	keep = lazy
	set := &data.Set{Name: path, Classes: l.classes}
	id := sha256.New()
	fmt.Fprintf(id, "images %v\n", images.Item())
	for _, p := range []struct {
		name  string
		split *data.Split
		index []int // of entries
	}{{"train", &set.Train, l.train}, {"test", &set.Test, l.test}} {
		at := make([]int, len(p.index)) // of images
		for j, i := range p.index {
			at[j], _ = slices.BinarySearch(used, i)
			sum := sums(at[j])
			fmt.Fprintf(id, "%s %q %d %x\n", p.name, l.names[i], entries[i].Size, sum[:])
			if l.labels != nil {
				p.split.Labels = append(p.split.Labels, l.labels[i])
			}
		}
		if p.split.Items, err = data.Subset(images, at); err != nil {
			return nil, err
		}
	}
	set.Digest = fmt.Sprintf("%x", id.Sum(nil))
	return set, nil
}

// shape returns the shape that the images of the set will have.
func shape(entries []data.ImageFile, infos []imageio.Info, opt data.Options) (h, w, c int, err error) {
	c = 1
	for _, in := range infos {
		c = max(c, in.C)
	}
	if opt.Gray {
		c = 1
	}
	if side := opt.Side(); side > 0 {
		return side, side, c, nil
	}
	h, w = infos[0].H, infos[0].W
	if i := slices.IndexFunc(infos, func(in imageio.Info) bool { return in.H != h || in.W != w }); i >= 0 {
		return 0, 0, 0, option.Errorf("%s is %dx%d but %s is %dx%d (rows x columns), and a set has one size: give one with {Size} 64",
			entries[0].Name, h, w, entries[i].Name, infos[i].H, infos[i].W)
	}
	return h, w, c, nil
}
