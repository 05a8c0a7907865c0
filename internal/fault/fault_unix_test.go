//go:build unix

package fault

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
	"testing"
)

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		err                   error
		full, tooMany, system bool
	}{
		{&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, true, false, false},
		{fmt.Errorf("weights: %w", syscall.EDQUOT), true, false, false},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.EMFILE}, false, true, true},
		{errors.Join(io.EOF, syscall.EIO), false, false, true},
		{syscall.EACCES, false, false, false},
		{syscall.ENOENT, false, false, false},
		{io.ErrUnexpectedEOF, false, false, false},
		{nil, false, false, false},
	} {
		if IsFull(c.err) != c.full || IsTooManyFiles(c.err) != c.tooMany || OfSystem(c.err) != c.system {
			t.Errorf("%v: %v, %v, %v", c.err, IsFull(c.err), IsTooManyFiles(c.err), OfSystem(c.err))
		}
	}
}
