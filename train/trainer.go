package train

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strings"
	"time"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// A trainer is a run in training.
type trainer struct {
	Job
	config     *runlog.Config // Run.Config
	observers  []Observer     // the periodic evaluation, and Job.Observers
	view       View           // of the trainer, for the observers
	runner     *exec.Runner   // its state holds parameters and slots
	session    *latent.Session
	eval       *eval.Evaluator // nil without test and validation images
	evaluation *evaluation     // nil if nothing is measured besides
	manager    *ckpt.Manager
	log        *runlog.Writer
	unlock     func()
	place      fs.FileInfo // the folder of the run, as it was at the start

	batchSize int // images of a full batch
	labelled  *labelledItems
	phases    []runlog.Phase
	phase     runlog.Phase // of the epoch that is next or in progress
	step      *stepper     // of the phase

	at          ckpt.State // the counts of the run, and what else is saved
	sums        sums
	lines       []runlog.Line    // of the epochs and intervals so far, if there is anything left to train; else as Writer.Before says
	resumed     string           // folder of the checkpoint from which the run goes on; "" if there was none
	found       *ckpt.Found      // that checkpoint, until the trainer is made
	skipped     []error          // what was not used when the run was opened, and why
	warned      map[string]bool  // warnings of saving that were given already
	savedAt     time.Time        // of the last checkpoint
	checkpoint  string           // folder of the last checkpoint
	processes   []runlog.Process // that have trained the run; the last is this one, unless there is nothing left to train
	recording   bool             // the last of processes is this one
	interval    stopwatch        // since the last interval line, in this process
	waitedShare float64          // of the last epoch

	reference *reference // test images with which reconstructions are compared; nil before its first use
	diversity *diversity // nil before its first use
}

// sums become the means of the lines in progress. They are saved with a checkpoint, so
// that a resumed run logs the same means.
type sums struct {
	Initialised int   `json:"begun"`            // phases whose Init has run
	Evaluated   bool  `json:"judged,omitempty"` // the part of the epoch that was trained has a line: the run reached its steps
	Epoch       sum   `json:"epoch"`            // since the epoch began
	Window      sum   `json:"window"`           // since the last step line of the phase
	Interval    sum   `json:"interval"`         // since the last interval line of the phase
	Watch       watch `json:"watch,omitzero"`   // what early stopping and the schedule have seen
	Lines       int   `json:"lines,omitempty"`  // of the log
}

// start sets all sums to zero, for so many metrics.
func (s *sums) start(metrics int) {
	for _, x := range []*sum{&s.Epoch, &s.Window, &s.Interval} {
		*x = sum{Metrics: make([]float64, metrics)}
	}
}

// A sum is Σ images·metric and Σ images over steps.
type sum struct {
	Images  int64     `json:"images"`
	Metrics []float64 `json:"metrics"` // in the order of stepper.names
}

func (s *sum) add(n int, metrics []float64) {
	s.Images += int64(n)
	for i, v := range metrics {
		s.Metrics[i] += v * float64(n)
	}
}

func (s *sum) reset() {
	s.Images = 0
	clear(s.Metrics)
}

func (s *sum) means(names []string) map[string]float64 {
	m := make(map[string]float64, len(names))
	for i, name := range names {
		m[name] = s.Metrics[i] / float64(max(1, s.Images))
	}
	return m
}

// newTrainer compiles the job and restores the run's last checkpoint, if there is one.
func newTrainer(j Job) (t *trainer, err error) {
	c := &j.Run.Config
	if err := checkJob(j); err != nil {
		return nil, err
	}
	t = &trainer{Job: j, config: c, batchSize: min(c.Batch, j.Data.Train.Len()), runner: exec.New(j.Backend, nil)}
	t.view = View{t}
	t.session = latent.New(j.Model, model.Input{Item: j.Data.Item(), Labels: len(c.Data.Labels)}, t.runner)
	unlock, err := j.Run.Lock()
	if err != nil {
		return nil, err
	}
	t.unlock = unlock
	defer func() {
		if err != nil {
			unlock()
		}
	}()
	if t.place, err = j.Run.Folder().Stat("."); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	if t.manager, err = ckpt.OpenManager(j.Run.Checkpoints(), c.Checkpoints.Keep); err != nil {
		return nil, err
	}
	if t.labelled, err = chooseLabelled(j.Model, j.Data, c.Seed); err != nil {
		return nil, err
	}
	if t.phases, err = c.Phases(j.Model); err != nil {
		return nil, err
	}
	if err = t.setState(); err != nil {
		return nil, err
	}
	t.phase = runlog.PhaseAt(t.phases, t.at.Epoch)
	if t.step, err = t.newStepper(t.phase); err != nil {
		return nil, err
	}
	if err = t.restoreSums(); err != nil {
		return nil, err
	}
	t.step.plateau = t.sums.Watch.Plateau
	if j.Data.Test.Len() > 0 || j.Data.Validation.Len() > 0 {
		if t.eval, err = eval.New(t.session); err != nil {
			return nil, err
		}
	}
	if t.evaluation, err = newEvaluation(j); err != nil {
		return nil, err
	}
	if t.evaluation != nil {
		t.observers = append(t.observers, t.evaluation)
	}
	t.observers = append(t.observers, j.Observers...)
	at := runlog.Position{Epoch: t.at.Epoch, Step: t.at.Step, Evaluated: t.sums.Evaluated, Lines: t.sums.Lines}
	if t.at.Best != nil {
		at.Best = t.at.Best.Step
	}
	if t.log, err = runlog.NewWriter(j.Run, at, !t.finished()); err != nil {
		return nil, err
	}
	if err := t.log.Damage(); err != nil {
		t.skipped = append(t.skipped, err)
	}
	if t.found != nil {
		warned, err := t.manager.Rewind(t.found)
		if err != nil {
			return nil, errors.Join(err, t.log.Close())
		}
		t.skipped, t.found = append(t.skipped, warned...), nil
	}
	t.lines = t.log.Before()
	if err := j.Run.Save(); err != nil {
		return nil, errors.Join(err, t.log.Close())
	}
	if err := t.startProcess(); err != nil {
		return nil, errors.Join(err, t.log.Close())
	}
	if c.Init != nil && t.resumed == "" { // from here on the run needs the file no more
		if err := t.save(); err != nil {
			return nil, errors.Join(err, t.log.Close())
		}
	}
	return t, nil
}

