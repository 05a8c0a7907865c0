// Package npz reads data sets from NumPy's files.
//
// Open reads a set; its comment lists the names of the arrays that it looks for. The
// package must not know any named set. Arrays are read by package formats/numpy.
package npz

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/numpy"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/internal/option"
)

// Opener returns the opener of NPZ and NPY files. Register it before data/folder, which
// accepts every zip file.
func Opener() data.Opener {
	return data.Opener{Name: "NPZ", Match: match, Open: Open}
}

func match(path string, info fs.FileInfo, head []byte) bool {
	if info.IsDir() {
		return false
	}
	if bytes.HasPrefix(head, []byte(numpy.Magic)) {
		return true
	}
	if !bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		return false
	}
	if strings.HasSuffix(strings.ToLower(path), ".npz") {
		return true
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	r, err := numpy.NewReader(f, info.Size())
	return err == nil && len(r.Names()) > 0
}

// The names, in small letters, under which arrays are looked for, in order.
var (
	trainImageNames = []string{"x_train", "train_images", "images_train", "train_x", "images", "x", "imgs", "data", "arr_0"}
	trainLabelNames = []string{"y_train", "train_labels", "labels_train", "train_y", "labels", "y", "label", "targets", "arr_1"}
	testImageNames  = []string{"x_test", "test_images", "images_test", "test_x"}
	testLabelNames  = []string{"y_test", "test_labels", "labels_test", "test_y"}
)

// Open reads a data set from an NPZ file, or images from an NPY file.
//
// In an NPZ file the images are the first array with one of these names, in upper or
// lower case: x_train, train_images, images_train, train_x, images, x, imgs, data,
// arr_0; or the only array. The labels are the first of y_train, train_labels,
// labels_train, train_y, labels, y, label, targets, arr_1. The test part is x_test,
// test_images, images_test, test_x, with labels y_test, test_labels, labels_test,
// test_y. Without a test part some of the images are held out (data.HoldOut).
//
// Images are (N, H, W); (N, H, W, C) or (N, C, H, W) with C from 1 to 64, where C is the
// axis of length 1 or 3, the last one preferred, else the shorter of the two; (N, D) as
// opt.Pixels says; or (N, D) with D a square number from 64 on, of side √D, if neighbours
// in the square are alike as those in pictures are (see looksLikeImages), or if opt.As
// says so. Their scale is found by data.FindScale. Labels are texts, truth values or
// numbers, (N) or (N, 1); their distinct values are the classes (data.Classes), and {Label}
// - takes none.
//
// Every other (N, D), and every array if opt.As says so, is a table of numbers
// (table.Tabulate) with columns named 1 to D. If opt.Medium is given, it decides. The
// notes of the set say what was taken for what.
func Open(ctx context.Context, path string, opt data.Options) (*data.Set, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("npz: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("npz: %w", err)
	}
	set, err := read(ctx, f, info.Size(), opt)
	if err != nil {
		return nil, fmt.Errorf("npz: %s: %w", path, err)
	}
	set.Name = path
	return set, nil
}

// A file is what Open needs of its file: os.File or, in tests, bytes.Reader.
type file interface {
	io.Reader
	io.ReaderAt
}

