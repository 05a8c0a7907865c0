// Package atomicfile replaces files as a whole, and appends to logs that survive a crash.
//
//	err := atomicfile.Write("config.json", func(w io.Writer) error { return json.NewEncoder(w).Encode(c) })
//	log, err := atomicfile.OpenJSONL(disk.At("runs/x"), "metrics.jsonl")
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
	"path/filepath"

	"github.com/imago-ml/imago/internal/disk"
)

// Write replaces the file of the given name by the bytes that the function write writes to its argument, which is buffered.
// When Write returns nil, the bytes are on the disk. Until then they are in a temporary file in the same folder. If name is a
// symbolic link, the link is replaced and not its target. Write returns an error of write wrapped, and then the old file is
// unchanged. The permissions are those that the umask leaves.
func Write(name string, write func(io.Writer) error) error {
	return WriteIn(disk.At(filepath.Dir(name)), filepath.Base(name), write)
}

// WriteBytes replaces the file of the given name by the bytes b, as Write does.
func WriteBytes(name string, b []byte) error { return Write(name, all(b)) }

// all returns a function for Write that writes b.
func all(b []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	}
}

// WriteBytesIn replaces a file of a folder by the bytes b, as Write does.
func WriteBytesIn(dir disk.Folder, name string, b []byte) error { return WriteIn(dir, name, all(b)) }

// WriteIn replaces a file of a folder, as Write does.
func WriteIn(dir disk.Folder, name string, write func(io.Writer) error) error {
	tmp := disk.TempName(name)
	f, err := dir.Create(tmp)
	if err != nil {
		return pathError("create", dir.Path(name), err)
	}
	err = writeAll(f, write)
	if e := f.Close(); err == nil { // an earlier error is the cause
		err = e
	}
	if err != nil {
		dir.Remove(tmp)
		return pathError("write", dir.Path(name), err)
	}
	if err := dir.Rename(tmp, name); err != nil {
		dir.Remove(tmp)
		return pathError("replace", dir.Path(name), err)
	}
	return dir.SyncDir(filepath.ToSlash(filepath.Dir(name)))
}

// writeAll writes the bytes of write to f and syncs f.
func writeAll(f disk.File, write func(io.Writer) error) error {
	w := bufio.NewWriterSize(hiddenName{f}, 64<<10)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Sync()
}

// hiddenName removes the temporary name from the errors of a file, because the caller of Write may show them.
type hiddenName struct{ disk.File }

func (b hiddenName) Write(p []byte) (int, error) {
	n, err := b.File.Write(p)
	return n, cause(err)
}

// cause returns the error of the system without the operation and the file name.
func cause(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// pathError returns err with the operation and the file name. An error of a write function keeps its wrapping.
func pathError(op, name string, err error) error {
	if _, ok := err.(*fs.PathError); ok {
		err = cause(err)
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}
