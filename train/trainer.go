package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// A trainer is a run under way.
type trainer struct {
	Job
	state   backend.State
	size    int // images a full batch
	few     *labelled
	stages  []runlog.Phase
	stage   runlog.Phase    // of the epoch that is next or under way
	step    *stepper        // of the stage
	eval    *eval.Evaluator // nil without test images
	session *latent.Session
	manager *ckpt.Manager
	logs    *runlog.Writer
	unlock  func()

	at      ckpt.State // the counts of the run, and what else is saved
	sums    sums
	judged  []runlog.Line // of the epochs done, and of intervals
	judge   *judge        // nil before it was asked
	watch   *watch        // nil before it was asked
	gauge   *gauge        // nil if nothing is measured besides
	fresh   bool          // nothing was resumed
	saved   time.Time
	span    clock  // since the last interval line, in this process
	lastDir string // of the last checkpoint
}

// sums are what becomes the means of the lines under way. They are saved with a
// checkpoint, so that a resumed run logs the same means.
type sums struct {
	Begun    int  `json:"begun"`            // stages that were begun
	Judged   bool `json:"judged,omitempty"` // the epoch under way, as far as it went when the run's steps were done
	Epoch    sum  `json:"epoch"`            // since the epoch began
	Window   sum  `json:"window"`           // since the last step line of the stage
	Interval sum  `json:"interval"`         // since the last interval line of the stage
}

