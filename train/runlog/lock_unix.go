//go:build unix

package runlog

import (
	"fmt"
	"os"
	"syscall"
)

// Lock makes this process the only one that trains the run, until unlock is called or
// the process ends. It fails if another process has the lock.
func (r *Run) Lock() (unlock func(), err error) {
	f, err := os.OpenFile(r.Path(".lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("runlog: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == syscall.EWOULDBLOCK {
		f.Close()
		return nil, fmt.Errorf("runlog: %s: another process is training this run: wait for it, or stop it", r.Dir)
	}
	// On a file system without locks a run can be trained, too.
	return func() { f.Close() }, nil
}
