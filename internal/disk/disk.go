// Package disk is the one door to the files of a folder that imago keeps, such as a run.
//
//	run := disk.At("runs/x")
//	f, err := run.Sub("checkpoints").Open("step-00000100/state.json")
//
// Promises. No name and no link leads out of the folder that At was given: what another program or a stranger put
// there is at most read or replaced itself, never what it points to. Only regular files are opened: a named pipe or a
// device is an error and does not block. New files and folders have the permissions that the umask leaves. Errors are
// *fs.PathError with the whole path, and unwrap to the cause, for example syscall.ENOSPC. A folder is found by its
// path at each call: one that was removed or moved away is an error.
//
// Mount adds folders that are a part of the program, which are read as any other by their paths.
//
// A file that the user names, as by --out, is none of this package's business, and it must not know what the files hold.
package disk

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// ErrEscapes marks a name or a link that leads out of the folder. Test with errors.Is.
var ErrEscapes = errors.New("it is a link that leads out of the folder, or no link that can be followed: put in its place what it leads to")

// ErrNotRegular marks something that is neither a file nor a folder. Test with errors.Is.
var ErrNotRegular = errors.New("it is neither a file nor a folder")

// A File is an open file.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.Seeker
	io.Closer
	Name() string
	Stat() (fs.FileInfo, error)
	Sync() error
	Truncate(size int64) error
}

// A System is what a Folder asks of the operating system: a name is a slash-separated path below the folder root, and
// leads nowhere else. Tests replace it by one that fails, or that forgets what was not synced (package disktest).
type System interface {
	OpenFile(root, name string, flag int, perm fs.FileMode) (File, error)
	Mkdir(root, name string, perm fs.FileMode) error
	Rename(root, from, to string) error
	Remove(root, name string) error
	Lstat(root, name string) (fs.FileInfo, error)
	Stat(root, name string) (fs.FileInfo, error)
	ReadDir(root, name string) ([]fs.DirEntry, error)
	SyncDir(root, name string) error
	// Lock makes this process the only one that has the lock of the folder; held is ErrLocked if another one has it.
	Lock(root, name string) (unlock func() error, err error)
}

// A Folder is a folder within a root, out of which no name leads. Names are slash-separated and below the folder; "."
// is the folder itself. The zero Folder is not valid.
type Folder struct {
	sys  System
	root string // a path of the system
	sub  string // slash-separated, "." for the root
}

// At returns the folder of that path, which need not exist. The path itself may have links in it: the caller chose it. It
// may be that of a mounted folder.
func At(dir string) Folder { return On(systemOf(dir), dir) }

// On returns a folder of another system, for tests.
func On(sys System, dir string) Folder { return Folder{sys, filepath.Clean(dir), "."} }

// Sub returns a folder below f. It stays within the root of f.
func (f Folder) Sub(name string) Folder {
	f.sub = f.name(name)
	return f
}

// System returns the system of the folder, for On.
func (f Folder) System() System { return f.sys }

// Path returns the path of a file of the folder, for messages and for the user.
func (f Folder) Path(name string) string {
	return filepath.Join(f.root, filepath.FromSlash(f.name(name)))
}

// String returns the path of the folder.
func (f Folder) String() string { return f.Path(".") }

func (f Folder) name(name string) string { return path.Join(f.sub, filepath.ToSlash(name)) }

// explain gives an error the whole path and a cause in words.
func (f Folder) explain(op, name string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	cause := err
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		cause = pe.Err
	} else if le := (*os.LinkError)(nil); errors.As(err, &le) {
		cause = le.Err
	}
	if strings.Contains(cause.Error(), "escapes from parent") { // os.Root does not export it
		cause = ErrEscapes
	}
	return &fs.PathError{Op: op, Path: f.Path(name), Err: cause}
}

// Open opens a file to read it.
func (f Folder) Open(name string) (File, error) { return f.open(name, os.O_RDONLY) }

// Create makes a new file to write and read it. It fails with fs.ErrExist if there is one of that name.
func (f Folder) Create(name string) (File, error) {
	return f.open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

// Append opens a file whose writes go to its end wherever that is then, and makes it if there is none. A file that has
// other names too, by hard links, is replaced by a copy first, so that what the other names lead to is not changed.
func (f Folder) Append(name string) (File, error) {
	file, err := f.open(name, os.O_RDWR|os.O_CREATE|os.O_APPEND)
	if err != nil || !manyNames(file) {
		return file, err
	}
	defer file.Close()
	if err := f.copy(file, name); err != nil {
		return nil, err
	}
	return f.open(name, os.O_RDWR|os.O_APPEND)
}

// copy replaces the file of that name by a copy of an open one.
func (f Folder) copy(from File, name string) error {
	tmp := TempName(name)
	to, err := f.Create(tmp)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if err == nil {
		err = to.Sync()
	}
	if e := to.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = f.Rename(tmp, name)
	}
	if err != nil {
		f.Remove(tmp)
	}
	return f.explain("copy", name, err)
}

func (f Folder) open(name string, flag int) (File, error) {
	file, err := f.sys.OpenFile(f.root, f.name(name), flag|nonblock, 0o666)
	if err != nil {
		return nil, f.explain("open", name, err)
	}
	st, err := file.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = ErrNotRegular
		if st.IsDir() {
			err = errors.New("it is a folder, want a file")
		}
	}
	if err != nil {
		file.Close()
		if flag&os.O_EXCL != 0 {
			f.sys.Remove(f.root, f.name(name)) // it was made by this call
		}
		return nil, f.explain("open", name, err)
	}
	return fileOf{file, f, name}, nil
}

