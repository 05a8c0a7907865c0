// Package fault tells errors of the machine from errors of a file.
//
//	if fault.OfSystem(err) { // the file may be good: nothing is known of it
//		return err
//	}
//
// A file that cannot be opened because too many are open, or cannot be read because the disk fails, is not a bad file:
// it must be neither left out nor deleted nor made anew. The package knows the numbers of errors of each system, and
// must not know what the files hold.
package fault

import (
	"errors"
	"slices"
	"syscall"
)

// IsFull reports whether err says that a disk is full, or that the quota of the user on it is.
func IsFull(err error) bool { return isOne(err, full) }

// IsTooManyFiles reports whether err says that this process, or the system, has too many files open.
func IsTooManyFiles(err error) bool { return isOne(err, tooMany) }

// OfSystem reports whether err is of the machine and says nothing about the content of a file: too many open files, no
// memory, a disk or a network that fails.
func OfSystem(err error) bool { return IsTooManyFiles(err) || isOne(err, failing) }

// isOne reports whether err wraps one of the numbers.
func isOne(err error, numbers []syscall.Errno) bool {
	var n syscall.Errno
	return errors.As(err, &n) && slices.Contains(numbers, n)
}
