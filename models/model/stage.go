package model

import (
	"context"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// A Staged model learns in stages, one after another, over the same states. Its
// Train is that of the last one, and its Slots are those of all.
type Staged interface {
	Model
	Stages() []Stage
}

// A Stage is a part of training with a step of its own.
type Stage struct {
	Name   string
	Epochs int // ≥ 1; 0 of the last one alone, which takes what is left
	// Train is as that of Model.
	Train func(batch int) ([]*graph.Func, error)
	// Begin sets what the first step of the stage is to find; it may be nil. What it
	// sets depends on the scene alone.
	Begin func(Scene) error
}

// A Scene is what a stage finds when it begins.
type Scene interface {
	Context() context.Context
	// Key is for what is drawn.
	Key() rng.Key
	// Train is the images to train on, a Labeller if they are labelled.
	Train() data.Images
	// Run runs a function of InputX, and of InputLabels and InputKey where it takes
	// them, over all training images in their order: (N, …) by the name of the output.
	Run(f func(batch int) (*graph.Func, error)) (map[string][]float32, error)
	// Get and Set read and write a parameter or slot.
	Get(name string) (*tensor.Tensor, error)
	Set(name string, t *tensor.Tensor) error
}

// A SemiSupervised model learns from a few labelled images beside many others.
type SemiSupervised interface {
	Model
	Labelled() Labelled
}

// Labelled says which images' labels a SemiSupervised model may see.
type Labelled struct {
	Count int    // training images in all, as many of each class as of another
	Batch int    // of these, how many a step takes: L ≤ Count
	Seed  uint64 // chooses them
}
