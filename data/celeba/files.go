package celeba

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/option"
)

// home is the page of the authors with the files.
const home = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"

// The names under which each file is looked for.
var (
	imageNames     = []string{"img_align_celeba.zip", "Img/img_align_celeba.zip"}
	imageFolders   = []string{"img_align_celeba", "Img/img_align_celeba"}
	attrNames      = listNames("list_attr_celeba", "Anno")
	partitionNames = listNames("list_eval_partition", "Eval")
)

func listNames(name, folder string) []string {
	return []string{name + ".txt", name + ".zip", name + ".txt.zip", name + ".csv", name + ".csv.zip",
		folder + "/" + name + ".txt", folder + "/" + name + ".zip", folder + "/" + name + ".csv"}
}

// files are the paths of the three parts of the set.
type files struct {
	images                string // a zip or a folder
	attributes, partition string
}

// parts returns the files with the names that messages use.
func (f *files) parts() []part {
	return []part{
		{imageNames[0], imageNames, imageFolders, &f.images},
		{attrNames[0], attrNames, nil, &f.attributes},
		{partitionNames[0], partitionNames, nil, &f.partition},
	}
}

type part struct {
	name           string
	names, folders []string
	path           *string
}

// look returns the first file or folder below dirs that has one of the names.
func (p part) look(dirs []string) (string, bool) {
	if path, ok := data.Find(dirs, p.names...); ok {
		return path, true
	}
	for _, dir := range dirs {
		for _, name := range p.folders {
			path := filepath.Join(dir, name)
			if info, err := os.Stat(path); err == nil && info.IsDir() {
				return path, true
			}
		}
	}
	return "", false
}

func (p part) missing(dirs []string) error {
	or := ""
	if p.folders != nil {
		or = " (or the folder " + p.folders[0] + ")"
	}
	return option.Errorf("celeba: %s%s is in none of %s; imago may not pass the set on: get it from %s, and put the files into the first of these folders or name theirs with {DataDir}",
		p.name, or, strings.Join(dirs, ", "), home)
}

// find returns the files in the first of dirs that has all of them.
func find(dirs []string) (files, error) {
	var f files
	for _, p := range f.parts() {
		path, ok := p.look(dirs)
		if !ok {
			return f, p.missing(dirs)
		}
		*p.path = path
	}
	return f, nil
}

// read reads the list at path. An error names the file and the remedy.
func read[T any](path string, from func(io.Reader) (T, error)) (T, error) {
	var none T
	r, err := openList(path)
	if err == nil {
		defer r.Close()
		var out T
		if out, err = from(r); err == nil {
			return out, nil
		}
		err = fmt.Errorf("%s: %w", path, err)
	}
	if errors.Is(err, ErrFormat) {
		err = fmt.Errorf("%w; get the list again from where it came", err)
	}
	return none, fmt.Errorf("celeba: %w", err)
}

// get returns an error with instructions if files are missing: the licence forbids
// downloading them.
func get(ctx context.Context, opt data.Options) error {
	status, err := verify(ctx, opt)
	if err != nil {
		return err
	}
	for _, s := range status {
		if s.Err != nil {
			return s.Err
		}
	}
	return nil
}

// present reports which files exist, without opening them.
func present(_ context.Context, opt data.Options) ([]data.FileStatus, error) {
	var all []data.FileStatus
	var f files
	dirs := data.Locate(Name, opt)
	for _, p := range f.parts() {
		s := data.FileStatus{Name: p.name}
		var ok bool
		if s.Path, ok = p.look(dirs); !ok {
			s.Err = p.missing(dirs)
		}
		all = append(all, s)
	}
	return all, nil
}

// verify reads everything: the lists, which must agree, and every picture that they
// name, which must be complete and have a header. There are no published digests,
// because a part of the set is a valid set too.
func verify(ctx context.Context, opt data.Options) ([]data.FileStatus, error) {
	all, err := present(ctx, opt)
	if err != nil {
		return nil, err
	}
	for i := range all {
		s := &all[i]
		if s.Err != nil {
			continue
		}
		if info, err := os.Stat(s.Path); err != nil || info.IsDir() {
			s.Err = err
			continue
		}
		if s.Size, s.SHA256, err = digest(ctx, s.Path); err != nil {
			s.Err = fmt.Errorf("celeba: %w", err)
		}
	}
	images, attr, partition := &all[0], &all[1], &all[2]
	if attr.Err != nil || partition.Err != nil {
		return all, ctx.Err()
	}
	f := files{images: images.Path, attributes: attr.Path, partition: partition.Path}
	l, err := f.lists()
	if err != nil {
		at := attr
		if strings.HasPrefix(err.Error(), "celeba: "+partition.Path) {
			at = partition
		}
		at.Err = err
		return all, nil
	}
	if images.Err == nil {
		images.Err = l.verify(ctx, f, images)
	}
	return all, ctx.Err()
}

// verify reads every picture of the lists. For a folder it adds up the sizes in s.
func (l lists) verify(ctx context.Context, f files, s *data.FileStatus) error {
	all, err := data.ListImages(f.images)
	if err != nil {
		return fmt.Errorf("celeba: %w", err)
	}
	defer all.Close()
	pictures, _, err := l.match(all.Files, f)
	if err != nil {
		return err
	}
	sums := make([][32]byte, len(pictures))
	err = data.Parallel(ctx, len(pictures), func(i int) error {
		b, err := pictures[i].Read()
		if err == nil {
			_, err = pictures[i].Info()
		}
		sums[i] = sha256.Sum256(b)
		return err
	})
	if err != nil {
		return fmt.Errorf("celeba: %s: %w", f.images, err)
	}
	if s.SHA256 == "" {
		id := sha256.New()
		for i, p := range pictures {
			fmt.Fprintf(id, "%s %x\n", l.names[i], sums[i])
			s.Size += p.Size
		}
		s.SHA256 = fmt.Sprintf("%x", id.Sum(nil))
	}
	return nil
}

// digest returns the bytes of a file and their SHA-256.
func digest(ctx context.Context, name string) (size int64, sum string, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	size, err = io.Copy(h, readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return f.Read(p)
	}))
	return size, fmt.Sprintf("%x", h.Sum(nil)), err
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