func read(ctx context.Context, f file, size int64, opt data.Options) (*data.Set, error) {
	var head [len(numpy.Magic)]byte
	if _, err := f.ReadAt(head[:], 0); err == nil && string(head[:]) == numpy.Magic {
		t, err := numpy.ReadNPY(f)
		if err != nil {
			return nil, err
		}
		return makeSet(ctx, [2]arrays{{images: t, imagesName: "the array"}}, opt)
	}
	r, err := numpy.NewReader(f, size)
	if err != nil {
		return nil, err
	}
	var parts [2]arrays
	for i, names := range [2][2][]string{{trainImageNames, trainLabelNames}, {testImageNames, testLabelNames}} {
		name := find(r, names[0])
		if all := r.Names(); name == "" && i == 0 && len(all) == 1 {
			name = all[0]
		}
		if name == "" {
			if i == 0 {
				return nil, fmt.Errorf("no array of images among %s; name it x_train or images", strings.Join(r.Names(), ", "))
			}
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p := &parts[i]
		p.imagesName, p.labelsName = name, find(r, names[1])
		if p.images, err = r.Read(name); err != nil {
			return nil, err
		}
		if p.labelsName == "" || opt.Label == "-" {
			continue
		}
		if err := p.readLabels(r); err != nil {
			return nil, err
		}
	}
	return makeSet(ctx, parts, opt)
}

// find returns the first array that has one of the names, or "".
func find(r *numpy.Reader, names []string) string {
	for _, want := range names {
		for _, have := range r.Names() {
			if strings.ToLower(have) == want {
				return have
			}
		}
	}
	return ""
}

// An arrays holds the arrays of one part; images is nil if the part is missing.
type arrays struct {
	images                 *tensor.Tensor
	labels                 []string // of each item; nil = there are none
	imagesName, labelsName string
}

// readLabels reads the labels of the part, as texts.
func (p *arrays) readLabels(r *numpy.Reader) error {
	text, s, err := r.ReadText(p.labelsName)
	switch {
	case err != nil:
		return err
	case len(s) == 2 && s[1] > 1:
		return fmt.Errorf("%s: shape %v is no shape of labels; want (N) or (N, 1): of scores of each class, write the best, as with .argmax(axis=1)", p.labelsName, s)
	case len(s) != 1 && len(s) != 2:
		return fmt.Errorf("%s: shape %v is no shape of labels; want (N) or (N, 1)", p.labelsName, s)
	}
	if n := p.images.Shape(); len(n) > 0 && len(text) != n[0] {
		return fmt.Errorf("%d items in %s but %d labels in %s: write the file again with one label an item, or without labels", n[0], p.imagesName, len(text), p.labelsName)
	}
	for i, l := range text {
		if l == "" || strings.EqualFold(l, "nan") {
			return fmt.Errorf("%s: label %d is missing: fill it in, or leave the item out", p.labelsName, i)
		}
	}
	p.labels = text
	return nil
}

// classes returns the classes of both parts, nil if there are no labels, and the number of
// the class of each item. It adds a warning to set if they are hardly classes.
func classes(set *data.Set, parts [2]arrays) (names []string, numbers [2][]int32, err error) {
	names, of := data.Classes(parts[0].labels, parts[1].labels)
	if len(names) > maxClasses {
		return nil, numbers, option.Errorf("%s: more than %d different labels, which are no classes: {Label} - takes none", parts[0].labelsName, maxClasses)
	}
	set.WarnOfLabels(parts[0].labelsName, len(names), len(parts[0].labels)+len(parts[1].labels))
	return names, [2][]int32{of[0], of[1]}, nil
}

func makeSet(ctx context.Context, parts [2]arrays, opt data.Options) (*data.Set, error) {
	set := &data.Set{}
	id := sha256.New()
	for _, p := range parts {
		if p.images == nil || len(p.images.Shape()) == 0 {
			continue
		}
		if err := data.CheckItems(p.images.Shape()[0]); err != nil {
			return nil, fmt.Errorf("%s: %w", p.imagesName, err)
		}
	}
	asTable, notes := isTable(parts, opt)
	if asTable {
		set, err := makeTable(ctx, parts, opt)
		if err == nil {
			set.Notes = append(notes, set.Notes...)
		}
		return set, err
	}
	var all []data.Pixels
	for _, p := range parts {
		if p.images != nil {
			all = append(all, data.Pixels{Name: p.imagesName, Len: p.images.Size(), At: p.number, Place: p.place})
		}
	}
	scale, found, err := data.FindScale(all, opt)
	if err != nil {
		return nil, err
	}
	set.Notes, set.Range = append(notes, found...), scale.Reading()
	names, numbers, err := classes(set, parts)
	if err != nil {
		return nil, err
	}
	for i, split := range []*data.Split{&set.Train, &set.Test} {
		p := parts[i]
		if p.images == nil {
			continue
		}
		m, err := images(p.images, scale, opt)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.imagesName, err)
		}
		split.Items, split.Origins = m, origins(parts, i)
		fmt.Fprintf(id, "%d %dx%v\n", i, m.Len(), m.Item())
		for p := range slices.Chunk(m.Levels(), memory.Piece) {
			id.Write(p)
		}
		if split.Labels = numbers[i]; split.Labels != nil {
			binary.Write(id, binary.LittleEndian, split.Labels) // to a hash: cannot fail
		}
	}
	if set.Classes = names; !slices.Equal(names, count(0, len(names)-1)) {
		fmt.Fprintf(id, "classes %q\n", names)
	}
	if parts[1].images == nil {
		if err := data.Divide(set, opt); err != nil {
			return nil, err
		}
		fmt.Fprintln(id, "held out", set.Test.Len(), opt.Seed)
	}
	set.Digest = fmt.Sprintf("%x", id.Sum(nil))
	return set, nil
}

