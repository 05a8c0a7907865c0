// Package folder reads any folder or zip file of images as a set: PNG, JPEG, WebP, GIF,
// BMP and TIFF.
//
// Every file below it whose name has the extension of such a format is an image, and so
// is a file without an extension whose first bytes are those of one. The format is
// recognised by the content: a PNG named .jpg is read, a text named .png is an error.
// Links are followed (data.ListImages). Other files are left out, and the set has a note
// that says so. Images are taken in the order of their paths.
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
// Where folders look like parts or classes and are none, a note says why.
//
// The images have three channels if one of them has colour. All must have one size,
// unless Options.Size or Crop is set: then they are cropped to the middle square and
// resized. Images are decoded once, when a set is opened for the first time, and their
// pixels are kept in the cache (data.Pack): decoding during training would take the
// same processors as long, and a bad image is found before a long run begins. A small
// set is decoded each time. Without a cache, a set of at most data.MaxInMemory bytes is
// held in memory, and images of a larger one are decoded on demand. Files that cannot be
// read are one error that lists them, or left out by Options.SkipBad.
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
	"strings"

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
		Look:  look,
		Crops: true,
	}
}

// Open reads the images below path, a folder or a zip file. An error about an image
// names the image. A zip file stays open if its images are decoded on demand.
func Open(ctx context.Context, path string, opt data.Options) (*data.Set, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	files, err := data.ListImages(path)
	if err != nil {
		return nil, fmt.Errorf("folder: %w", err)
	}
	keep := false // files are still to be read from
	defer func() {
		if !keep {
			files.Close()
		}
	}()
	if len(files.Files) == 0 {
		return nil, noImages(path, files)
	}
	l := Arrange(files.Files, "image", opt)
	used := slices.Sorted(slices.Values(slices.Concat(l.Train, l.Test)))
	r := reading{path: path, files: files, used: used, opt: opt}
	images, err := r.read(ctx)
	if err != nil {
		return nil, fmt.Errorf("folder: %s: %w", path, err)
	}
	keep = images.Lazy
	good := func(i int) bool {
		at, found := slices.BinarySearch(used, i)
		return !found || images.Good(at)
	}
	l.Keep(good)
	if len(l.Train) == 0 {
		return nil, fmt.Errorf("folder: %s: no image of the training part can be read", path)
	}
	set := &data.Set{Name: path, Classes: l.Classes}
	id := sha256.New()
	fmt.Fprintf(id, "images %v\n", images.Item())
	for _, p := range []struct {
		name  string
		split *data.Split
		index []int // of entries
	}{{"train", &set.Train, l.Train}, {"test", &set.Test, l.Test}} {
		at := make([]int, len(p.index)) // of images
		for j, i := range p.index {
			at[j], _ = slices.BinarySearch(used, i)
			sum := images.Sum(at[j])
			fmt.Fprintf(id, "%s %q %d %x\n", p.name, l.Names[i], files.Files[i].Size, sum[:])
			if l.Labels != nil {
				p.split.Labels = append(p.split.Labels, l.Labels[i])
			}
			p.split.Origins.Files = append(p.split.Origins.Files, strings.ToValidUTF8(files.Files[i].Name, "\ufffd"))
		}
		p.split.Origins.Alone = true
		if p.split.Items, err = data.Subset(images.Items, at); err != nil {
			return nil, err
		}
	}
	set.Digest = fmt.Sprintf("%x", id.Sum(nil))
	sum := func(i int) [32]byte {
		at, _ := slices.BinarySearch(used, i)
		return images.Sum(at)
	}
	l.Note(set, files, images.Notes, sum)
	return set, nil
}

// noImages returns the error for a folder or zip without an image that is read.
func noImages(path string, files *data.Listing) error {
	if len(files.Bad) > 0 {
		return fmt.Errorf("folder: %s: %w", path, files.Bad[0].Err)
	}
	but := ""
	if left, _ := files.LeftOutText(); left != "" {
		but = ", but " + left
	}
	return fmt.Errorf("folder: %s: no image in it that is read%s; want PNG, JPEG, WebP, GIF, BMP or TIFF files", path, but)
}

// shape returns the shape that the images of the set will have, given the headers of the
// files; the zero Info is that of a bad file.
func shape(entries []data.ImageFile, infos []imageio.Info, opt data.Options) (h, w, c int, err error) {
	c, first := 1, -1
	for i, in := range infos {
		if c = max(c, in.C); first < 0 && in.H > 0 {
			first = i
		}
	}
	if opt.Gray {
		c = 1
	}
	if side := opt.Side(); side > 0 {
		return side, side, c, nil
	}
	if first < 0 {
		return 1, 1, c, nil // there is no image: the bad files are the error
	}
	h, w = infos[first].H, infos[first].W
	if i := slices.IndexFunc(infos, func(in imageio.Info) bool { return in.H > 0 && (in.H != h || in.W != w) }); i >= 0 {
		return 0, 0, 0, option.Errorf("%s is %dx%d but %s is %dx%d (rows x columns), and a set has one size: give one with {Size} 64",
			entries[first].Name, h, w, entries[i].Name, infos[i].H, infos[i].W)
	}
	return h, w, c, nil
}
