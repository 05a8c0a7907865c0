package runlog

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/internal/screen"
)

// maxConfig bounds the size of run.json in bytes before it is read.
const maxConfig = 1 << 20

// Create makes the folder of a new run in the folder root. It has that name, or, if
// name is "", the name <recipe>-<data>-NNN with the first number above all that are
// taken. An existing folder is left as it is: a name that is taken is an error, unless it is
// that of a run that was stopped before it had its configuration.
func Create(root, name string, c Config) (*Run, error) {
	return CreateIn(disk.At(root), name, c)
}

// CreateIn does what Create does, in a folder of any system.
func CreateIn(root disk.Folder, name string, c Config) (*Run, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if name != "" && (name != filepath.Base(name) || name == "." || name == "..") {
		return nil, option.Errorf("runlog: {Name} %q: want the name of a folder in %s, without a path", name, root)
	}
	if err := root.MkdirAll("."); err != nil {
		return nil, option.Errorf("runlog: %w: choose another folder by {Out}", err)
	}
	for {
		dir := name
		if name == "" {
			n, err := nextNumber(root, defaultName(&c))
			if err != nil {
				return nil, err
			}
			dir = fmt.Sprintf("%s%03d", defaultName(&c), n)
		}
		folder := disk.On(root.System(), root.Path(dir))
		r := &Run{Dir: folder.String(), Config: c, folder: &folder}
		taken, err := r.start(root, dir)
		if err != nil {
			return nil, err
		}
		if !taken {
			return r, nil
		}
		if name != "" {
			return nil, option.Errorf("runlog: %s is there already: choose another {Name}, or go on with it by {Resume} %s", r.Dir, screen.ShellName(r.Dir))
		}
	}
}

// start makes the folder dir in root, or takes one that is unborn, and writes the configuration. It reports whether the
// folder is that of another run.
func (r *Run) start(root disk.Folder, dir string) (taken bool, err error) {
	err = root.Mkdir(dir)
	made := err == nil
	switch {
	case errors.Is(err, fs.ErrExist):
		unborn, err := isUnborn(r.Folder())
		if err != nil || !unborn {
			return true, err
		}
	case err != nil:
		return false, err
	}
	unlock, err := r.Folder().Lock(LockFile)
	if errors.Is(err, disk.ErrLocked) { // by another process that makes a run of that name
		return true, nil
	}
	if err == nil {
		defer unlock()
		if !made {
			unborn, err := isUnborn(r.Folder())
			if err != nil || !unborn {
				return true, err
			}
		}
		if err = root.SyncDir("."); err == nil {
			err = r.writeConfig()
		}
	}
	if err != nil && made {
		r.Folder().Remove(LockFile)
		root.Remove(dir)
	}
	return false, err
}

// isUnborn reports whether a folder is that of a run that was stopped before it had its configuration: nothing is in it
// but a lock and temporary files.
func isUnborn(f disk.Folder) (bool, error) {
	entries, err := f.ReadDir(".")
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		if e.Name() != LockFile && !disk.IsTemp(e.Name()) {
			return false, nil
		}
	}
	return true, nil
}

// nextNumber returns the number after the highest of the folders prefix + number, or the
// highest itself if that run was stopped before it had its configuration.
func nextNumber(root disk.Folder, prefix string) (int, error) {
	entries, err := root.ReadDir(".")
	if err != nil {
		return 0, fmt.Errorf("runlog: %w", err)
	}
	last := 0
	for _, e := range entries {
		if digits, ok := strings.CutPrefix(e.Name(), prefix); ok {
			if n, err := strconv.Atoi(digits); err == nil {
				last = max(last, n)
			}
		}
	}
	if last > 0 {
		unborn, err := isUnborn(disk.On(root.System(), root.Path(fmt.Sprintf("%s%03d", prefix, last))))
		if err == nil && unborn {
			return last, nil
		}
	}
	return last + 1, nil
}

var notInNames = regexp.MustCompile(`[^a-z0-9.]+`)

// CleanName returns s in lower case with a hyphen in place of all that is not usual in
// the name of a file.
func CleanName(s string) string {
	return strings.Trim(notInNames.ReplaceAllString(strings.ToLower(s), "-"), "-.")
}

// defaultName returns the name of a run without its number: the recipe and the data.
func defaultName(c *Config) string {
	return CleanName(c.Recipe) + "-" + CleanName(filepath.Base(c.Data.Name)) + "-"
}

// Open reads the folder of a run. If recipe is not "", a run of another recipe is an
// error that names both.
func Open(dir, recipe string) (*Run, error) { return OpenIn(disk.At(dir), recipe) }