// checkJob compares the parts of a job with the run's configuration.
func checkJob(j Job) error {
	c := &j.Run.Config
	if err := Validate(c); err != nil {
		return err
	}
	if err := j.Data.Validate(); err != nil {
		return err
	}
	if err := checkMonitored(c, j.Model); err != nil {
		return err
	}
	saved, err := medium.Save(j.Data.Item())
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	if want := c.Data.Item; !saved.SameShape(want) {
		return fmt.Errorf("train: %s: the items are %v, those of the run %v", j.Run.Dir, saved, want)
	}
	if err := checkAugmentation(c, j.Data.Item()); err != nil {
		return err
	}
	if j.Data.Digest != c.Data.Digest || j.Data.Train.Len() != c.Data.Train || j.Data.Validation.Len() != c.Data.Validation {
		return fmt.Errorf("train: %s: the data are not those of the run: %s has digest %.12s… and %d training images, %s wants %.12s… and %d; give the same data, or start a new run",
			j.Run.Dir, j.Data.Name, j.Data.Digest, j.Data.Train.Len(), runlog.ConfigFile, c.Data.Digest, c.Data.Train)
	}
	return nil
}

// setState sets parameters, slots and counts: those of the newest good checkpoint, or
// initial ones.
func (t *trainer) setState() error {
	c := t.config
	names, err := ckpt.List(t.manager.Folder())
	if err != nil {
		return err
	}
	imago, goVersion := runlog.Versions()
	if len(names) == 0 {
		if c.Arithmetic != t.Backend.Arithmetic() {
			if err := t.Run.Begin(t.Backend.Arithmetic()); err != nil {
				return err
			}
		}
		raw, err := c.Encode("")
		if err != nil {
			return err
		}
		t.at = ckpt.State{Imago: imago, Recipe: c.Recipe, Config: raw, Seed: c.Seed}
		initial := nn.InitialValues(t.Model.Params, rng.New(c.Seed).Split("init"))
		if err := t.runner.SetAll(initial, optim.InitialValues(t.Model.Slots)); err != nil {
			return fmt.Errorf("train: %w", err)
		}
		if c.Init != nil {
			return t.setInit()
		}
		return nil
	}
	found, err := ckpt.Latest(t.manager.Folder())
	if err == nil {
		err = t.manager.CanRewind(found)
	}
	if err != nil {
		return err
	}
	dir := t.manager.Folder().Path(found.Name)
	t.found, t.at, t.resumed, t.checkpoint = found, found.State, dir, dir
	if t.at.Recipe != c.Recipe || t.at.Seed != c.Seed {
		return fmt.Errorf("train: %s has recipe %s and seed %d, %s has %s and %d: the checkpoint does not belong to this run",
			dir, t.at.Recipe, t.at.Seed, t.Run.Path(runlog.ConfigFile), c.Recipe, c.Seed)
	}
	saved, err := runlog.Decode(found.State.Config)
	if err != nil {
		return fmt.Errorf("train: %s: %w", dir, err)
	}
	if differ := c.Differences(&saved); len(differ) > 0 {
		return fmt.Errorf("train: %s is not what %s was trained with: %s; put the old value back, or train a new run", t.Run.Path(runlog.ConfigFile), dir, strings.Join(differ, "; "))
	}
	if c.Arithmetic == "" { // it was opened before another process began it
		c.Arithmetic = saved.Arithmetic
	}
	if err := t.Run.Changed(); err != nil {
		t.skipped = append(t.skipped, err)
	}
	was := fmt.Sprintf("imago %s, %s, %s", c.Imago, c.Go, cmp.Or(c.Arithmetic, t.Backend.Arithmetic()))
	if is := fmt.Sprintf("imago %s, %s, %s", imago, goVersion, t.Backend.Arithmetic()); is != was {
		t.skipped = append(t.skipped, fmt.Errorf("the run was begun by %s, and goes on by %s: its last bits may not be those of a run by one of them", was, is))
	}
	raw, err := c.Encode("")
	if err != nil {
		return err
	}
	if n := int64(t.Data.Train.Len()); t.at.EpochImages > n || t.at.EpochImages%int64(t.batchSize) != 0 && t.at.EpochImages != n {
		return fmt.Errorf("train: %s is %d images into an epoch, which no batch of %d in %d images ends at", dir, t.at.EpochImages, t.batchSize, n)
	}
	t.at.Imago, t.at.Config = imago, raw
	err = t.runner.Restore(nn.Shapes(t.Model.Params), found.Weights)
	if err == nil {
		err = t.runner.Restore(optim.Shapes(t.Model.Slots), found.Optimizer)
	}
	if err != nil {
		return fmt.Errorf("train: %s: %w: it is of another model", dir, err)
	}
	return nil
}

