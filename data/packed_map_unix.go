//go:build unix && !solaris && !aix

package data

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps the file into memory, read only.
func mapFile(f *os.File, size int64) ([]byte, error) {
	if size <= 0 || int64(int(size)) != size {
		return nil, errors.ErrUnsupported
	}
	return unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
}

func unmapFile(m []byte) { unix.Munmap(m) } // it fails for what is no mapping only
