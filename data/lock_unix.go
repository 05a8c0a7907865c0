//go:build unix && !solaris && !aix

package data

import (
	"errors"
	"os"
	"syscall"
)

// lock locks f for this process until f is closed. It returns false if another process
// holds the lock. On a file system without locks it returns true: the digest of the
// file is checked in any case.
func lock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	if errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.ENOLCK) {
		return true, nil
	}
	return err == nil, err
}
