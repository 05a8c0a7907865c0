package cpu

import (
	"fmt"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/memory"
)

// A state is a set of named arrays. The programs that are compiled with it update them in place.
type state struct {
	names []string
	bufs  map[string]*buffer
	empty bool // the arrays have no memory: nothing that is compiled with the state can run

	version uint64 // changes with the arrays, and is never 0
	kept    map[packKey]*keptPack
}

func newState() *state {
	return &state{bufs: map[string]*buffer{}, version: 1, kept: map[packKey]*keptPack{}}
}

// declare adds an array of zeros. If there is an array of that name, it returns an error unless it has the same shape. It
// returns a *memory.Error if there is no memory for the array.
func (s *state) declare(name string, shape tensor.Shape) error {
	b := s.bufs[name]
	if b == nil {
		b = &buffer{size: shape.Size(), shape: shape.Clone(), fixed: true}
		if !s.empty {
			if err := memory.Check(4*int64(b.size), "state %q of %v", name, shape); err != nil {
				return err
			}
			b.data = newAligned(b.size)
		}
		s.names = append(s.names, name)
		s.bufs[name] = b
		return nil
	}
	if !b.shape.Equal(shape) {
		return fmt.Errorf("state %q is %v, want %v", name, b.shape, shape)
	}
	return nil
}

// Names returns the names of the arrays in the order in which they were added.
func (s *state) Names() []string { return append([]string(nil), s.names...) }

// Get returns a copy of an array, or an error if there is none of that name.
func (s *state) Get(name string) (*tensor.Tensor, error) {
	b := s.bufs[name]
	if b == nil {
		return nil, fmt.Errorf("cpu: no state %q", name)
	}
	if err := memory.Check(4*int64(b.size), "a copy of state %q of %v", name, b.shape); err != nil {
		return nil, err
	}
	t := tensor.New(tensor.Float32, b.shape...)
	copy(t.F32(), b.data)
	return t, nil
}

// Set copies t into the array of that name, and adds the array if there is none. It returns an error if t is not float32 or
// the array has another shape.
func (s *state) Set(name string, t *tensor.Tensor) error {
	if t.DType() != tensor.Float32 {
		return fmt.Errorf("cpu: state %q: set to %v, want f32", name, t)
	}
	if err := s.declare(name, t.Shape()); err != nil {
		return fmt.Errorf("cpu: %w", err)
	}
	copy(s.bufs[name].data, t.F32())
	s.version++
	return nil
}
