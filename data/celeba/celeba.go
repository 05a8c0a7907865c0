// Package celeba reads CelebA, 202,599 photographs of faces with 40 attributes each, in
// the layout in which its authors publish it, and every set of the same layout, such as
// a part of CelebA:
//
//   - img_align_celeba.zip, or the folder img_align_celeba that it unpacks to: the
//     aligned images, 178 columns by 218 rows;
//   - list_attr_celeba.txt, or a zip of it: the number of images, the names of the
//     attributes, and for each image its name and −1 or 1 for each attribute;
//   - list_eval_partition.txt, or a zip of it: for each image its name and its part, 0
//     train, 1 validation, 2 test.
//
// The files are searched where those of every set are (data.Locate), and there also in
// the folders Img, Anno and Eval of the authors' download. Lines may end in CRLF. The lists
// may be the .csv files of Kaggle's archive, with commas and a header, and its pictures lie
// a folder deeper.
//
// The set has the images of list_eval_partition.txt in its order. Each must have a row
// of attributes and a picture. Part 2 is the test split. The validation part is left
// out, and pictures that the list does not contain are reported and left out. Each
// picture is cropped to the middle 148×148 pixels, as in most papers on the set, and
// resized to 64×64; Options.Crop and Options.Size change that. Decoded pictures are
// kept in the cache (data.Pack).
//
// Liu, Luo, Wang, Tang, Deep Learning Face Attributes in the Wild, ICCV 2015. The
// authors allow non-commercial research and forbid redistribution. Therefore nothing is
// downloaded: Get reports where the files can be obtained. The package must not know
// any model.
package celeba

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"

	"github.com/imago-ml/imago/data"
)

// Name is the name of the set.
const Name = "celeba"

// The defaults of Options.Crop and Options.Size.
const (
	Crop = 148
	Size = 64
)

// Source returns the set as data.Registry takes it.
func Source() data.Source {
	return data.Source{
		Name:  Name,
		About: "faces, 202,599 photographs of 64x64 in colour, 40 attributes (Liu, Luo, Wang, Tang 2015); bring your own files",
		Load: func(ctx context.Context, opt data.Options) (*data.Set, error) {
			f, err := find(data.Locate(Name, opt))
			if err != nil {
				return nil, err
			}
			return f.load(ctx, Name, opt)
		},
		Crops:  true,
		Home:   home,
		Find:   present,
		Get:    get,
		Verify: verify,
	}
}

// Opener returns the opener of folders of that layout. Register it before data/folder,
// which accepts every folder.
func Opener() data.Opener {
	return data.Opener{
		Name: "CelebA",
		Match: func(path string, info fs.FileInfo, _ []byte) bool {
			_, ok := data.Find([]string{path}, attrNames...)
			return info.IsDir() && ok
		},
		Open: func(ctx context.Context, path string, opt data.Options) (*data.Set, error) {
			f, err := find([]string{path})
			if err != nil {
				return nil, err
			}
			return f.load(ctx, path, opt)
		},
		Crops: true,
	}
}

// load reads the set from the files under a name.
func (f files) load(ctx context.Context, name string, opt data.Options) (*data.Set, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	if opt.Crop == 0 {
		opt.Crop = Crop
	}
	if opt.Size == 0 {
		opt.Size = Size
	}
	l, err := f.lists()
	if err != nil {
		return nil, err
	}
	all, err := data.ListImages(f.images)
	if err != nil {
		return nil, fmt.Errorf("celeba: %w", err)
	}
	keep := false // the pictures are still to be read from
	defer func() {
		if !keep {
			all.Close()
		}
	}()
	pictures, extra, err := l.match(all.Files, f)
	if err != nil {
		return nil, err
	}
	d := data.Decoding{H: opt.Size, W: opt.Size, C: 3, Crop: opt.Crop, From: f.images, Least: data.LeastPacked, SkipBad: opt.SkipBad}
	if opt.Gray {
		d.C = 1
	}
	var used []int // of the roster
	for i, part := range l.parts {
		if part != partValidation {
			used = append(used, i)
			d.Files = append(d.Files, pictures[i])
		}
	}
	if !slices.Contains(l.parts, partTrain) {
		return nil, fmt.Errorf("celeba: %s lists no image of part 0, the training part", f.partition)
	}
	if d.Key, err = key(d); err != nil {
		return nil, err
	}
	images := data.FindDecoded(d.Key, len(d.Files), opt)
	if images == nil {
		if images, err = d.Images(ctx, opt); err != nil {
			return nil, fmt.Errorf("celeba: %s: %w", f.images, err)
		}
	}
	keep = images.Lazy
	set, err := l.set(name, images, used, d)
	if err == nil && extra.n > 0 {
		set.Warn("left out: %v in %s, which %s does not list", extra, f.images, f.partition)
	}
	return set, err
}

