// Package atomicfile replaces files whole and appends to logs that survive a crash.
//
// Write: whoever opens the name sees the old bytes or the new ones, never a part, whether the writer fails, is killed,
// or the machine loses power; a write that fails leaves nothing behind. JSONL is the one exception to "replaced, never
// rewritten in place": a log of lines, where a torn last line is dropped when it is opened again.
//
// Errors name the file that was asked for, not the temporary one, and unwrap to the cause (syscall.ENOSPC, say). This
// package does not know what the files hold.
package atomicfile

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// Mode is the permission of every file written here: readable by others, unlike what os.CreateTemp leaves.
const Mode fs.FileMode = 0o644

// A file is what Write needs of *os.File; tests put one in its place that fails.
type file interface {
	io.Writer
	Name() string
	Chmod(fs.FileMode) error
	Sync() error
	Close() error
}

var createTemp = func(dir, pattern string) (file, error) { return os.CreateTemp(dir, pattern) }

// Write replaces the file called name by the bytes that write gives to its argument, which is buffered. The bytes are
// on the disk, under name, when Write returns nil. A temporary file in the same folder holds them until then (in
// another folder the rename might cross file systems and copy). If name is a symbolic link, the link is replaced, not
// what it points to. An error of write is returned wrapped, and the old file stays.
func Write(name string, write func(io.Writer) error) error {
	f, err := createTemp(filepath.Dir(name), "."+filepath.Base(name)+".tmp-*")
	if err != nil {
		return named("create", name, err)
	}
	defer os.Remove(f.Name()) // once renamed, there is nothing left to remove
	if err := fill(f, write); err != nil {
		f.Close() // the error before it is the one to tell
		return named("write", name, err)
	}
	if err := f.Close(); err != nil {
		return named("write", name, err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return named("replace", name, err)
	}
	return SyncDir(filepath.Dir(name))
}

func fill(f file, write func(io.Writer) error) error {
	w := bufio.NewWriterSize(bare{f}, 64<<10)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Chmod(Mode); err != nil {
		return err
	}
	return f.Sync()
}

// WriteBytes replaces the file called name by b, as Write does.
func WriteBytes(name string, b []byte) error {
	return Write(name, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// SyncDir puts the entries of a folder on the disk: a file that was synced and renamed may still be missing after a
// power cut until its folder is synced too. File systems that cannot sync a folder are left to their own ways.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" { // a folder cannot be opened for it there
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// bare strips the temporary name off the errors of a file, so that the caller of Write, who may wrap them, never
// shows it.
type bare struct{ file }

func (b bare) Write(p []byte) (int, error) {
	n, err := b.file.Write(p)
	return n, cause(err)
}

func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	var le *os.LinkError
	if errors.As(err, &le) {
		return le.Err
	}
	return err
}

// named says what was being done to which file. A write function's own error keeps its wrapping.
func named(op, name string, err error) error {
	switch err.(type) {
	case *fs.PathError, *os.LinkError:
		err = cause(err)
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}
