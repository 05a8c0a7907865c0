package ckpt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imago-ml/imago/internal/option"
)

// Name returns the name of the folder of a checkpoint of a step: step-00001234.
func Name(step int64) string { return fmt.Sprintf("step-%08d", step) }

func parseName(name string) (step int64, ok bool) {
	_, err := fmt.Sscanf(name, "step-%d", &step)
	return step, err == nil && step >= 0 && Name(step) == name
}

// A Manager keeps the checkpoints of one run in one folder. One process has a run's Manager, the one that trains; others
// read with List, Latest, Best and Load at any time. Its methods are not safe for concurrent use.
type Manager struct {
	dir  string
	keep int
}

// OpenManager makes the folder dir if there is none and removes what a killed process left in it. The last keep
// checkpoints are kept, all of them if keep is below 1.
func OpenManager(dir string, keep int) (*Manager, error) {
	m := &Manager{dir: filepath.Clean(dir), keep: keep}
	if err := m.recover(); err != nil {
		return nil, fmt.Errorf("ckpt: %w", err)
	}
	return m, nil
}

// recover completes replacements that a killed process has not completed.
func (m *Manager) recover() error {
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return err
	}
	if err := sweep(m.dir, tmpPrefix); err != nil {
		return err
	}
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		base, old := strings.CutPrefix(e.Name(), oldPrefix)
		if !old {
			continue
		}
		from, to := filepath.Join(m.dir, e.Name()), filepath.Join(m.dir, base)
		if exists(to) {
			err = remove(from)
		} else {
			err = rename(from, to)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Dir returns the folder.
func (m *Manager) Dir() string { return m.dir }

// Save saves c under the name of its step, then prunes. It returns the folder of the checkpoint, which is good even if
// the error is one of pruning. When c is the best of its run so far, c.State.Best.Step is c.State.Step: that is what
// Best goes by, and why c is kept.
func (m *Manager) Save(c *Checkpoint) (string, error) {
	dir := filepath.Join(m.dir, Name(c.State.Step))
	if err := Save(dir, c); err != nil {
		return "", err
	}
	return dir, m.prune(c.State.Step)
}

// prune removes the checkpoints up to step that are neither among the last keep nor the best one by the state of one of
// those: if the newest turns out to be damaged, the best one of the checkpoint before it is still there.
func (m *Manager) prune(step int64) error {
	if m.keep < 1 {
		return nil
	}
	names, err := List(m.dir)
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { s, _ := parseName(filepath.Base(name)); return s > step })
	cut := max(0, len(names)-m.keep)
	best := map[string]bool{}
	for _, name := range names[cut:] {
		if s, err := LoadState(name); err == nil && s.Best != nil { // a damaged one is left out
			best[Name(s.Best.Step)] = true
		}
	}
	for _, name := range names[:cut] {
		if best[filepath.Base(name)] {
			continue
		}
		if err := remove(name); err != nil {
			return fmt.Errorf("ckpt: %s: not removed: %w", name, err)
		}
	}
	return nil
}

// Rewind removes the checkpoints of steps after step: which a run that was resumed there will write again.
func (m *Manager) Rewind(step int64) error {
	names, err := List(m.dir)
	if err != nil {
		return err
	}
	for _, name := range slices.Backward(names) {
		if s, _ := parseName(filepath.Base(name)); s > step {
			if err := remove(currentDir(name)); err != nil {
				return fmt.Errorf("ckpt: %s: not removed: %w", name, err)
			}
		}
	}
	return nil
}

// List returns the checkpoints in the folder dir, earliest step first, unread: some may be damaged. A folder that is not
// there has none.
func List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ckpt: %w", err)
	}
	var steps []int64
	for _, e := range entries {
		if s, ok := parseName(strings.TrimPrefix(e.Name(), oldPrefix)); ok && e.IsDir() {
			steps = append(steps, s)
		}
	}
	slices.Sort(steps)
	var names []string
	for _, s := range slices.Compact(steps) { // one that is being replaced may be there twice
		names = append(names, filepath.Join(dir, Name(s)))
	}
	return names, nil
}

// Found is a checkpoint and where it was.
type Found struct {
	*Checkpoint
	Dir     string  // its folder
	Skipped []error // why later ones were not used; worth a warning each
}

// Latest reads the latest checkpoint in the folder dir that is whole. Damaged ones are not used and named in
// Skipped. The error is ErrNone if none is left.
func Latest(dir string) (*Found, error) {
	names, err := List(dir)
	if err != nil {
		return nil, err
	}
	f := &Found{}
	for _, name := range slices.Backward(names) {
		if f.Checkpoint, err = load(name, true); err == nil {
			f.Dir = name
			return f, nil
		}
		f.Skipped = append(f.Skipped, fmt.Errorf("ckpt: %w", err))
	}
	return nil, none(dir, f.Skipped)
}

func none(dir string, skipped []error) error {
	if len(skipped) == 0 {
		return fmt.Errorf("ckpt: %s: %w in it", dir, ErrNone)
	}
	return fmt.Errorf("ckpt: %s: %w in it can be read, of %d; the latest: %w", dir, ErrNone, len(skipped), skipped[0])
}

// Best returns the folder of the best checkpoint in the folder dir, by what the latest readable state says was best: there is
// no pointer that could disagree. It is the latest itself if no evaluation was recorded. The error is ErrNone if there
// is no checkpoint, or the best one is gone.
func Best(dir string) (string, error) {
	names, err := List(dir)
	if err != nil {
		return "", err
	}
	var skipped []error
	for _, name := range slices.Backward(names) {
		s, err := LoadState(name)
		if err != nil {
			skipped = append(skipped, err)
			continue
		}
		if s.Best == nil {
			return name, nil
		}
		best := filepath.Join(dir, Name(s.Best.Step))
		if !slices.Contains(names, best) {
			return "", option.Errorf("ckpt: %s: %w: by %s the best was step %d, which is not there; use {Checkpoint} %[3]s", dir, ErrNone, name, s.Best.Step)
		}
		return best, nil
	}
	return "", none(dir, skipped)
}
