package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// A Trained is a trained model, ready to be used.
type Trained struct {
	*latent.Session
	Config runlog.Config
	Path   string // the checkpoint's folder or the weights file it was read from
	Run    string // the folder of the run that Path belongs to; "" if it is in none
	Step   int64
	// Warnings are why another model may have been meant: checkpoints that could not be read, and a run.json that is not what
	// the checkpoint was trained with.
	Warnings []error
}

// The files of a folder for a hub of models, as package export/hub writes it.
const (
	HubWeights = "model.safetensors"
	HubConfig  = "config.json"
)

// OpenModel reads a trained model: from a run's folder (its best checkpoint by
// test_loss), from a checkpoint's folder, from a folder for a hub of models, or from a
// weights file alone.
func OpenModel(path string, models *model.Registry, be backend.Backend) (*Trained, error) {
	if _, err := disk.Stat(path); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	if _, err := disk.Stat(filepath.Join(path, runlog.ConfigFile)); err == nil {
		run, err := runlog.Open(path, "")
		if err != nil {
			return nil, err
		}
		return OpenBest(run, models, be)
	}
	if info, err := disk.Stat(path); err == nil && info.IsDir() {
		if _, err := disk.Stat(filepath.Join(path, HubWeights)); err == nil {
			return openHub(path, models, be)
		}
		if _, err := disk.Stat(filepath.Join(path, ckpt.StateFile)); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("train: %s is neither the folder of a run (no %s in it) nor of a checkpoint (no %s), nor one for a hub (no %s): want one of these or a weights file", path, runlog.ConfigFile, ckpt.StateFile, HubWeights)
		}
	}
	return openIn(ckpt.Dir(filepath.Dir(path)), filepath.Base(path), runOf(path), models, be)
}

// openHub reads the weights in a folder for a hub. If a program has written them again without what imago put there, the
// recipe and the configuration are those of config.json.
func openHub(path string, models *model.Registry, be backend.Backend) (*Trained, error) {
	in := ckpt.Dir(path)
	c, err := ckpt.LoadWeights(in, HubWeights)
	if err != nil {
		return nil, err
	}
	if c.State.Recipe == "" {
		b, err := in.ReadFile(HubConfig, maxHubConfig)
		if err != nil {
			return nil, fmt.Errorf("train: %w", err)
		}
		var file struct {
			Recipe string          `json:"model_type"`
			Step   int64           `json:"step"`
			Config json.RawMessage `json:"config"`
		}
		if err := json.Unmarshal(b, &file); err != nil || file.Recipe == "" || len(file.Config) == 0 {
			return nil, fmt.Errorf("train: %s: imago did not write this file: want model_type, step and config in it", in.Path(HubConfig))
		}
		c.State.Recipe, c.State.Step, c.State.Config = file.Recipe, file.Step, file.Config
	}
	return openLoaded(c, in.Path(HubWeights), nil, models, be)
}

// maxHubConfig is how long config.json may be.
const maxHubConfig = 16 << 20

// OpenBest reads the best checkpoint of a run, by what it monitors.
func OpenBest(run *runlog.Run, models *model.Registry, be backend.Backend) (*Trained, error) {
	best, err := ckpt.Best(run.Checkpoints())
	if err != nil {
		return nil, err
	}
	t, err := openIn(run.Checkpoints(), best.Name, run, models, be)
	if err != nil {
		return nil, err
	}
	t.Warnings = append(t.Warnings, ckpt.Warnings(best.Skipped, func(s ckpt.Skipped) error {
		return fmt.Errorf("%w: what it says of the best checkpoint is not known; %s is the best by the one before", s.Err, best.Name)
	})...)
	return t, nil
}

// OpenLatest reads the latest checkpoint of a run that is whole.
func OpenLatest(run *runlog.Run, models *model.Registry, be backend.Backend) (*Trained, error) {
	found, err := ckpt.Latest(run.Checkpoints())
	if err != nil {
		return nil, err
	}
	t, err := openLoaded(found.Checkpoint, run.Checkpoints().Path(found.Name), run, models, be)
	if err != nil {
		return nil, err
	}
	// The later ones come first: they are why this one was taken.
	t.Warnings = append(ckpt.Warnings(found.Skipped, func(s ckpt.Skipped) error { return s.Err }), t.Warnings...)
	return t, nil
}

// OpenCheckpoint reads the checkpoint of that name of a run.
func OpenCheckpoint(run *runlog.Run, name string, models *model.Registry, be backend.Backend) (*Trained, error) {
	return openIn(run.Checkpoints(), name, run, models, be)
}

// openIn reads a checkpoint or a file of weights in a folder; run is the run that it belongs to, or nil.
func openIn(in ckpt.Folder, name string, run *runlog.Run, models *model.Registry, be backend.Backend) (*Trained, error) {
	c, err := ckpt.LoadWeights(in, name)
	if err != nil {
		return nil, err
	}
	return openLoaded(c, in.Path(name), run, models, be)
}

// openLoaded returns the model of a checkpoint or a file of weights that was read from path.
func openLoaded(c *ckpt.Checkpoint, path string, run *runlog.Run, models *model.Registry, be backend.Backend) (t *Trained, err error) {
	if c.State.Recipe == "" {
		return nil, fmt.Errorf("train: %s: imago did not write this file: it does not say which model it is of", path)
	}
	t = &Trained{Path: path, Step: c.State.Step}
	if t.Config, err = runlog.Decode(c.State.Config); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if run != nil {
		if err := run.Changed(); err != nil {
			t.Warnings = append(t.Warnings, err)
		}
		if differ := run.Config.Differences(&t.Config); len(differ) > 0 {
			t.Warnings = append(t.Warnings, fmt.Errorf("%s is not what %s was trained with (%s): the checkpoint is believed", run.Path(runlog.ConfigFile), path, strings.Join(differ, "; ")))
		}
	}
	if run != nil && run.Config.Data.Digest == t.Config.Data.Digest {
		t.Run = run.Dir
		t.Config.Data = t.Config.Data.Moved(run.Config.Data) // it may have moved after the checkpoint
		t.Config.Data.Source = t.Config.Data.Place(run.Dir)
	}
	m, err := t.Config.Build(models)
	var input model.Input
	if err == nil {
		input, err = t.Config.Input(models)
	}
	if err == nil {
		t.Session, err = latent.Load(m, input, be, c.Weights)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// runOf returns the run to which a checkpoint or its file of weights belongs; nil if there
// is none.
func runOf(path string) *runlog.Run {
	path, err := disk.Abs(path)
	if err != nil {
		return nil
	}
	for range 3 { // a file, its checkpoint, the folder of checkpoints
		path = filepath.Dir(path)
		if run, err := runlog.Open(path, ""); err == nil {
			return run
		}
	}
	return nil
}
