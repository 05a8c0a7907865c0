package disk

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

const nonblock = 0

// manyNames reports false: Windows' number of names is not in its fs.FileInfo.
func manyNames(File) bool { return false }

// Lock locks a file, which cannot be removed while it is open.
func (native) Lock(root, name string) (func() error, error) {
	var f *os.File
	err := in(root, func(r *os.Root) (err error) {
		f, err = r.OpenFile(filepath.FromSlash(name), os.O_RDWR|os.O_CREATE, 0o666)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
	if err != nil {
		f.Close()
		if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
			err = ErrLocked
		}
		return nil, err
	}
	return f.Close, nil
}
