package data

import (
	"archive/zip"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imago-ml/imago/formats/imageio"
	"github.com/imago-ml/imago/formats/zipfile"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/fault"
	"github.com/imago-ml/imago/internal/memory"
)

// A Listing is what lies below a folder or in a zip, in the order of the paths.
type Listing struct {
	Files  []ImageFile
	Left   []LeftOut // what is no file that is wanted
	Bad    []BadFile // folders that cannot be opened
	Dirs   []string  // paths of all folders below the root
	wanted Wanted
	file   io.Closer // the zip
}

// A Wanted says which files of a folder or zip are items.
type Wanted struct {
	Is       func(name string) bool // by the extension of its name
	Known    func(head []byte) bool // by the first bytes of a file without an extension
	Unread   []string               // extensions of files that a person would want to be read, and that are not
	SaveAs   string                 // what those can be saved as: "PNG or JPEG"
	MaxBytes int64                  // of a file in a zip; 0 = any
}

// images are the files that ListImages lists.
var images = Wanted{Is: IsImage, Known: imageio.Known, Unread: unread, SaveAs: "PNG or JPEG", MaxBytes: maxImageFile}

// A LeftOut is a file or folder that is not read.
type LeftOut struct {
	Name  string // path below the root, with slashes
	Kind  string // a noun whose plural takes an s: ".heic file", "hidden file", "link"
	Which string // what follows the noun, as " to a folder that is read already"
	Image bool   // it is, or may hold, an item that a person would want to be read
}

// Close ends the reading of the files.
func (l *Listing) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// ListImages returns the images below a folder or in a zip: files whose names have the
// extension of an image, and files without an extension whose first bytes are those of
// one. Hidden files and __MACOSX are left out. Links are followed, each folder once, save
// one to a folder that root lies in. The files can be read until the Listing is closed.
func ListImages(root string) (*Listing, error) { return List(root, images) }

// List does for the wanted files what ListImages does for images.
func List(root string, wanted Wanted) (*Listing, error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return listDir(root, wanted)
	}
	f, err := os.Open(root)
	if err != nil {
		return nil, err
	}
	l, err := listZip(f, info.Size(), wanted)
	if over := (*memory.Error)(nil); errors.As(err, &over) {
		f.Close()
		return nil, fmt.Errorf("%s: %w", root, err)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: not a readable zip file: %w; get the file again from where it came", root, err)
	}
	l.file = f
	return l, nil
}

// A walk lists a folder.
type walk struct {
	Listing
	root, real string          // the folder as given, and without links
	seen       map[string]bool // the paths without links of the folders that are read
	err        error           // of the machine, the first
	links      []string        // to folders, not followed yet
}

func listDir(root string, wanted Wanted) (*Listing, error) {
	real, err := filepath.EvalSymlinks(root)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return nil, err
	}
	if _, err := os.ReadDir(root); err != nil { // of a folder below, the rest is read
		return nil, err
	}
	w := walk{Listing: Listing{wanted: wanted}, root: root, real: real, seen: map[string]bool{}}
	w.dir("", real)
	for len(w.links) > 0 { // after the folders themselves: what has two paths is read by its own
		links := w.links
		w.links = nil
		for _, name := range links {
			w.link(name)
		}
	}
	if w.err != nil {
		return nil, w.err
	}
	w.sort()
	return &w.Listing, checkFiles(len(w.Files))
}

func (w *walk) leave(name, kind, which string, image bool) {
	w.Left = append(w.Left, LeftOut{name, kind, which, image})
}

// path returns the path of name, which is below the root, on this machine.
func (w *walk) path(name string) string { return filepath.Join(w.root, filepath.FromSlash(name)) }

// dir lists a folder; real is its path without links.
func (w *walk) dir(name, real string) {
	w.seen[real] = true
	entries, err := os.ReadDir(w.path(name))
	if fault.OfSystem(err) {
		w.err = cmp.Or(w.err, err)
		return
	}
	if err != nil {
		w.Bad = append(w.Bad, BadFile{name, err})
		return
	}
	if name != "" {
		w.Dirs = append(w.Dirs, name)
	}
	for _, e := range entries {
		below := path.Join(name, e.Name())
		switch mode := e.Type(); {
		case hidden(e.Name()) && e.IsDir():
			w.leave(below, "hidden folder", "", false)
		case hidden(e.Name()):
			w.leave(below, "hidden file", "", false)
		case e.IsDir():
			if at := filepath.Join(real, e.Name()); w.seen[at] { // by a link into this folder
				w.leave(below, "folder", " that is read already by a link", false)
			} else {
				w.dir(below, at)
			}
		case mode&fs.ModeSymlink != 0:
			if info, err := os.Stat(w.path(below)); err != nil {
				w.leave(below, "broken link", "", true)
			} else if info.IsDir() {
				w.links = append(w.links, below)
			} else {
				w.file(below, info)
			}
		default:
			info, err := e.Info()
			if err != nil { // it was deleted in the meantime
				continue
			}
			w.file(below, info)
		}
	}
}

// link lists the folder that a link leads to.
func (w *walk) link(name string) {
	real, err := filepath.EvalSymlinks(w.path(name))
	if err == nil {
		real, err = filepath.Abs(real)
	}
	parent, failed := filepath.EvalSymlinks(w.path(path.Dir(name)))
	switch {
	case errors.Join(err, failed) != nil:
		w.leave(name, "broken link", "", true)
	case w.seen[real]:
		w.leave(name, "link", " to a folder that is read already", false)
	case inside(w.real, real) || inside(parent, real):
		w.leave(name, "link", " to a folder that holds this one", false)
	default:
		w.dir(name, real)
	}
}

