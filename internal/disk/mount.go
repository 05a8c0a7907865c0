package disk

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
)

// ErrReadOnly marks a change of something that is a part of the program. It is an fs.ErrPermission too. Test with
// errors.Is.
var ErrReadOnly = fmt.Errorf("it is a part of this program, and cannot be changed: %w", fs.ErrPermission)

// A mount is the folders whose paths begin with a scheme.
type mount struct {
	scheme string
	open   func(name string) (fs.FS, error)
}

var (
	mountsLock sync.RWMutex
	mounts     []mount
)

// Mount makes paths that begin with scheme, as "zoo:", those of folders that can only be read, for the whole process:
// zoo:a/b is the file b of what open returns for a. So whatever reads a Folder, Stat and Abs works on them, and a file
// whose name begins with scheme is still found as ./zoo:a. It panics if the scheme is taken.
func Mount(scheme string, open func(name string) (fs.FS, error)) {
	mountsLock.Lock()
	defer mountsLock.Unlock()
	for _, m := range mounts {
		if m.scheme == scheme {
			panic("disk: scheme " + scheme + " is taken")
		}
	}
	mounts = append(mounts, mount{scheme, open})
}

// systemOf returns the system that a path is of.
func systemOf(name string) System {
	mountsLock.RLock()
	defer mountsLock.RUnlock()
	for _, m := range mounts {
		if strings.HasPrefix(name, m.scheme) {
			return m
		}
	}
	return native{}
}

// IsMounted reports whether a path is that of a mounted folder or a file in it, where nothing can be written.
func IsMounted(name string) bool {
	_, is := systemOf(name).(mount)
	return is
}

// Stat returns what is known of a path that the user gave, which may be that of a mounted folder. Links are followed.
func Stat(name string) (fs.FileInfo, error) {
	m, is := systemOf(name).(mount)
	if !is {
		return os.Stat(name)
	}
	st, err := m.Stat(filepath.Clean(name), ".")
	return st, On(m, name).explain("stat", ".", err)
}

// Abs returns the absolute form of a path, which that of a mounted folder is.
func Abs(name string) (string, error) {
	if IsMounted(name) {
		return filepath.Clean(name), nil
	}
	return filepath.Abs(name)
}

// at returns the files of the folder that root is in, and the path in them of a name below root.
func (m mount) at(root, name string) (fs.FS, string, error) {
	top, sub, _ := strings.Cut(strings.TrimPrefix(filepath.ToSlash(root), m.scheme), "/")
	files, err := m.open(top)
	if err != nil {
		return nil, "", err
	}
	name = path.Join(sub, name)
	if !fs.ValidPath(name) {
		return nil, "", ErrEscapes
	}
	return files, name, nil
}

// OpenFile opens a file to read it. The whole of it is read at once.
func (m mount) OpenFile(root, name string, flag int, _ fs.FileMode) (File, error) {
	if flag&(os.O_WRONLY|os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND) != 0 {
		return nil, ErrReadOnly
	}
	files, name, err := m.at(root, name)
	if err != nil {
		return nil, err
	}
	st, err := fs.Stat(files, name)
	if err != nil {
		return nil, err
	}
	f := &mountedFile{name: name, info: st, Reader: bytes.NewReader(nil)}
	if st.Mode().IsRegular() {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		f.Reader = bytes.NewReader(b)
	}
	return f, nil
}

// Stat describes a file.
func (m mount) Stat(root, name string) (fs.FileInfo, error) {
	files, name, err := m.at(root, name)
	if err != nil {
		return nil, err
	}
	return fs.Stat(files, name)
}

// Lstat describes a file. There are no links.
func (m mount) Lstat(root, name string) (fs.FileInfo, error) { return m.Stat(root, name) }

// ReadDir lists a folder.
func (m mount) ReadDir(root, name string) ([]fs.DirEntry, error) {
	files, name, err := m.at(root, name)
	if err != nil {
		return nil, err
	}
	return fs.ReadDir(files, name)
}

// Mkdir fails.
func (mount) Mkdir(string, string, fs.FileMode) error { return ErrReadOnly }

// Rename fails.
func (mount) Rename(string, string, string) error { return ErrReadOnly }

// Remove fails.
func (mount) Remove(string, string) error { return ErrReadOnly }

// SyncDir does nothing: all is where it stays.
func (mount) SyncDir(string, string) error { return nil }

// Lock fails: what cannot be changed needs no lock to be read.
func (mount) Lock(string, string) (func() error, error) { return nil, ErrReadOnly }

// A mountedFile is an open file of a mounted folder.
type mountedFile struct {
	*bytes.Reader
	name string
	info fs.FileInfo
}

// Name returns the path in the mounted folder.
func (f *mountedFile) Name() string { return f.name }

// Stat returns what is known of the file.
func (f *mountedFile) Stat() (fs.FileInfo, error) { return f.info, nil }

// Write fails.
func (f *mountedFile) Write([]byte) (int, error) { return 0, ErrReadOnly }

// Truncate fails.
func (f *mountedFile) Truncate(int64) error { return ErrReadOnly }

// Sync does nothing.
func (f *mountedFile) Sync() error { return nil }

// Close does nothing.
func (f *mountedFile) Close() error { return nil }
