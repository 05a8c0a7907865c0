package runlog

import (
	"fmt"
	"os"
	"path/filepath"
)

// removingPrefix begins the name of the folder of a run that is being removed.
const removingPrefix = ".removed-"

// Remove deletes the folder of the run and all that is in it. The folder is renamed
// first, so that a removal that is stopped leaves no run with a part of its files. It
// fails if another process trains the run.
func (r *Run) Remove() error {
	unlock, err := r.Lock()
	if err != nil {
		return err
	}
	defer unlock()
	dir, err := filepath.Abs(r.Dir)
	if err != nil {
		return fmt.Errorf("runlog: %w", err)
	}
	gone := filepath.Join(filepath.Dir(dir), removingPrefix+filepath.Base(dir))
	if err := os.RemoveAll(gone); err != nil { // of an earlier removal that was stopped
		return fmt.Errorf("runlog: %w", err)
	}
	if err := os.Rename(dir, gone); err != nil {
		return fmt.Errorf("runlog: %w", err)
	}
	if err := os.RemoveAll(gone); err != nil {
		return fmt.Errorf("runlog: %s is removed in part, the rest is %s: %w", r.Dir, gone, err)
	}
	return nil
}
