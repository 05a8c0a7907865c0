// Package atomicfile replaces files as a whole, and appends to logs that survive a crash.
//
//	err := atomicfile.Write("config.json", func(w io.Writer) error { return json.NewEncoder(w).Encode(c) })
//	log, err := atomicfile.OpenJSONL("metrics.jsonl")
//	err = log.Append(line)
//
// A reader of a file that Write replaces finds the old bytes or the new bytes and never a part of them, also if the writer
// fails, is killed, or the machine loses power. A write that fails leaves no file behind. JSONL is a log of lines, and the
// only file that is changed in place: a partial last line is removed when the log is opened again.
//
// Errors contain the name of the file, not that of the temporary file, and unwrap to the cause, for example syscall.ENOSPC.
// This package must not know the contents of the files.
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

// Mode is the permission of all files that this package writes. Others can read them, unlike the files of os.CreateTemp.
const Mode fs.FileMode = 0o644

// A file has the methods of *os.File that Write needs. Tests replace it by one that fails.
type file interface {
	io.Writer
	Name() string
	Chmod(fs.FileMode) error
	Sync() error
	Close() error
}

var createTemp = func(dir, pattern string) (file, error) { return os.CreateTemp(dir, pattern) }

// Write replaces the file of the given name by the bytes that the function write writes to its argument, which is buffered.
// When Write returns nil, the bytes are on the disk. Until then they are in a temporary file in the same folder. If name is a
// symbolic link, the link is replaced and not its target. Write returns an error of write wrapped, and then the old file is
// unchanged.
func Write(name string, write func(io.Writer) error) error {
	f, err := createTemp(filepath.Dir(name), "."+filepath.Base(name)+".tmp-*")
	if err != nil {
		return pathError("create", name, err)
	}
	defer os.Remove(f.Name()) // after the rename there is no such file
	if err := writeAll(f, write); err != nil {
		f.Close() // the earlier error is the cause
		return pathError("write", name, err)
	}
	if err := f.Close(); err != nil {
		return pathError("write", name, err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return pathError("replace", name, err)
	}
	return SyncDir(filepath.Dir(name))
}

// writeAll writes the bytes of write to f, sets the mode and syncs f.
func writeAll(f file, write func(io.Writer) error) error {
	w := bufio.NewWriterSize(hiddenName{f}, 64<<10)
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

// WriteBytes replaces the file of the given name by the bytes b, as Write does.
func WriteBytes(name string, b []byte) error {
	return Write(name, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// SyncDir writes the entries of a folder to the disk. Without it, a file that was synced and renamed may be missing after a
// power failure. It returns nil if the file system cannot sync folders.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" { // it cannot open folders for this
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

// hiddenName removes the temporary name from the errors of a file, because the caller of Write may show them.
type hiddenName struct{ file }

func (b hiddenName) Write(p []byte) (int, error) {
	n, err := b.file.Write(p)
	return n, rootCause(err)
}

// rootCause returns the error of the system without the operation and the file name.
func rootCause(err error) error {
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

// pathError returns err with the operation and the file name. An error of a write function keeps its wrapping.
func pathError(op, name string, err error) error {
	switch err.(type) {
	case *fs.PathError, *os.LinkError:
		err = rootCause(err)
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}
