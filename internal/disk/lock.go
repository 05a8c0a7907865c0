package disk

import "errors"

// ErrLocked says that another process has the lock. Test with errors.Is.
var ErrLocked = errors.New("another process has the lock")

// Lock makes this process the only one that has the lock of the folder, until unlock is called or the process ends. name
// is a file that the lock is put on. On Unix the folder itself is locked too, so that a file that was removed, and with
// it the lock on it, does not let a second process in. The error is ErrLocked if another process has the lock, and
// another one if the file system cannot lock: without a lock nothing may be written.
func (f Folder) Lock(name string) (unlock func() error, err error) {
	unlock, err = f.sys.Lock(f.root, f.name(name))
	return unlock, f.explain("lock", name, err)
}