// count returns the whole numbers from first to last as strings.
func count(first, last int) []string {
	var names []string
	for k := first; k <= last; k++ {
		names = append(names, strconv.Itoa(k))
	}
	return names
}

// number returns element i of the images.
func (p arrays) number(i int) float64 { return value(p.images, i) }

// place returns the name of element i of the images, as NumPy has it: x_train[7,3,3].
func (p arrays) place(i int) string {
	shape := p.images.Shape()
	at := make([]string, len(shape))
	for k := len(shape) - 1; k >= 0; k-- {
		at[k], i = strconv.Itoa(i%shape[k]), i/shape[k]
	}
	return p.imagesName + "[" + strings.Join(at, ",") + "]"
}

// value returns element i of t.
func value(t *tensor.Tensor, i int) float64 {
	switch t.DType() {
	case tensor.Uint8:
		return float64(t.U8()[i])
	case tensor.Int32:
		return float64(t.I32()[i])
	}
	return float64(t.F32()[i])
}

// images returns t as images of that scale.
func images(t *tensor.Tensor, scale data.Scale, opt data.Options) (*data.InMemory, error) {
	s := t.Shape()
	h, w, c, planes := 0, 0, 1, false
	switch {
	case len(s) >= 2 && opt.Pixels != "":
		p, err := opt.PixelShape()
		if err != nil {
			return nil, err
		}
		if h, w, c = p[0], p[1], p[2]; h*w*c != t.Size()/s[0] {
			return nil, option.Errorf("shape %v: %d numbers an item are no images of {Pixels} %s, which has %d", s, t.Size()/s[0], opt.Pixels, h*w*c)
		}
	case len(s) == 2:
		h = int(math.Round(math.Sqrt(float64(s[1]))))
		if w = h; h*w != s[1] {
			return nil, option.Errorf("shape %v: rows of %d numbers are no square images: say their shape, as {Pixels} 28x28x1", s, s[1])
		}
	case len(s) == 3:
		h, w = s[1], s[2]
	case len(s) == 4 && min(s[1], s[3]) <= pixels.MaxChannels:
		h, w, c = s[1], s[2], s[3]
		if planes = channelsFirst(s[1], s[3]); planes {
			c, h, w = s[1], s[2], s[3]
		}
	default:
		return nil, fmt.Errorf("shape %v is no shape of images; want (N, H, W), (N, H, W, C) with C from 1 to %d, or (N, D)", s, pixels.MaxChannels)
	}
	if err := memory.Check(int64(t.Size()), "the levels of images of %v", s); err != nil {
		return nil, err
	}
	pix := make([]uint8, t.Size())
	for i := range pix {
		to := i
		if planes {
			image, rest := i/(h*w*c), i%(h*w*c)
			to = (image*h*w+rest%(h*w))*c + rest/(h*w)
		}
		pix[to] = scale.Level(value(t, i))
	}
	return data.NewInMemory(pix, s[0], pixels.Item(h, w, c))
}

// channelsFirst reports whether the first and not the last axis of an image is that of its
// channels: it is the axis of length 1 or 3, the last one preferred, else the shorter.
func channelsFirst(first, last int) bool {
	usual := func(c int) bool { return c == 1 || c == 3 }
	if usual(first) || usual(last) {
		return !usual(last)
	}
	return first < last
}

// maxClasses bounds the labels: each class has a name in memory.
const maxClasses = 1 << 20
