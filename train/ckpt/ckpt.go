// Package ckpt saves checkpoints: all that a training run needs to go on as if it had never stopped.
//
// A checkpoint is a folder of three files:
//
//	weights.safetensors    the parameters; its metadata name the recipe and hold the config, so that this file alone
//	                       is enough to build the model and draw from it
//	optimizer.safetensors  the optimiser's moments and counters
//	state.json             {"format": 1, "content": {"state": State, "files": {name: {bytes, sha256}}}, "sha256": ...}
//
// where the last checksum is that of content, its white space taken out. The same Checkpoint gives the same bytes: no
// time of day is in them.
//
// Promises. A checkpoint appears under its name whole or not at all: the files are written and synced in a folder
// beside it, which is then renamed, so neither kill -9 nor a power cut leaves a half that Load accepts. What Load returns
// is, bit for bit, what Save was given, or there is an error that names the file, what was found, what was wanted and
// the remedy. A value that is not finite is never saved. The folder of a run's checkpoints (Manager, Latest, Best)
// holds the last few and the best. How to use it:
//
//	m, err := ckpt.OpenManager("runs/x/checkpoints", 3) // one process saves
//	dir, err := m.Save(&ckpt.Checkpoint{State: state, Weights: weights, Optimizer: slots})
//	found, err := ckpt.Latest("runs/x/checkpoints") // any process reads
//
// This package does not know what the tensors are for, nor which kinds of model there are.
package ckpt

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/imago-ml/imago/engine/tensor"
)

// Format is the version of the layout this package writes, and the only one it reads.
const Format = 1

// The files of a checkpoint.
const (
	WeightsFile   = "weights.safetensors"
	OptimizerFile = "optimizer.safetensors"
	StateFile     = "state.json"
)

// The classes of errors; test with errors.Is.
var (
	// ErrDamaged marks a checkpoint whose bytes are not those that were saved.
	ErrDamaged = errors.New("the checkpoint is damaged")
	// ErrVersion marks a checkpoint of a format this package does not read.
	ErrVersion = errors.New("the checkpoint is of another version")
	// ErrNotFinite marks tensors that hold a NaN or an infinity, and so are not saved.
	ErrNotFinite = errors.New("not finite")
	// ErrNone marks a folder without a checkpoint that can be read.
	ErrNone = errors.New("no checkpoint")
)

// A Checkpoint is a run at one moment.
type Checkpoint struct {
	State     State
	Weights   map[string]*tensor.Tensor
	Optimizer map[string]*tensor.Tensor
}

// State is what a run knows besides its tensors. It is saved, so a field is never renamed.
type State struct {
	Imago       string          `json:"imago"`           // version of the program that saved it
	Recipe      string          `json:"recipe"`          // name of the model's recipe; not empty
	Config      json.RawMessage `json:"config"`          // the recipe's full configuration, JSON
	Seed        uint64          `json:"seed"`            // of all randomness; with Step it gives every draw
	Epoch       int             `json:"epoch"`           // whole epochs done
	EpochImages int64           `json:"epoch_images"`    // images of the epoch under way already trained on
	Step        int64           `json:"step"`            // optimiser updates done
	Images      int64           `json:"images"`          // images trained on in all
	Best        *Score          `json:"best,omitempty"`  // best evaluation so far, nil before the first
	Extra       json.RawMessage `json:"extra,omitempty"` // what the training loop keeps besides, JSON
}

// A Score is an evaluation. The checkpoint of the best one's step is kept, so its step must be one that is saved.
type Score struct {
	Metric string  `json:"metric"` // its whole name: "test_loss"
	Value  float64 `json:"value"`  // finite
	Step   int64   `json:"step"`
}

// Check returns the error with which Save would fail: that of State.Check, or one of a tensor that holds a value that
// is not finite, with the name and the index of the first.
func (c *Checkpoint) Check() error {
	if err := c.State.Check(); err != nil {
		return err
	}
	if err := checkFinite("weights", c.Weights); err != nil {
		return err
	}
	return checkFinite("optimizer", c.Optimizer)
}

// Check reports a state without recipe or with a config that is not JSON, negative counts, and a best value that is not
// finite.
func (s *State) Check() error {
	switch {
	case s.Recipe == "":
		return errors.New("the state names no recipe")
	case !json.Valid(s.Config):
		return fmt.Errorf("the config is not JSON: %.40q", s.Config)
	case s.Extra != nil && !json.Valid(s.Extra):
		return fmt.Errorf("the extra state is not JSON: %.40q", s.Extra)
	case s.Epoch < 0 || s.EpochImages < 0 || s.Step < 0 || s.Images < 0:
		return fmt.Errorf("epoch %d, %d images into it, step %d, image %d; want none negative", s.Epoch, s.EpochImages, s.Step, s.Images)
	case s.Best != nil && !finite(s.Best.Value):
		return fmt.Errorf("the best %s is %v: %w", s.Best.Metric, s.Best.Value, ErrNotFinite)
	}
	return nil
}

func checkFinite(group string, tensors map[string]*tensor.Tensor) error {
	for _, name := range slices.Sorted(maps.Keys(tensors)) { // the same error every time
		t := tensors[name]
		if t == nil {
			return fmt.Errorf("%s: tensor %q is nil", group, name)
		}
		for i, v := range t.F32() {
			if !finite(float64(v)) {
				return fmt.Errorf("%s: tensor %q is %v at %v: %w", group, name, v, index(i, t.Shape()), ErrNotFinite)
			}
		}
	}
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// index returns the indices of element i of a tensor, one for each axis.
func index(i int, s tensor.Shape) tensor.Shape {
	at := s.Clone()
	for axis := len(s) - 1; axis >= 0; axis-- {
		at[axis] = i % s[axis]
		i /= s[axis]
	}
	return at
}
