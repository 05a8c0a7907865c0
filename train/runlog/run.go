package runlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/option"
)

// maxConfig bounds the size of run.json in bytes before it is read.
const maxConfig = 1 << 20

// Create makes the folder of a new run in the folder root. It has that name, or, if
// name is "", the name <recipe>-<data>-NNN with the first number above all that are
// taken. An existing folder is left as it is: a name that is taken is an error.
func Create(root, name string, c Config) (*Run, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if name != "" && (name != filepath.Base(name) || name == "." || name == "..") {
		return nil, option.Errorf("runlog: {Name} %q: want the name of a folder in %s, without a path", name, root)
	}
	b, err := c.Encode("  ")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, option.Errorf("runlog: %w: choose another folder by {Out}", err)
	}
	r := &Run{Config: c}
	if r.Dir, err = makeDir(root, name, defaultName(&c)); err != nil {
		return nil, err
	}
	if err := atomicfile.WriteBytes(r.Path(ConfigFile), b); err != nil {
		os.Remove(r.Dir) // it was made above and is empty
		return nil, fmt.Errorf("runlog: %w", err)
	}
	return r, nil
}

// makeDir makes a new folder in root and returns its path: prefix with the next free
// number if name is "".
func makeDir(root, name, prefix string) (string, error) {
	numbered := name == ""
	for {
		if numbered {
			n, err := nextNumber(root, prefix)
			if err != nil {
				return "", err
			}
			name = fmt.Sprintf("%s%03d", prefix, n)
		}
		dir := filepath.Join(root, name)
		err := os.Mkdir(dir, 0o755)
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("runlog: %w", err)
		}
		if !numbered {
			return "", option.Errorf("runlog: %s is there already: choose another {Name}, or go on with it by {Resume} %s", dir, dir)
		}
	}
}

// nextNumber returns the number after the highest of the folders prefix + number.
func nextNumber(root, prefix string) (int, error) {
	entries, err := os.ReadDir(root)
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
func Open(dir, recipe string) (*Run, error) {
	name := filepath.Join(dir, ConfigFile)
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("runlog: %s is not the folder of a run: there is no %s in it", dir, ConfigFile)
	}
	if err != nil {
		return nil, fmt.Errorf("runlog: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, fmt.Errorf("runlog: %w", err)
	}
	if len(b) > maxConfig {
		return nil, fmt.Errorf("runlog: %s: more than %d bytes: imago did not write it", name, maxConfig)
	}
	c, err := Decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; put a good copy in its place, or train anew", name, err)
	}
	if recipe != "" && recipe != c.Recipe {
		return nil, option.Errorf("runlog: %s is a run of recipe %s, not of %s: resume it as %[2]s, or leave {Resume} out to start a new run", dir, c.Recipe, recipe)
	}
	return &Run{Dir: filepath.Clean(dir), Config: c}, nil
}

// Change gives the run another configuration with which it is resumed. Its length,
// learning rate, schedule, patience, intervals, measurements, checkpoints and pictures may change;
// the rest identifies the run and must stay, but the same data, by their digest, may be
// elsewhere. It fails if another process trains the run.
func (r *Run) Change(c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	same := c
	same.Epochs, same.Steps, same.LR, same.Schedule = r.Config.Epochs, r.Config.Steps, r.Config.LR, r.Config.Schedule
	same.Checkpoints, same.Pictures, same.LogSteps, same.Measure = r.Config.Checkpoints, r.Config.Pictures, r.Config.LogSteps, r.Config.Measure
	same.Patience = r.Config.Patience
	same.Data = same.Data.Moved(r.Config.Data)
	was, err := r.Config.Encode("")
	if err != nil {
		return err
	}
	if now, err := same.Encode(""); err != nil || string(now) != string(was) {
		return errors.Join(err, option.Errorf("runlog: %s: a resumed run keeps its recipe, data, optimiser, batch and seed: only {Epochs}, {Steps}, {LR}, {Schedule}, {Patience}, {LogSteps}, {Measure}, checkpoints and pictures may change", r.Dir))
	}
	if err := r.checkLength(&c); err != nil {
		return err
	}
	b, err := c.Encode("  ")
	if err != nil {
		return err
	}
	unlock, err := r.Lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := atomicfile.WriteBytes(r.Path(ConfigFile), b); err != nil {
		return fmt.Errorf("runlog: %w", err)
	}
	r.Config = c
	return nil
}

// checkLength returns an error if c is shorter than what the run has done.
func (r *Run) checkLength(c *Config) error {
	lines, _ := ReadLog(r.Dir) // its fault, if any, is reported when the run is trained
	epochs := Epochs(lines)
	if len(epochs) == 0 {
		return nil
	}
	last := epochs[len(epochs)-1]
	done, want, field := last.Epoch, c.Epochs, "{Epochs}"
	if c.BySteps() {
		done, want, field = int(last.Step), c.Steps, "{Steps}"
	}
	if want < done {
		return option.Errorf("runlog: %s: "+field+" %d: it has done %d already: want as many, or more to continue", r.Dir, want, done)
	}
	return nil
}