// restoreSums reads the sums that were saved, or starts them.
func (t *trainer) restoreSums() error {
	n := len(t.step.names)
	t.sums.start(n)
	if t.resumed == "" {
		return nil
	}
	if err := json.Unmarshal(t.at.Extra, &t.sums); err != nil {
		return fmt.Errorf("train: %s: the sums in progress: %w", t.resumed, err)
	}
	if t.sums.Initialised == 0 && t.at.Step > 0 { // saved by a version without phases
		t.sums.Initialised = 1
	}
	if t.sums.Initialised <= t.phase.Index { // they are of the phase before
		return nil
	}
	if len(t.sums.Interval.Metrics) == 0 { // saved by a version without intervals
		t.sums.Interval.Metrics = make([]float64, n)
	}
	if len(t.sums.Epoch.Metrics) != n || len(t.sums.Window.Metrics) != n || len(t.sums.Interval.Metrics) != n {
		return fmt.Errorf("train: %s: sums of %d metrics, the model has %d: %v", t.resumed, len(t.sums.Epoch.Metrics), n, t.step.names)
	}
	return nil
}

// append writes a line to the log.
func (t *trainer) append(l runlog.Line) error {
	if err := t.log.Append(l); err != nil {
		return err
	}
	t.heedEvents()
	return nil
}

// heedEvents warns, once, if event files are no longer written.
func (t *trainer) heedEvents() {
	if err := t.log.EventsFault(); err != nil {
		t.warnOnce(err)
	}
}

// ErrGone marks a run whose folder was removed, moved or replaced while it was trained. Test with errors.Is.
var ErrGone = errors.New("the folder was removed, moved or replaced while the run was trained, so nothing more of it is saved")

// checkPlace returns an error if the folder of the run is not the one in which the training began: what is saved there
// would belong to no run.
func (t *trainer) checkPlace() error {
	now, err := t.Run.Folder().Stat(".")
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("train: %w", err)
	case !os.SameFile(t.place, t.place) || os.SameFile(t.place, now): // a file system in memory has no identities
		return nil
	}
	return fmt.Errorf("train: %s: %w: step %d, after %s", t.Run.Dir, ErrGone, t.at.Step, english.Plural(t.at.Epoch, "whole epoch"))
}

// save makes a checkpoint of the run as it is.
func (t *trainer) save() error {
	if err := t.checkPlace(); err != nil {
		return err
	}
	c := &ckpt.Checkpoint{Weights: map[string]*tensor.Tensor{}, Optimizer: map[string]*tensor.Tensor{}}
	var err error
	for _, p := range t.Model.Params {
		if c.Weights[p.Name], err = t.runner.Get(p.Name); err != nil {
			return fmt.Errorf("train: %w", err)
		}
	}
	for _, s := range t.Model.Slots {
		if c.Optimizer[s.Name], err = t.runner.Get(s.Name); err != nil {
			return fmt.Errorf("train: %w", err)
		}
	}
	// The log must not lack a line that was written before the checkpoint.
	if err := t.log.Sync(); err != nil {
		return err
	}
	t.sums.Lines = t.log.Count()
	if t.at.Extra, err = json.Marshal(t.sums); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	c.State = t.at
	name, err := t.manager.Save(c)
	if errors.Is(err, ckpt.ErrNotFinite) {
		return t.diverged("the state", math.NaN(), err)
	}
	if errors.Is(err, ckpt.ErrNotPruned) {
		t.warnOnce(err)
	} else if err != nil {
		return err
	}
	t.checkpoint, t.savedAt = t.manager.Folder().Path(name), time.Now()
	return t.recordProcess("")
}

// warnOnce tells the observers of a fault that does not end the training.
func (t *trainer) warnOnce(err error) {
	text := err.Error()
	if !t.warned[text] {
		if t.warned == nil {
			t.warned = map[string]bool{}
		}
		t.warned[text] = true
		t.view.Notify("warning", text)
	}
}

func (t *trainer) close() error {
	defer t.unlock()
	return t.log.Close()
}