// fileOf is a file whose errors have the path within the folder's.
type fileOf struct {
	File
	folder Folder
	name   string
}

// Name returns the whole path.
func (b fileOf) Name() string { return b.folder.Path(b.name) }

// Read reads as io.Reader.
func (b fileOf) Read(p []byte) (int, error) {
	n, err := b.File.Read(p)
	return n, b.folder.explain("read", b.name, err)
}

// ReadAt reads as io.ReaderAt.
func (b fileOf) ReadAt(p []byte, off int64) (int, error) {
	n, err := b.File.ReadAt(p, off)
	return n, b.folder.explain("read", b.name, err)
}

// Write writes as io.Writer.
func (b fileOf) Write(p []byte) (int, error) {
	n, err := b.File.Write(p)
	return n, b.folder.explain("write", b.name, err)
}

// Sync writes the bytes to the disk.
func (b fileOf) Sync() error { return b.folder.explain("sync", b.name, b.File.Sync()) }

// Truncate changes the length of the file.
func (b fileOf) Truncate(size int64) error {
	return b.folder.explain("truncate", b.name, b.File.Truncate(size))
}

// Close closes the file.
func (b fileOf) Close() error { return b.folder.explain("close", b.name, b.File.Close()) }

// ReadFile returns the bytes of a file, of which there may be at most a number.
func (f Folder) ReadFile(name string, most int64) ([]byte, error) {
	file, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(b)) > most {
		err = &fs.PathError{Op: "read", Path: f.Path(name), Err: ErrTooLong}
	}
	return b, err
}

// ErrTooLong marks a file that is longer than its reader takes. Test with errors.Is.
var ErrTooLong = errors.New("it is longer than any such file of imago")

// Mkdir makes a folder. It fails with fs.ErrExist if there is something of that name. Sync its parent to keep it.
func (f Folder) Mkdir(name string) error {
	return f.explain("mkdir", name, f.sys.Mkdir(f.root, f.name(name), 0o777))
}

// MkdirAll makes a folder with those above it up to the root, and the root with its own, where they are missing. Each new
// one is on the disk when MkdirAll returns, and so is one that was there: another process may have made it and been stopped
// before that.
func (f Folder) MkdirAll(name string) error {
	st, err := f.sys.Stat(f.root, f.name(name))
	switch {
	case err == nil && st.IsDir():
		if parent, _, ok := f.above(name); ok {
			if err := parent.SyncDir("."); !errors.Is(err, fs.ErrPermission) { // a folder may be closed to this user
				return err
			}
		}
		return nil
	case err == nil:
		return f.explain("mkdir", name, errors.New("there is a file of that name"))
	case !errors.Is(err, fs.ErrNotExist):
		return f.explain("mkdir", name, err)
	}
	parent, base, ok := f.above(name)
	if !ok {
		return f.explain("mkdir", name, err)
	}
	if err := parent.MkdirAll("."); err != nil {
		return err
	}
	if err := parent.Mkdir(base); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return parent.SyncDir(".")
}

// above returns the folder that a folder is in and its name there; not ok of the folder that is in no other.
func (f Folder) above(name string) (parent Folder, base string, ok bool) {
	if name = f.name(name); name != "." {
		f.sub = path.Dir(name)
		return f, path.Base(name), true
	}
	up, err := filepath.Abs(f.root)
	if err != nil || filepath.Dir(up) == up {
		return f, "", false
	}
	if base = filepath.Base(f.root); base == "." || base == ".." { // the current folder, by its name
		return On(f.sys, filepath.Dir(up)), filepath.Base(up), true
	}
	return On(f.sys, filepath.Dir(f.root)), base, true
}

// Rename gives a file or a folder another name, in place of a file that has it.
func (f Folder) Rename(from, to string) error {
	return f.explain("rename", from, f.sys.Rename(f.root, f.name(from), f.name(to)))
}

// Remove removes a file, a link or an empty folder.
func (f Folder) Remove(name string) error {
	return f.explain("remove", name, f.sys.Remove(f.root, f.name(name)))
}

// RemoveAll removes a file, or a folder with all that is in it, if it is there. Links are removed, not followed.
func (f Folder) RemoveAll(name string) error {
	st, err := f.sys.Lstat(f.root, f.name(name))
	if err == nil && st.IsDir() {
		var entries []fs.DirEntry
		entries, err = f.ReadDir(name)
		for _, e := range entries {
			if err == nil {
				err = f.RemoveAll(path.Join(filepath.ToSlash(name), e.Name()))
			}
		}
	}
	if err == nil {
		err = f.sys.Remove(f.root, f.name(name))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return f.explain("remove", name, err)
}

// Exists reports whether there is something of that name, a link or what it leads to.
func (f Folder) Exists(name string) (bool, error) {
	_, err := f.sys.Lstat(f.root, f.name(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, f.explain("stat", name, err)
}

// Stat returns what is known of a file or folder. Links within the root are followed.
func (f Folder) Stat(name string) (fs.FileInfo, error) {
	st, err := f.sys.Stat(f.root, f.name(name))
	return st, f.explain("stat", name, err)
}

// ReadDir returns the entries of a folder in the order of their names.
func (f Folder) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := f.sys.ReadDir(f.root, f.name(name))
	return entries, f.explain("read", name, err)
}

// SyncDir writes the entries of a folder to the disk. Without it, a file that was synced and renamed may be missing
// after a power failure. It returns nil if the file system cannot sync folders.
func (f Folder) SyncDir(name string) error {
	return f.explain("sync", name, f.sys.SyncDir(f.root, f.name(name)))
}
