package cpu

import (
	"fmt"

	"github.com/imago-ml/imago/engine/tensor"
)

// state is a set of named arrays, updated in place by the programs over it.
type state struct {
	names []string
	bufs  map[string]*buffer
}

func newState() *state { return &state{bufs: map[string]*buffer{}} }

// declare adds an array of zeros, or checks the one that is there.
func (s *state) declare(name string, shape tensor.Shape) error {
	b := s.bufs[name]
	if b == nil {
		s.names = append(s.names, name)
		s.bufs[name] = &buffer{size: shape.Size(), shape: shape.Clone(), data: newAligned(shape.Size()), fixed: true}
		return nil
	}
	if !b.shape.Equal(shape) {
		return fmt.Errorf("state %q is %v, wanted as %v", name, b.shape, shape)
	}
	return nil
}

// Names lists the arrays in the order in which they were added.
func (s *state) Names() []string { return append([]string(nil), s.names...) }

// Get copies an array to the host.
func (s *state) Get(name string) (*tensor.Tensor, error) {
	b := s.bufs[name]
	if b == nil {
		return nil, fmt.Errorf("cpu: no state %q", name)
	}
	t := tensor.New(tensor.Float32, b.shape...)
	copy(t.F32(), b.data)
	return t, nil
}

// Set copies t into the array of that name.
func (s *state) Set(name string, t *tensor.Tensor) error {
	if t.DType() != tensor.Float32 {
		return fmt.Errorf("cpu: state %q: set to %v, want f32", name, t)
	}
	if err := s.declare(name, t.Shape()); err != nil {
		return fmt.Errorf("cpu: %w", err)
	}
	copy(s.bufs[name].data, t.F32())
	return nil
}
