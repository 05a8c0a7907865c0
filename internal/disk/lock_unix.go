//go:build unix

package disk

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"syscall"
)

const nonblock = syscall.O_NONBLOCK

// manyNames reports whether an open file has hard links.
func manyNames(f File) bool {
	st, err := f.Stat()
	if err != nil {
		return false
	}
	s, ok := st.Sys().(*syscall.Stat_t)
	return ok && s.Nlink > 1
}

// Lock locks a file and the folder that it is in.
func (native) Lock(root, name string) (func() error, error) {
	var held []*os.File
	unlock := func() error {
		var errs []error
		for _, f := range held {
			errs = append(errs, f.Close())
		}
		return errors.Join(errs...)
	}
	err := in(root, func(r *os.Root) error {
		for _, at := range []struct {
			name string
			flag int
		}{{name, os.O_RDWR | os.O_CREATE}, {path.Dir(name), os.O_RDONLY}} {
			f, err := r.OpenFile(filepath.FromSlash(at.name), at.flag|nonblock, 0o666)
			if err != nil {
				return err
			}
			held = append(held, f)
			switch err := flock(f); {
			case err == nil:
			case errors.Is(err, syscall.EWOULDBLOCK):
				return ErrLocked
			case errors.Is(err, syscall.EBADF) && at.flag == os.O_RDONLY: // NFS locks only what is open for writing
			default:
				return err
			}
		}
		return nil
	})
	if err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// flock takes the lock of an open file without waiting.
func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EINTR {
			return err
		}
	}
}