// key returns the hash of everything that the pixels depend on: name, size and time of
// the pictures used, and how they are cropped and resized.
func key(d data.Decoding) ([32]byte, error) {
	from, err := filepath.Abs(d.From)
	if err != nil {
		return [32]byte{}, fmt.Errorf("celeba: %w", err)
	}
	id := sha256.New()
	id.Write(data.PackKey())
	fmt.Fprintf(id, "celeba %q %dx%dx%d crop %d skip bad %v\n", from, d.H, d.W, d.C, d.Crop, d.SkipBad)
	for _, p := range d.Files {
		fmt.Fprintf(id, "%q %d %d\n", p.Name, p.Size, p.Stamp)
	}
	return [32]byte(id.Sum(nil)), nil
}

// set returns the set of the images used, given by their indices in the roster, without
// those that could not be read.
func (l lists) set(name string, images *data.Decoded, used []int, d data.Decoding) (*data.Set, error) {
	set := &data.Set{Name: name, Attributes: l.attributes.names, Notes: images.Notes}
	id := sha256.New()
	fmt.Fprintf(id, "celeba %dx%dx%d crop %d %q\n", d.H, d.W, d.C, d.Crop, l.attributes.names)
	var at [numParts][]int // of images
	for j, i := range used {
		if !images.Good(j) {
			continue
		}
		sum, part := images.Sum(j), l.parts[i]
		values := l.attributes.lookup(l.names[i])
		fmt.Fprintf(id, "%d %q %x %v\n", part, l.names[i], sum[:], values)
		at[part] = append(at[part], j)
		split := &set.Train
		if part == partTest {
			split = &set.Test
		}
		split.Attributes = append(split.Attributes, values...)
		split.Origins.Files = append(split.Origins.Files, l.names[i])
		split.Origins.Alone = true
	}
	set.Digest = fmt.Sprintf("%x", id.Sum(nil))
	for part, split := range map[int]*data.Split{partTrain: &set.Train, partTest: &set.Test} {
		var err error
		if split.Items, err = data.Subset(images.Items, at[part]); err != nil {
			return nil, fmt.Errorf("celeba: %w", err)
		}
	}
	return set, nil
}

// match returns the picture of each image of the roster, and the pictures that it does
// not list.
func (l lists) match(all []data.ImageFile, f files) (pictures []data.ImageFile, extra missing, err error) {
	index := make(map[string]int, len(all))
	for i, p := range all {
		name := path.Base(p.Name)
		if j, twice := index[name]; twice {
			return nil, extra, fmt.Errorf("celeba: %s holds both %s and %s: leave one", f.images, all[j].Name, p.Name)
		}
		index[name] = i
	}
	out := make([]data.ImageFile, len(l.names))
	var absent missing
	for i, name := range l.names {
		j, ok := index[name]
		if !ok {
			absent.add(name)
			continue
		}
		out[i] = all[j]
		delete(index, name)
	}
	if absent.n > 0 {
		return nil, extra, fmt.Errorf("celeba: %s lists %v, which %s lacks: get the pictures again from where they came, or take such rows out of the list",
			f.partition, absent, f.images)
	}
	for _, p := range all {
		if _, left := index[path.Base(p.Name)]; left {
			extra.add(p.Name)
		}
	}
	return out, extra, nil
}

// missing counts absent images and keeps the first name, for an error message.
type missing struct {
	n     int
	first string
}

func (m *missing) add(name string) {
	if m.n == 0 {
		m.first = name
	}
	m.n++
}

func (m missing) String() string {
	if m.n == 1 {
		return m.first
	}
	return fmt.Sprintf("%s and %d more", m.first, m.n-1)
}

// lists holds both lists of the set, checked against each other.
type lists struct {
	roster
	attributes *attributes
}

// lists reads both lists.
func (f files) lists() (lists, error) {
	var l lists
	var err error
	if l.roster, err = read(f.partition, readRoster); err != nil {
		return l, err
	}
	if l.attributes, err = read(f.attributes, readAttributes); err != nil {
		return l, err
	}
	var absent missing
	for _, name := range l.names {
		if l.attributes.lookup(name) == nil {
			absent.add(name)
		}
	}
	if absent.n > 0 {
		return l, fmt.Errorf("celeba: %s has no row for %v, which %s lists: get the list again from where it came, or take such rows out of the other",
			f.attributes, absent, f.partition)
	}
	return l, nil
}
