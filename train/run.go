package train

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
)

// The files and folders of a run.
const (
	ConfigFile     = "run.json"
	MetricsFile    = "metrics.jsonl"
	ReportFile     = "report.html"
	CheckpointsDir = "checkpoints"
	ImagesDir      = "images"
	FramesDir      = "images/frames" // of the animation, one an epoch
	EventsDir      = "events"        // for TensorBoard
)

// maxConfig bounds the size of run.json in bytes before it is read.
const maxConfig = 1 << 20

// A Run is a run's folder and its configuration.
type Run struct {
	Dir    string
	Config Config
}

// Path returns a file or folder of the run.
func (r *Run) Path(name string) string { return filepath.Join(r.Dir, filepath.FromSlash(name)) }

// Create makes the folder of a new run in the folder root: of that name, or, if it
// is "", <recipe>-<data>-NNN with the first number above all that are taken. What
// is there is never touched: a name that is taken is an error.
func Create(root, name string, c Config) (*Run, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if name != "" && (name != filepath.Base(name) || name == "." || name == "..") {
		return nil, fmt.Errorf("train: --name %q: want the name of a folder in %s, without a path", name, root)
	}
	b, err := c.encode("  ")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, fmt.Errorf("train: %w: name another folder with --out", err)
	}
	r := &Run{Config: c}
	if r.Dir, err = makeDir(root, name, prefix(c)); err != nil {
		return nil, err
	}
	if err := atomicfile.WriteBytes(r.Path(ConfigFile), b); err != nil {
		os.Remove(r.Dir) // it was made here and is empty: nothing is left of a run that did not begin
		return nil, fmt.Errorf("train: %w", err)
	}
	return r, nil
}

// makeDir makes a folder that was not there.
func makeDir(root, name, prefix string) (string, error) {
	numbered := name == ""
	for {
		if numbered {
			n, err := next(root, prefix)
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
			return "", fmt.Errorf("train: %w", err)
		}
		if !numbered {
			return "", fmt.Errorf("train: %s is there already: choose another --name, or go on with it by --resume %s", dir, dir)
		}
	}
}

// next returns the number after the highest of the folders prefix + number.
func next(root, prefix string) (int, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return 0, fmt.Errorf("train: %w", err)
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

var unfit = regexp.MustCompile(`[^a-z0-9.]+`)

// prefix returns the recipe and the data, as far as they suit a file name.
func prefix(c Config) string {
	clean := func(s string) string { return strings.Trim(unfit.ReplaceAllString(strings.ToLower(s), "-"), "-.") }
	return clean(c.Recipe) + "-" + clean(filepath.Base(c.Data.Name)) + "-"
}

// Open reads a run's folder. If recipe is not "", a run of another recipe is an
// error that names both.
func Open(dir, recipe string) (*Run, error) {
	name := filepath.Join(dir, ConfigFile)
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("train: %s is not the folder of a run: there is no %s in it", dir, ConfigFile)
	}
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	if len(b) > maxConfig {
		return nil, fmt.Errorf("train: %s: more than %d bytes: it is not one of ours", name, maxConfig)
	}
	c, err := Decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; put a good copy in its place, or train anew", name, err)
	}
	if recipe != "" && recipe != c.Recipe {
		return nil, fmt.Errorf("train: %s is a run of recipe %s, not of %s: resume it as %[2]s, or leave --resume out to start anew", dir, c.Recipe, recipe)
	}
	return &Run{Dir: filepath.Clean(dir), Config: c}, nil
}

// Change gives the run another configuration, to be resumed with: more epochs or
// steps, another learning rate or schedule, other checkpoints and pictures. The rest makes the run what
// it is and cannot change.
func (r *Run) Change(c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	same := c
	same.Epochs, same.Steps, same.LR, same.Schedule = r.Config.Epochs, r.Config.Steps, r.Config.LR, r.Config.Schedule
	same.Checkpoints, same.Pictures, same.LogSteps, same.Measure = r.Config.Checkpoints, r.Config.Pictures, r.Config.LogSteps, r.Config.Measure
	was, err := r.Config.encode("")
	if err != nil {
		return err
	}
	if now, err := same.encode(""); err != nil || string(now) != string(was) {
		return errors.Join(err, fmt.Errorf("train: %s: a run that goes on keeps its recipe, data, batch and seed: only --epochs, --steps, --lr, --schedule, --log-steps, --measure, checkpoints and pictures may change", r.Dir))
	}
	lines, _ := ReadLog(r.Dir) // what is wrong with it, the next to open it says
	if done := Epochs(lines); len(done) > 0 {
		was, want := done[len(done)-1].Epoch, c.Epochs
		if c.Steps > 0 {
			was, want = int(done[len(done)-1].Step), c.Steps
		}
		if want < was {
			return fmt.Errorf("train: %s: --%s %d: it has done %d already: want as many, or more to go further", r.Dir, c.unit(), want, was)
		}
	}
	b, err := c.encode("  ")
	if err != nil {
		return err
	}
	unlock, err := lock(r.Dir) // what another process trains by is left alone
	if err != nil {
		return err
	}
	defer unlock()
	if err := atomicfile.WriteBytes(r.Path(ConfigFile), b); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	r.Config = c
	return nil
}
