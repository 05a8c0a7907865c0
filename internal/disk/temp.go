package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"strings"
)

// tempMark is in the name of every temporary file, after a dot and the name of the file that it will be.
const tempMark = ".tmp-"

// TempName returns the name of a new temporary file beside the file of that name.
func TempName(name string) string {
	dir, base := path.Split(name)
	return fmt.Sprintf("%s.%s%s%08x", dir, base, tempMark, rand.Uint32())
}

// IsTemp reports whether a name is that of a temporary file: what TempName returns.
func IsTemp(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, ".") && strings.Contains(base, tempMark)
}

// Sweep removes the temporary files that killed processes left in the folder itself. Nobody else may write into it: of
// a run, only who has its lock sweeps.
func (f Folder) Sweep() error {
	entries, err := f.ReadDir(".")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if IsTemp(e.Name()) && !e.IsDir() {
			if err := f.Remove(e.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
