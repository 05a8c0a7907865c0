//go:build unix

package fault

import "syscall"

var (
	full    = []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT}
	tooMany = []syscall.Errno{syscall.EMFILE, syscall.ENFILE}
	failing = []syscall.Errno{syscall.EIO, syscall.ENOMEM, syscall.EAGAIN, syscall.ESTALE, syscall.ETIMEDOUT, syscall.ENODEV, syscall.ENXIO}
)
