package ckpt

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/option"
)

// A Folder is the folder that holds the checkpoints of a run. Names in it are those of checkpoints, and no link leads out
// of it.
type Folder = disk.Folder

// Dir returns the folder of that path. The folder of a run's checkpoints is runlog.Run.Checkpoints, out of which no link
// of the run leads.
func Dir(path string) Folder { return disk.At(path) }

// Name returns the name of the folder of a checkpoint of a step: step-00001234.
func Name(step int64) string { return fmt.Sprintf("step-%08d", step) }

func parseName(name string) (step int64, ok bool) {
	_, err := fmt.Sscanf(name, "step-%d", &step)
	return step, err == nil && step >= 0 && Name(step) == name
}

// A Manager keeps the checkpoints of one run in one folder. One process has a run's Manager, the one that trains; others
// read with List, Latest, Best and Load at any time. Its methods are not safe for concurrent use.
type Manager struct {
	in   Folder
	keep int
}

// OpenManager makes the folder if there is none and removes what a killed process left in it. The last keep
// checkpoints are kept, all of them if keep is below 1.
func OpenManager(in Folder, keep int) (*Manager, error) {
	m := &Manager{in, keep}
	if err := m.recover(); err != nil {
		return nil, fmt.Errorf("ckpt: %w", err)
	}
	return m, nil
}