func (w *walk) file(name string, info fs.FileInfo) {
	if !info.Mode().IsRegular() {
		w.leave(name, "special file", "", false)
		return
	}
	open := func() (io.ReadCloser, error) { return os.Open(w.path(name)) }
	w.add(ImageFile{name, info.Size(), info.ModTime().UnixNano(), open})
}

// add lists a file as wanted or as left out.
func (l *Listing) add(f ImageFile) {
	ext := strings.ToLower(path.Ext(f.Name))
	switch {
	case l.wanted.Is(f.Name) || ext == "" && f.begins(l.wanted.Known):
		l.Files = append(l.Files, f)
	case ext == "":
		l.Left = append(l.Left, LeftOut{f.Name, "file", " without an extension", false})
	default:
		l.Left = append(l.Left, LeftOut{f.Name, ext + " file", "", slices.Contains(l.wanted.Unread, ext)})
	}
}

// begins reports whether known is true of the first bytes of the file.
func (f ImageFile) begins(known func(head []byte) bool) bool {
	r, err := f.open()
	if err != nil {
		return false
	}
	defer r.Close()
	head := make([]byte, 12)
	n, err := io.ReadFull(r, head)
	return (err == nil || errors.Is(err, io.ErrUnexpectedEOF)) && known(head[:n])
}

func (l *Listing) sort() {
	slices.SortStableFunc(l.Files, func(a, b ImageFile) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortStableFunc(l.Left, func(a, b LeftOut) int { return cmp.Compare(a.Name, b.Name) })
	slices.Sort(l.Dirs)
	l.Dirs = slices.Compact(l.Dirs)
}

// ZipImages returns what ListImages does for a zip file of size bytes. The zip is never
// unpacked to disk, and no path in it is used as a path of this machine.
func ZipImages(r io.ReaderAt, size int64) (*Listing, error) { return listZip(r, size, images) }

func listZip(r io.ReaderAt, size int64, wanted Wanted) (*Listing, error) {
	z, err := zipfile.Open(r, size, memory.Check)
	if err != nil {
		return nil, err
	}
	if err := checkFiles(len(z.File)); err != nil {
		return nil, err
	}
	l := &Listing{wanted: wanted}
	for _, zf := range z.File {
		name := strings.ReplaceAll(zf.Name, `\`, "/")
		switch {
		case slices.ContainsFunc(strings.Split(name, "/"), hidden):
			if !strings.HasSuffix(name, "/") {
				l.Left = append(l.Left, LeftOut{name, "hidden file", "", false})
			}
		case strings.HasSuffix(name, "/"):
			l.Dirs = append(l.Dirs, strings.TrimRight(name, "/"))
		case zf.Mode()&fs.ModeSymlink != 0:
			l.Left = append(l.Left, LeftOut{name, "link", "", true})
		default:
			l.add(zipFile(name, zf, wanted.MaxBytes))
		}
	}
	for _, f := range l.Files {
		if dir := path.Dir(f.Name); dir != "." {
			l.Dirs = append(l.Dirs, dir)
		}
	}
	l.sort()
	return l, nil
}

// zipFile returns one file of a zip. The size that the header claims is checked against most,
// unless that is 0, before the file is read; who reads it bounds the unpacked size again.
func zipFile(name string, f *zip.File, most int64) ImageFile {
	return ImageFile{name, int64(min(f.UncompressedSize64, 1<<62)), int64(f.CRC32), func() (io.ReadCloser, error) {
		if most > 0 && f.UncompressedSize64 > uint64(most) {
			return nil, fmt.Errorf("%w: %d bytes, want at most %d", imageio.ErrTooLarge, f.UncompressedSize64, most)
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

// hidden reports whether the name is one that operating systems add: .DS_Store,
// ._a.jpg, __MACOSX.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") && name != "." && name != ".." || name == "__MACOSX"
}

// LeftOutText says what is left out and why, the most frequent first: "8 .heic files
// (formats that are not read: save them as PNG or JPEG), 3 hidden files". It reports
// whether images are among them. The text is "" if nothing is.
func (l *Listing) LeftOutText() (text string, images bool) {
	type kind struct {
		LeftOut
		n int
	}
	var kinds []kind
	for _, o := range l.Left {
		i := slices.IndexFunc(kinds, func(k kind) bool { return k.Kind == o.Kind && k.Which == o.Which })
		if i < 0 {
			i = len(kinds)
			kinds = append(kinds, kind{o, 0})
		}
		kinds[i].n++
		images = images || o.Image
	}
	slices.SortStableFunc(kinds, func(a, b kind) int {
		switch {
		case a.Image != b.Image && a.Image:
			return -1
		case a.Image != b.Image:
			return 1
		}
		return b.n - a.n
	})
	const most = 8 // kinds
	var parts []string
	rest := 0
	for i, k := range kinds {
		if i >= most {
			rest += k.n
			continue
		}
		part := english.Plural(k.n, k.Kind) + k.Which
		switch {
		case k.Image && strings.HasPrefix(k.Kind, "."):
			part += fmt.Sprintf(" (not read: save them as %s)", l.wanted.SaveAs)
		case k.Image || k.Kind == "link":
			part += fmt.Sprintf(" (%s)", k.Name)
		}
		parts = append(parts, part)
	}
	if rest > 0 {
		parts = append(parts, english.Plural(rest, "other file"))
	}
	return strings.Join(parts, ", "), images
}
