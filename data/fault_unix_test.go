//go:build unix

package data

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"
)

// An image that cannot be opened for the machine's sake is not a bad image: it is neither listed as one nor left out.
func TestMachineIsNotABadImage(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.EIO, syscall.ENOMEM} {
		files := []ImageFile{{Name: "a.png", Size: 10, open: func() (io.ReadCloser, error) {
			return nil, &fs.PathError{Op: "open", Path: "a.png", Err: errno}
		}}}
		for _, skip := range []bool{false, true} {
			for _, least := range []int64{1, 1 << 30} { // packed, in memory
				d := Decoding{Files: files, H: 2, W: 2, C: 1, Least: least, SkipBad: skip}
				_, err := d.Images(t.Context(), Options{DataDir: t.TempDir()})
				if bad := (*BadFilesError)(nil); errors.As(err, &bad) || !errors.Is(err, errno) || strings.Contains(err.Error(), "good image") || !strings.Contains(err.Error(), "a.png") {
					t.Errorf("%v, SkipBad %v: %v", errno, skip, err)
				}
			}
		}
	}
}