// OpenIn does what Open does, in a folder of any system.
func OpenIn(folder disk.Folder, recipe string) (*Run, error) {
	name, dir := folder.Path(ConfigFile), folder.String()
	b, err := folder.ReadFile(ConfigFile, maxConfig)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if unborn, e := isUnborn(folder); e == nil && unborn {
			return nil, fmt.Errorf("runlog: %s is not the folder of a run: nothing is in it; if a training was stopped before it began, start it again under that name, or remove the folder", dir)
		}
		return nil, fmt.Errorf("runlog: %s is not the folder of a run: there is no %s in it", dir, ConfigFile)
	case errors.Is(err, disk.ErrTooLong):
		return nil, fmt.Errorf("runlog: %s: more than %d bytes: imago did not write it", name, maxConfig)
	case err != nil:
		return nil, fmt.Errorf("runlog: %w", err)
	}
	c, err := Decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; put a good copy in its place, or train anew", name, err)
	}
	if recipe != "" && recipe != c.Recipe {
		return nil, option.Errorf("runlog: %s is a run of recipe %s, not of %s: resume it as %[2]s, or leave {Resume} out to start a new run", dir, c.Recipe, recipe)
	}
	_, changed := unseal(b)
	return &Run{Dir: dir, Config: c, folder: &folder, changed: changed}, nil
}

// Change gives the run another configuration with which it is resumed. Its length,
// learning rate, schedule, patience, intervals, measurements, checkpoints and pictures may change;
// the rest identifies the run and must stay, but the same data, by their digest, may be
// elsewhere. It fails if another process trains the run. The folder has it once Save was called.
func (r *Run) Change(c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	c.Arithmetic = r.Config.Arithmetic // of the device, not of the user
	if len(c.Differences(&r.Config)) > 0 {
		return option.Errorf("runlog: %s: a resumed run keeps its recipe, data, optimiser, batch and seed: only {Epochs}, {Steps}, {LR}, {Schedule}, {Patience}, {LogSteps}, {Measure}, checkpoints and pictures may change", r.Dir)
	}
	if err := r.checkLength(&c); err != nil {
		return err
	}
	unlock, err := r.Lock()
	if err != nil {
		return err
	}
	defer unlock()
	r.Config, r.unsaved = c, true
	return nil
}

// Save writes the configuration that Change has given the run, if it has. A training calls it when it has read all that it
// goes on from: a run that is refused then stays as it is. The caller holds the run's Lock.
func (r *Run) Save() error {
	if !r.unsaved {
		return nil
	}
	if err := r.writeConfig(); err != nil {
		return err
	}
	r.changed, r.unsaved = false, false
	return nil
}

// Differences returns the fields in which c is not the run of other, as "model.beta: 4, not 1". Fields that may change when
// a run is resumed are not compared.
func (c *Config) Differences(other *Config) []string {
	same := *c
	same.Epochs, same.Steps, same.LR, same.Schedule = other.Epochs, other.Steps, other.LR, other.Schedule
	same.Checkpoints, same.Pictures, same.LogSteps, same.Measure = other.Checkpoints, other.Pictures, other.LogSteps, other.Measure
	same.Patience = other.Patience
	same.Data = same.Data.Moved(other.Data)
	if same.Arithmetic == "" || other.Arithmetic == "" { // one is of before the start of the run
		same.Arithmetic = other.Arithmetic
	}
	is, was := same.Fields(), other.Fields()
	var names []string
	for name := range is {
		names = append(names, name)
	}
	for name := range was {
		if _, both := is[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var differ []string
	for _, name := range names {
		if is[name] != was[name] {
			differ = append(differ, fmt.Sprintf("%s: %s, not %s", name, shortened(is[name]), shortened(was[name])))
		}
	}
	return differ
}

// shortened returns the text of a field for a message, which a hostile file cannot make long.
func shortened(s string) string {
	const most = 80
	if r := []rune(s[:min(len(s), 4*most)]); len(r) > most {
		return string(r[:most]) + "…"
	}
	return cmp.Or(s, "none")
}

// Begin notes in the configuration on which arithmetic the run begins. The caller holds the run's Lock.
func (r *Run) Begin(arithmetic string) error {
	r.Config.Arithmetic = arithmetic
	return r.writeConfig()
}

// checkLength returns an error if c is shorter than what the run has done.
func (r *Run) checkLength(c *Config) error {
	last, err := lastEpoch(r.Folder())
	if err != nil || last == nil { // its fault is reported when the run is trained
		return nil
	}
	done, want, field := last.Epoch, c.Epochs, "{Epochs}"
	if c.BySteps() {
		done, want, field = int(last.Step), c.Steps, "{Steps}"
	}
	if want < done {
		return option.Errorf("runlog: %s: "+field+" %d: it has done %d already: want as many, or more to continue", r.Dir, want, done)
	}
	return nil
}
