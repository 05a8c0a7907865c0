package folder

import (
	"archive/zip"
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// list is the images below a folder or in a zip, in the order of their names,
// and, for an error, what else there is: " (3 .webp files)", or "". Until file is
// closed they can be opened.
func list(root string) (entries []entry, others string, file io.Closer, err error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, "", nil, err
	}
	other := map[string]int{}
	if info.IsDir() {
		file = io.NopCloser(nil) // each entry is a file of its own
		entries, err = listDir(root, other)
	} else {
		entries, file, err = listZip(root, info.Size(), other)
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	return entries, describe(other), file, err
}

func listDir(root string, other map[string]int) (entries []entry, err error) {
	fsys := os.DirFS(root)
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
		entries = append(entries, entry{name, info.Size(), info.ModTime().UnixNano(), func() (io.ReadCloser, error) { return fsys.Open(name) }})
		return nil
	})
	return entries, err
}

func listZip(root string, size int64, other map[string]int) (entries []entry, file io.Closer, err error) {
	f, err := os.Open(root)
	if err != nil {
		return nil, nil, err
	}
	entries, err = zipEntries(f, size, other)
	if err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("%s: not a readable zip file: %w; get the file again from where it came", root, err)
	}
	return entries, f, nil
}

func zipEntries(r io.ReaderAt, size int64, other map[string]int) (entries []entry, err error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, err
	}
	for _, zf := range z.File {
		switch name := strings.ReplaceAll(zf.Name, `\`, "/"); {
		case strings.HasSuffix(name, "/") || slices.ContainsFunc(strings.Split(name, "/"), hidden):
		case !isImage(name):
			other[strings.ToLower(path.Ext(name))]++
		default:
			entries = append(entries, zipEntry(name, zf))
		}
	}
	return entries, nil
}

func isImage(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".png", ".jpg", ".jpeg", ".jpe", ".jfif":
		return true
	}
	return false
}

// hidden is what systems leave behind: .DS_Store, ._a.jpg, __MACOSX.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") && name != "." && name != ".." || name == "__MACOSX"
}

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
