package data

import (
	"archive/zip"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/imago-ml/imago/formats/imageio"
)

// An ImageFile is a PNG or JPEG file, in a folder or a zip.
type ImageFile struct {
	Name  string // path below the folder or in the zip, with slashes
	Size  int64  // bytes
	Stamp int64  // changes with the content: the time of the last write; in a zip the CRC-32
	open  func() (io.ReadCloser, error)
}

// maxImageFile bounds the bytes of one image file.
const maxImageFile = imageio.DefaultMaxBytes

// named returns the error with the name of the file before it and the remedy after it.
func (f ImageFile) named(err error) error {
	return fmt.Errorf("%s: %w; put a good image in its place or delete it", f.Name, err)
}

// Info returns the format and size of the image from its header. The error names the
// file.
func (f ImageFile) Info() (imageio.Info, error) {
	r, err := f.open()
	if err != nil {
		return imageio.Info{}, f.named(err)
	}
	defer r.Close()
	info, err := imageio.DecodeInfo(r, imageio.Limits{})
	if err != nil {
		return info, f.named(err)
	}
	return info, nil
}

// Read returns the bytes of the file. It verifies the checksum of a file in a zip. The
// error names the file.
func (f ImageFile) Read() ([]byte, error) {
	r, err := f.open()
	if err != nil {
		return nil, f.named(err)
	}
	defer r.Close()
	var b bytes.Buffer
	if n, err := io.Copy(&b, io.LimitReader(r, maxImageFile+1)); err != nil {
		return nil, f.named(err)
	} else if n > maxImageFile {
		return nil, f.named(fmt.Errorf("%w: more than %d bytes", imageio.ErrTooLarge, maxImageFile))
	}
	return b.Bytes(), nil
}

// ListImages returns the files named .png, .jpg, .jpeg, .jpe or .jfif below a folder or
// in a zip, in the order of their names. others describes the remaining files for an
// error message: " (but 3 .webp files)", or "". Hidden files and __MACOSX are left out,
// and links to directories are not followed. The files can be read until closer is
// closed.
func ListImages(root string) (files []ImageFile, others string, closer io.Closer, err error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, "", nil, err
	}
	if info.IsDir() {
		files, others, err = listDir(root)
		return files, others, io.NopCloser(nil), err // each is a file of its own
	}
	f, err := os.Open(root)
	if err != nil {
		return nil, "", nil, err
	}
	files, others, err = ZipImages(f, info.Size())
	if err != nil {
		f.Close()
		return nil, "", nil, fmt.Errorf("%s: not a readable zip file: %w; get the file again from where it came", root, err)
	}
	return files, others, f, nil
}

func listDir(root string) (files []ImageFile, others string, err error) {
	fsys, other := os.DirFS(root), map[string]int{}
	err = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && hidden(d.Name()):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		case !isImage(name):
			other[strings.ToLower(path.Ext(name))]++
			return nil
		}
		info, err := fs.Stat(fsys, name) // follows a link to a file
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		files = append(files, ImageFile{name, info.Size(), info.ModTime().UnixNano(), func() (io.ReadCloser, error) { return fsys.Open(name) }})
		return nil
	})
	sortImages(files)
	return files, describe(other), err
}

// ZipImages returns what ListImages does for a zip file of size bytes. The zip is never
// unpacked to disk, and no path in it is used as a path of this machine.
func ZipImages(r io.ReaderAt, size int64) (files []ImageFile, others string, err error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, "", err
	}
	other := map[string]int{}
	for _, zf := range z.File {
		switch name := strings.ReplaceAll(zf.Name, `\`, "/"); {
		case strings.HasSuffix(name, "/") || slices.ContainsFunc(strings.Split(name, "/"), hidden):
		case !isImage(name):
			other[strings.ToLower(path.Ext(name))]++
		default:
			files = append(files, zipImage(name, zf))
		}
	}
	sortImages(files)
	return files, describe(other), nil
}

// zipImage returns one image of a zip. The size that the header claims is checked
// before the file is read; ImageFile.Read and imageio bound the unpacked size again.
func zipImage(name string, f *zip.File) ImageFile {
	return ImageFile{name, int64(min(f.UncompressedSize64, 1<<62)), int64(f.CRC32), func() (io.ReadCloser, error) {
		if f.UncompressedSize64 > maxImageFile {
			return nil, fmt.Errorf("%w: %d bytes, want at most %d", imageio.ErrTooLarge, f.UncompressedSize64, maxImageFile)
		}
		if f.Flags&1 != 0 {
			return nil, fmt.Errorf("%w: it is encrypted", imageio.ErrFormat)
		}
		r, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", imageio.ErrFormat, err)
		}
		return r, nil
	}}
}

func sortImages(files []ImageFile) {
	slices.SortStableFunc(files, func(a, b ImageFile) int { return cmp.Compare(a.Name, b.Name) })
}

// isImage reports whether the name has the extension of a PNG or JPEG file.
func isImage(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".png", ".jpg", ".jpeg", ".jpe", ".jfif":
		return true
	}
	return false
}

// hidden reports whether the name is one that operating systems add: .DS_Store,
// ._a.jpg, __MACOSX.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") && name != "." && name != ".." || name == "__MACOSX"
}

// describe returns a phrase about the most frequent extension of files that are no
// images.
func describe(other map[string]int) string {
	most := ""
	for ext, n := range other {
		if n > other[most] || n == other[most] && ext < most {
			most = ext
		}
	}
	switch {
	case len(other) == 0:
		return ""
	case most == "":
		return " (but other files)"
	}
	return fmt.Sprintf(" (but %d %s files)", other[most], most)
}