// begin starts them for so many metrics.
func (s *sums) begin(metrics int) {
	for _, of := range []*sum{&s.Epoch, &s.Window, &s.Interval} {
		*of = sum{Metrics: make([]float64, metrics)}
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

// newTrainer compiles the job and puts it where its last checkpoint left it.
func newTrainer(j Job) (t *trainer, err error) {
	c := &j.Run.Config
	if err := check(j); err != nil {
		return nil, err
	}
	t = &trainer{Job: j, size: min(c.Batch, j.Data.Train.Len()), state: j.Backend.NewState()}
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
	if t.manager, err = ckpt.OpenManager(j.Run.Path(runlog.CheckpointsDir), c.Checkpoints.Keep); err != nil {
		return nil, err
	}
	if t.few, err = labelledOf(j.Model, j.Data, c.Seed); err != nil {
		return nil, err
	}
	if t.stages, err = c.Phases(j.Model); err != nil {
		return nil, err
	}
	if err = t.place(); err != nil {
		return nil, err
	}
	t.stage = runlog.PhaseAt(t.stages, t.at.Epoch)
	if t.step, err = newStepper(j, t.state, t.size, t.stage); err != nil {
		return nil, err
	}
	if err = t.restoreSums(); err != nil {
		return nil, err
	}
	t.session = latent.New(j.Model, model.Input{Item: j.Data.Item(), Labels: len(c.Data.Labels)}, exec.New(j.Backend, t.state))
	if j.Data.Test.Len() > 0 {
		if t.eval, err = eval.New(t.session); err != nil {
			return nil, err
		}
	}
	if t.gauge, err = newGauge(j); err != nil {
		return nil, err
	}
	if t.logs, err = runlog.NewWriter(j.Run, runlog.Position{Epoch: t.at.Epoch, Step: t.at.Step, Evaluated: t.sums.Judged}); err != nil {
		return nil, err
	}
	return t, nil
}

// check holds the parts of a job against the run's configuration.
func check(j Job) error {
	c := &j.Run.Config
	if err := Validate(c); err != nil {
		return err
	}
	if err := j.Data.Validate(); err != nil {
		return err
	}
	saved, err := medium.Save(j.Data.Item())
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	if want := c.Data.Item; !saved.SameShape(want) {
		return fmt.Errorf("train: %s: the images are %v, the run is of %v", j.Run.Dir, saved, want)
	}
	if _, ok := j.Data.Item().Medium.(medium.Mirror); c.Flip && !ok {
		return option.Errorf("train: {Flip}: items of medium %s have no left and right", saved.Medium)
	}
	if j.Data.Digest != c.Data.Digest || j.Data.Train.Len() != c.Data.Train {
		return fmt.Errorf("train: %s: the data are not those of the run: %s has digest %.12s… and %d training images, %s wants %.12s… and %d; give the same data, or start a new run",
			j.Run.Dir, j.Data.Name, j.Data.Digest, j.Data.Train.Len(), runlog.ConfigFile, c.Data.Digest, c.Data.Train)
	}
	return nil
}

// place fills the state: from the newest good checkpoint, or with first values.
func (t *trainer) place() error {
	c := &t.Run.Config
	imago, _ := runlog.Versions()
	raw, err := c.Encode("")
	if err != nil {
		return err
	}
	names, err := ckpt.List(t.manager.Dir())
	if err != nil {
		return err
	}
	if len(names) == 0 {
		t.fresh = true
		t.at = ckpt.State{Imago: imago, Recipe: c.Recipe, Config: raw, Seed: c.Seed}
		return t.initialise()
	}
	found, err := ckpt.Latest(t.manager.Dir())
	if err != nil {
		return err
	}
	for _, skipped := range found.Skipped {
		t.Reporter.Println("warning:", skipped)
	}
	t.at, t.lastDir = found.State, found.Dir
	if t.at.Recipe != c.Recipe || t.at.Seed != c.Seed {
		return fmt.Errorf("train: %s is of recipe %s and seed %d, %s of %s and %d: it does not belong to this run",
			found.Dir, t.at.Recipe, t.at.Seed, t.Run.Path(runlog.ConfigFile), c.Recipe, c.Seed)
	}
	if n := int64(t.Data.Train.Len()); t.at.EpochImages > n || t.at.EpochImages%int64(t.size) != 0 && t.at.EpochImages != n {
		return fmt.Errorf("train: %s is %d images into an epoch, which is no place of batches of %d in %d images", found.Dir, t.at.EpochImages, t.size, n)
	}
	t.at.Imago, t.at.Config = imago, raw
	if err := t.restore(found); err != nil {
		return fmt.Errorf("train: %s: %w", found.Dir, err)
	}
	return t.manager.Rewind(t.at.Step)
}

// initialise draws the parameters at the seed.
func (t *trainer) initialise() error {
	key := rng.New(t.Run.Config.Seed).Split("init")
	for _, p := range t.Model.Params {
		if err := t.state.Set(p.Name, p.Draw(key)); err != nil {
			return fmt.Errorf("train: %w", err)
		}
	}
	for _, s := range t.Model.Slots {
		if err := t.state.Set(s.Name, s.Tensor()); err != nil {
			return fmt.Errorf("train: %w", err)
		}
	}
	return nil
}

func (t *trainer) restore(c *ckpt.Found) error {
	set := func(from map[string]*tensor.Tensor, name string, shape tensor.Shape) error {
		v := from[name]
		if v == nil || !v.Shape().Equal(shape) {
			return fmt.Errorf("%s is %v, want f32%v: it is of another model", name, v, shape)
		}
		return t.state.Set(name, v)
	}
	for _, p := range t.Model.Params {
		if err := set(c.Weights, p.Name, p.Shape); err != nil {
			return err
		}
	}
	for _, s := range t.Model.Slots {
		if err := set(c.Optimizer, s.Name, s.Shape); err != nil {
			return err
		}
	}
	return nil
}

// restoreSums reads the sums that were saved, or starts them.
func (t *trainer) restoreSums() error {
	n := len(t.step.names)
	t.sums.begin(n)
	if t.fresh {
		return nil
	}
	if err := json.Unmarshal(t.at.Extra, &t.sums); err != nil {
		return fmt.Errorf("train: %s: the sums under way: %w", t.lastDir, err)
	}
	if t.sums.Begun == 0 && t.at.Step > 0 { // saved before there were stages
		t.sums.Begun = 1
	}
	if t.sums.Begun <= t.stage.Index { // they are of the stage before
		return nil
	}
	if len(t.sums.Interval.Metrics) == 0 { // saved before there were intervals
		t.sums.Interval.Metrics = make([]float64, n)
	}
	if len(t.sums.Epoch.Metrics) != n || len(t.sums.Window.Metrics) != n || len(t.sums.Interval.Metrics) != n {
		return fmt.Errorf("train: %s: sums of %d metrics, the model has %d: %v", t.lastDir, len(t.sums.Epoch.Metrics), n, t.step.names)
	}
	return nil
}

// save makes a checkpoint of the run as it is.
func (t *trainer) save() error {
	c := &ckpt.Checkpoint{Weights: map[string]*tensor.Tensor{}, Optimizer: map[string]*tensor.Tensor{}}
	get := func(into map[string]*tensor.Tensor, name string) (err error) {
		into[name], err = t.state.Get(name)
		return err
	}
	for _, p := range t.Model.Params {
		if err := get(c.Weights, p.Name); err != nil {
			return fmt.Errorf("train: %w", err)
		}
	}
	for _, s := range t.Model.Slots {
		if err := get(c.Optimizer, s.Name); err != nil {
			return fmt.Errorf("train: %w", err)
		}
	}
	var err error
	if t.at.Extra, err = json.Marshal(t.sums); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	// The log must not lack a line that a checkpoint says was written.
	if err := t.logs.Sync(); err != nil {
		return err
	}
	c.State = t.at
	dir, err := t.manager.Save(c)
	if errors.Is(err, ckpt.ErrNotFinite) {
		return t.diverged("the state", nan, err)
	}
	if err != nil {
		return err
	}
	t.lastDir, t.saved = dir, time.Now()
	return nil
}

func (t *trainer) close() error {
	defer t.unlock()
	return t.logs.Close()
}

// params returns the number of parameters.
func (t *trainer) params() int { return nn.Count(t.Model.Params) }