// recover completes replacements that a killed process has not completed.
func (m *Manager) recover() error {
	if err := m.in.MkdirAll("."); err != nil {
		return err
	}
	entries, err := m.in.ReadDir(".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case strings.HasPrefix(name, tmpPrefix):
			err = m.in.RemoveAll(name)
		case strings.HasPrefix(name, oldPrefix):
			err = recoverOld(m.in, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Folder returns the folder.
func (m *Manager) Folder() Folder { return m.in }

// ErrNotPruned marks an error of Save that comes after the checkpoint was saved: earlier ones could not be removed, or
// could not be read, so that it is not known which of them is the best. All of them are kept then.
var ErrNotPruned = errors.New("earlier checkpoints are kept")

// Save saves c under the name of its step, which it returns, then prunes. An error that is ErrNotPruned does not concern
// c. When c is the best of its run so far, c.State.Best.Step is c.State.Step: that is what Best goes by, and why c is
// kept.
func (m *Manager) Save(c *Checkpoint) (string, error) {
	name, err := Save(m.in, c)
	if err != nil {
		return "", err
	}
	if err := m.prune(c.State.Step); err != nil {
		return name, fmt.Errorf("ckpt: %w: %w", ErrNotPruned, err)
	}
	return name, nil
}

// prune removes the checkpoints up to step that are neither among the last keep nor the best one by the state of one of
// those: if the newest turns out to be damaged, the best one of the checkpoint before it is still there. If one of those
// states cannot be read, nothing is removed.
func (m *Manager) prune(step int64) error {
	if m.keep < 1 {
		return nil
	}
	names, err := List(m.in)
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { s, _ := parseName(name); return s > step })
	cut := max(0, len(names)-m.keep)
	if cut == 0 {
		return nil
	}
	best := map[string]bool{}
	for _, name := range names[cut:] {
		s, err := loadState(m.in, name)
		if err != nil {
			return err
		}
		if s.Best != nil {
			best[Name(s.Best.Step)] = true
		}
	}
	for _, name := range names[:cut] {
		if best[name] {
			continue
		}
		if err := remove(m.in, name); err != nil {
			return err
		}
	}
	return nil
}

// CanRewind returns an error if a checkpoint after found could not be read for another reason than damage, or is of
// another version: it may be good, and is not replaced unread.
func (m *Manager) CanRewind(found *Found) error {
	for _, s := range found.Skipped {
		if !errors.Is(s.Err, ErrDamaged) {
			return fmt.Errorf("ckpt: %w; it is later than step %d, and is not replaced unread: mend the cause and try again, or move it out of %s", s.Err, found.State.Step, m.in)
		}
	}
	return nil
}

// Rewind makes found, the latest checkpoint that is whole, the last one: those after it, which are damaged, get another
// name, and are no checkpoints any more. Then it prunes, which the process that saved found may have been stopped before.
// It returns what to tell the user. If CanRewind has an error, nothing is changed.
func (m *Manager) Rewind(found *Found) ([]error, error) {
	if err := m.CanRewind(found); err != nil {
		return nil, err
	}
	var warned []error
	for i, s := range found.Skipped {
		to, err := quarantine(m.in, s.Name)
		if err != nil {
			return warned, fmt.Errorf("ckpt: %w", err)
		}
		if i == mostWarnings {
			warned = append(warned, fmt.Errorf("ckpt: %w, and %d more; they are kept as %s…", ErrDamaged, len(found.Skipped)-mostWarnings, m.in.Path(damagedPrefix)))
		}
		if i >= mostWarnings {
			continue
		}
		warned = append(warned, fmt.Errorf("ckpt: %w; the run goes on from step %d, and the damaged checkpoint is kept as %s: delete it when you do not want to look at it", s.Err, found.State.Step, m.in.Path(to)))
	}
	if len(found.Skipped) > 0 {
		if err := m.in.SyncDir("."); err != nil {
			return warned, fmt.Errorf("ckpt: %w", err)
		}
	}
	if err := m.prune(found.State.Step); err != nil {
		warned = append(warned, fmt.Errorf("ckpt: %w: %w", ErrNotPruned, err))
	}
	return warned, nil
}

// mostWarnings is how many damaged checkpoints are told one by one.
const mostWarnings = 3

// List returns the names of the checkpoints in the folder, earliest step first, unread: some may be damaged. A folder
// that is not there has none.
func List(in Folder) ([]string, error) {
	entries, err := in.ReadDir(".")
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
		names = append(names, Name(s))
	}
	return names, nil
}

// Skipped is a checkpoint that was not used, and why.
type Skipped struct {
	Name string
	Err  error // ErrDamaged, ErrVersion, or an error of the system, as syscall.EIO: then it may be good
}

// Warnings returns what of gives for the first few checkpoints that were not used, and for the others their number: a hostile
// folder has thousands.
func Warnings(skipped []Skipped, of func(Skipped) error) []error {
	var all []error
	for i, s := range skipped {
		if i == mostWarnings {
			return append(all, fmt.Errorf("%d more checkpoints cannot be read", len(skipped)-i))
		}
		all = append(all, of(s))
	}
	return all
}

// Found is a checkpoint and where it was.
type Found struct {
	*Checkpoint
	Name    string
	Skipped []Skipped // later ones; worth a warning each
}

// Latest reads the latest checkpoint in the folder that is whole and can be read. Others are not used and named in
// Skipped. The error is ErrNone if none is left, or if the latest thousand cannot be read.
func Latest(in Folder) (*Found, error) {
	names, err := List(in)
	if err != nil {
		return nil, err
	}
	f := &Found{}
	for _, name := range slices.Backward(names) {
		if f.Checkpoint, err = load(in, name, true); err == nil {
			f.Name = name
			return f, nil
		}
		if f.Skipped = append(f.Skipped, Skipped{name, err}); len(f.Skipped) == mostSkipped {
			break
		}
	}
	return nil, none(in, f.Skipped, len(names))
}

// mostSkipped is how many of the latest checkpoints are looked at for one that can be read. No training leaves so many
// bad ones, and to open and rename 50,000 that a stranger has put there takes most of a minute.
const mostSkipped = 1000

// none returns the error for a folder of so many checkpoints, of which the skipped ones were looked at.
func none(in Folder, skipped []Skipped, have int) error {
	if len(skipped) == 0 {
		return fmt.Errorf("ckpt: %s: %w in it", in, ErrNone)
	}
	if more := have - len(skipped); more > 0 {
		return fmt.Errorf("ckpt: %s: %w can be read of the latest %d, the first of which is %s; there are %d before them: move the bad ones out of the folder to go on from one of those; the latest: %w",
			in, ErrNone, len(skipped), skipped[len(skipped)-1].Name, more, skipped[0].Err)
	}
	return fmt.Errorf("ckpt: %s: %w in it can be read, of %d; the latest: %w", in, ErrNone, len(skipped), skipped[0].Err)
}

// A Choice is the name of a checkpoint that was chosen by what others say.
type Choice struct {
	Name    string
	Skipped []Skipped // those whose say was not heard, as they could not be read: worth a warning each
}

// Best returns the best checkpoint in the folder, by what the latest readable state says was best: there is no pointer
// that could disagree. It is the latest itself if no evaluation was recorded. The error is ErrNone if there is no
// checkpoint, or the best one is gone.
func Best(in Folder) (*Choice, error) {
	names, err := List(in)
	if err != nil {
		return nil, err
	}
	c := &Choice{}
	for _, name := range slices.Backward(names) {
		s, err := loadState(in, name)
		if err != nil {
			if c.Skipped = append(c.Skipped, Skipped{name, err}); len(c.Skipped) == mostSkipped {
				break
			}
			continue
		}
		if s.Best == nil {
			c.Name = name
			return c, nil
		}
		if c.Name = Name(s.Best.Step); !slices.Contains(names, c.Name) {
			return nil, option.Errorf("ckpt: %s: %w: by %s the best was step %d, which is not there; use {Checkpoint} %[3]s", in, ErrNone, in.Path(name), s.Best.Step)
		}
		return c, nil
	}
	return nil, none(in, c.Skipped, len(names))
}
