package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"syscall"
)

// native is the operating system's file system, by os.Root.
type native struct{}

// in calls do with the root, opened for this call.
func in(root string, do func(*os.Root) error) error {
	st, err := os.Stat(root) // OpenRoot would wait for a writer of a named pipe
	if err == nil && !st.IsDir() {
		err = &fs.PathError{Op: "open", Path: root, Err: syscall.ENOTDIR}
	}
	if err != nil {
		return err
	}
	r, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer r.Close()
	return do(r)
}

// OpenFile opens a file.
func (native) OpenFile(root, name string, flag int, perm fs.FileMode) (f File, err error) {
	err = in(root, func(r *os.Root) error {
		file, err := r.OpenFile(filepath.FromSlash(name), flag, perm)
		if err == nil { // a nil *os.File would be a File that is not nil
			f = file
		}
		return err
	})
	return f, err
}

// Mkdir makes a folder.
func (native) Mkdir(root, name string, perm fs.FileMode) error {
	return in(root, func(r *os.Root) error { return r.Mkdir(filepath.FromSlash(name), perm) })
}

// Rename renames a file or folder.
func (native) Rename(root, from, to string) error {
	return in(root, func(r *os.Root) error { return r.Rename(filepath.FromSlash(from), filepath.FromSlash(to)) })
}

// Remove removes a file or an empty folder.
func (native) Remove(root, name string) error {
	return in(root, func(r *os.Root) error { return r.Remove(filepath.FromSlash(name)) })
}

// Lstat describes a file without following a link.
func (native) Lstat(root, name string) (st fs.FileInfo, err error) {
	err = in(root, func(r *os.Root) (err error) { st, err = r.Lstat(filepath.FromSlash(name)); return err })
	return st, err
}

// Stat describes a file.
func (native) Stat(root, name string) (st fs.FileInfo, err error) {
	err = in(root, func(r *os.Root) (err error) { st, err = r.Stat(filepath.FromSlash(name)); return err })
	return st, err
}

// ReadDir lists a folder.
func (native) ReadDir(root, name string) (entries []fs.DirEntry, err error) {
	err = inDir(root, name, func(d *os.File) (err error) { entries, err = d.ReadDir(-1); return err })
	sort.Slice(entries, func(i, j int) bool { return entries[i].Name() < entries[j].Name() })
	return entries, err
}

// inDir calls do with an open folder. It opens nothing else, as a named pipe would block.
func inDir(root, name string, do func(*os.File) error) error {
	return in(root, func(r *os.Root) error {
		d, err := r.OpenFile(filepath.FromSlash(name), os.O_RDONLY|nonblock, 0)
		if err != nil {
			return err
		}
		defer d.Close()
		if st, err := d.Stat(); err != nil || !st.IsDir() {
			return errors.Join(err, syscall.ENOTDIR)
		}
		return do(d)
	})
}

// SyncDir syncs a folder.
func (native) SyncDir(root, name string) error {
	if runtime.GOOS == "windows" { // it cannot open folders for this
		return nil
	}
	return inDir(root, name, func(d *os.File) error {
		if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
		return nil
	})
}
