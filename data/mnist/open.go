package mnist

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/memory"
)

// Opener returns the opener of IDX files of images, with the labels beside them if
// there are any, and of directories with a training and a test part.
func Opener() data.Opener {
	return data.Opener{Name: "IDX", Match: match, Open: Open}
}

// partName matches the name of a file of images: the part of the set, then "images".
var partName = regexp.MustCompile(`^(.*?)(train|t10k|test)[-_.]images[-_.]idx[34]-ubyte(\.gz)?$`)

func match(path string, info fs.FileInfo, head []byte) bool {
	if info.IsDir() {
		train, test, err := parts(path)
		return err != nil || train != "" || test != ""
	}
	start := []byte{0, 0, ubyte}
	if !bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
		return bytes.HasPrefix(head, start)
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		return false
	}
	var got [3]byte
	_, err = io.ReadFull(zr, got[:])
	return err == nil && bytes.Equal(got[:], start)
}

// parts returns the files of training and test images in a directory.
func parts(dir string) (train, test string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", "", err
	}
	for _, e := range entries {
		m := partName.FindStringSubmatch(e.Name())
		if m == nil || e.IsDir() {
			continue
		}
		at := &test
		if m[2] == "train" {
			at = &train
		}
		if old := filepath.Base(*at); *at != "" && names(old)[0] != names(e.Name())[0] {
			return "", "", fmt.Errorf("mnist: %s holds both %s and %s; name one of the files", dir, old, e.Name())
		}
		*at = filepath.Join(dir, e.Name())
	}
	return train, test, nil
}

// labelsOf returns the file of labels beside a file of images, or "".
func labelsOf(images string) string {
	base := filepath.Base(images)
	i := strings.LastIndex(base, "images")
	if i < 0 {
		return ""
	}
	base = base[:i] + "labels" + strings.NewReplacer("idx3", "idx1", "idx4", "idx1").Replace(base[i+len("images"):])
	path, _ := data.Find([]string{filepath.Dir(images)}, append([]string{base}, names(base)...)...)
	return path
}

// Open reads the set at path: a directory with train-images… and, for the test
// part, t10k-images… or test-images…; or one file of images. If there is only
// one part, some of its images are held out (data.HoldOut). Labels are read from
// the file beside the images whose name has "labels" for "images".
func Open(ctx context.Context, path string, opt data.Options) (*data.Set, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("mnist: %w", err)
	}
	train, test := path, ""
	if info.IsDir() {
		if train, test, err = parts(path); err != nil {
			return nil, err
		}
		if train == "" { // the only part there is, such as KMNIST's test part
			train, test = test, ""
		}
		if train == "" {
			return nil, fmt.Errorf("mnist: %s: no train-images-idx3-ubyte or train-images-idx3-ubyte.gz in this folder", path)
		}
	}
	out := &data.Set{Name: path}
	id := sha256.New()
	if out.Train, err = openPair(ctx, train, id, opt); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if test != "" {
		if out.Test, err = openPair(ctx, test, id, opt); err != nil {
			return nil, err
		}
		out.Train.Origins, out.Test.Origins = origins(train, out.Train.Len()), origins(test, out.Test.Len())
	}
	if err := rescale(out, opt); err != nil {
		return nil, fmt.Errorf("mnist: %s: %w", path, err)
	}
	if test == "" {
		if err := data.Divide(out, opt); err != nil {
			return nil, fmt.Errorf("mnist: %s: %w", path, err)
		}
		fmt.Fprintln(id, "held out", out.Test.Len(), opt.Seed)
	}
	if opt.Range != "" {
		fmt.Fprintln(id, "range", opt.Range)
	}
	most := int32(-1)
	for _, l := range append(out.Train.Labels[:len(out.Train.Labels):len(out.Train.Labels)], out.Test.Labels...) {
		most = max(most, l)
	}
	for l := range most + 1 {
		out.Classes = append(out.Classes, strconv.Itoa(int(l)))
	}
	out.Digest = fmt.Sprintf("%x", id.Sum(nil))
	return out, nil
}

func openPair(ctx context.Context, imagesPath string, id io.Writer, opt data.Options) (data.Split, error) {
	f, err := data.OpenLong(ctx, imagesPath, opt)
	if err != nil {
		return data.Split{}, fmt.Errorf("mnist: %w", err)
	}
	defer f.Close()
	images, err := readFile(f, imagesPath)
	if err != nil {
		return data.Split{}, again(err)
	}
	var labels IDX
	labelsPath := labelsOf(imagesPath)
	if labelsPath != "" {
		if labels, err = ReadFile(labelsPath); err != nil {
			return data.Split{}, again(err)
		}
	}
	fmt.Fprintln(id, images.Digest(), labels.Digest())
	return pair(images, labels, imagesPath, labelsPath)
}

// origins says that n items come from the file at path.
func origins(path string, n int) data.Origins {
	return data.Origins{Files: slices.Repeat([]string{filepath.Base(path)}, n)}
}

// rescale scales the levels of the images as opt.Range says, and adds notes on what they
// use of their 256 levels.
func rescale(set *data.Set, opt data.Options) error {
	if opt.Range == "" {
		opt.Range = "0:255"
	}
	parts := []*data.Split{&set.Train, &set.Test}
	names := []string{"the training images", "the test images"}
	var all []data.Pixels
	for i, p := range parts {
		if p.Len() == 0 {
			continue
		}
		all = append(all, pixelsOf(p.Items.(*data.InMemory), names[i]))
	}
	scale, notes, err := data.FindScale(all, opt)
	if err != nil {
		return err
	}
	set.Notes = append(set.Notes, notes...)
	if scale.Black == 0 && scale.White == 255 {
		return nil
	}
	for _, p := range parts {
		if p.Len() == 0 {
			continue
		}
		levels := p.Items.(*data.InMemory).Levels()
		if err := memory.Check(int64(len(levels)), "a copy of the images on another scale"); err != nil {
			return err
		}
		var scaled [256]uint8
		for l := range scaled {
			scaled[l] = scale.Level(float64(l))
		}
		was := levels
		levels = make([]uint8, len(was))
		for i, l := range was {
			levels[i] = scaled[l]
		}
		if p.Items, err = data.NewInMemory(levels, p.Len(), p.Items.Item()); err != nil {
			return err
		}
	}
	return nil
}

// pixelsOf returns the different levels of images, each with how often it is there: files have a milliard.
func pixelsOf(images *data.InMemory, name string) data.Pixels {
	levels, size := images.Levels(), images.Item().Size()
	var counts [4][256]int // apart, as equal levels follow one another
	for i, l := range levels {
		counts[i%4][l]++
	}
	var used []uint8
	var count []int
	for l := range 256 {
		if n := counts[0][l] + counts[1][l] + counts[2][l] + counts[3][l]; n > 0 {
			used, count = append(used, uint8(l)), append(count, n)
		}
	}
	return data.Pixels{
		Name: name, Len: len(used),
		At:    func(i int) float64 { return float64(used[i]) },
		Count: func(i int) int { return count[i] },
		Place: func(i int) string {
			k := bytes.IndexByte(levels, used[i])
			return fmt.Sprintf("number %d of image %d of %s", k%size, k/size, name)
		},
	}
}

// again adds the remedy to an error about the content of a file.
func again(err error) error {
	if errors.Is(err, ErrFormat) {
		return fmt.Errorf("%w; get the file again from where it came", err)
	}
	return err
}
