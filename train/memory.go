package train

import (
	"fmt"
	"strings"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/optim"
)

// A Memory is the memory in bytes that training a model takes, beside the data set.
type Memory struct {
	Batch      int   // images a step
	Parameters int64 // and buffers, such as running statistics
	Slots      int64 // states of the optimisers
	Saving     int64 // a copy of both, while a checkpoint is written
	Step       int64 // intermediate values of a step, the largest of all phases, and the batches that are read ahead
}

// NewMemory returns the memory that training m in batches of that many images takes on the device. It compiles a step of
// each phase and allocates nothing.
func NewMemory(m *model.Model, batch int, be backend.Backend) (Memory, error) {
	e := Memory{Batch: batch}
	for _, p := range m.Params {
		e.Parameters += 4 * int64(p.Shape.Size())
	}
	for _, shape := range optim.Shapes(m.Slots) {
		e.Slots += 4 * int64(shape.Size())
	}
	e.Saving = e.Parameters + e.Slots
	for _, p := range m.Phases {
		f, err := p.Step(batch)
		if err != nil {
			return e, fmt.Errorf("train: %w", err)
		}
		n, err := be.Memory(f)
		if err != nil {
			return e, fmt.Errorf("train: %w", err)
		}
		for _, in := range f.Inputs {
			n += (batches - 1) * 4 * int64(in.Shape().Size())
		}
		e.Step = max(e.Step, n)
	}
	return e, nil
}

// Total returns the sum.
func (e Memory) Total() int64 { return e.Parameters + e.Slots + e.Saving + e.Step }

// parts returns the bytes of each part.
func (e Memory) parts() string {
	var parts []string
	for _, p := range []struct {
		bytes int64
		name  string
	}{{e.Parameters, "parameters"}, {e.Slots, "optimiser"}, {e.Saving, "a copy of both for checkpoints"}, {e.Step, "values of a step"}} {
		parts = append(parts, memory.Bytes(p.bytes)+" "+p.name)
	}
	return strings.Join(parts, ", ")
}

// String returns the sum and its parts: 59.1 GB in batches of 128 (14.8 GB parameters, …).
func (e Memory) String() string {
	return fmt.Sprintf("%s in batches of %d (%s)", memory.Bytes(e.Total()), e.Batch, e.parts())
}

// Check returns an error that wraps a *memory.Error if the memory budget has no room for the training.
func (e Memory) Check() error {
	if err := memory.Check(e.Total(), "training in batches of %d (%s)", e.Batch, e.parts()); err != nil {
		return option.Errorf("train: %w; or train a smaller model, in a smaller {Batch}, or on images of a smaller {Size}", err)
	}
	return nil
}
