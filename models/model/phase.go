package model

import (
	"context"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// A Phase is a part of training with a step of its own.
type Phase struct {
	Name   string // "" of the only one
	Epochs int    // ≥ 1; 0 of the last one alone, which takes what is left
	// Step builds one step of training on a batch. Its outputs are scalar metrics, each
	// the mean over the images of weight 1. An update whose loss or gradient is not
	// finite changes no state, and neither do those after it in the step; a batch
	// without an image of weight 1 makes such an update. Images of weight 0 are images
	// too: batch statistics include them.
	Step Function
	// Init initialises parameters from the training data before the first step of the
	// phase; it may be nil. What it sets depends on its argument alone.
	Init func(InitContext) error
}

// An InitContext is what the data-dependent initialisation of a phase works with.
type InitContext interface {
	Context() context.Context
	// Key returns the random key for what is drawn.
	Key() rng.Key
	// Train returns the training images, a data.Labeller if they are labelled.
	Train() data.Items
	// Run runs a function of InputX, and of InputLabels and InputKey where it takes
	// them, over all training images in their order: (N, …) by the name of the output.
	Run(f Function) (map[string][]float32, error)
	// Get and Set read and write a parameter or slot.
	Get(name string) (*tensor.Tensor, error)
	Set(name string, t *tensor.Tensor) error
}

// Supervision says which labels a semi-supervised model may use.
type Supervision struct {
	Count int    // labelled training images in all, as many of each class as of another
	Batch int    // labelled images a step takes: L ≤ Count
	Seed  uint64 // chooses them
}
