//go:build !unix && !windows

package fault

import "syscall"

// The numbers of this system are not known.
var full, tooMany, failing []syscall.Errno
