package runlog

import (
	"errors"
	"fmt"

	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/option"
)

// LockFile is the file in a run's folder that the lock is put on.
const LockFile = ".lock"

// Lock makes this process the only one that trains the run, until unlock is called or
// the process ends, and removes what a killed process left half written in the run. It fails if another process has the
// lock, and where the file system has no locks: two trainings could write one run then.
func (r *Run) Lock() (unlock func(), err error) {
	f := r.Folder()
	release, err := f.Lock(LockFile)
	switch {
	case errors.Is(err, disk.ErrLocked):
		return nil, fmt.Errorf("runlog: %s: another process is training this run: wait for it, or stop it", r.Dir)
	case err != nil:
		return nil, option.Errorf("runlog: %w; a run is trained under a lock, so that no two processes write it: keep it in a folder that this process can write, on a file system with locks, as a local disk has ({Out})", err)
	}
	for _, dir := range []string{".", ImagesDir, FramesDir} {
		f.Sub(dir).Sweep() // what cannot be swept is in nobody's way
	}
	return func() { release() }, nil
}
