package data

import (
	"fmt"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
)

// InMemory is Items of levels held in one array of bytes.
type InMemory struct {
	levels []uint8 // (N, Shape)
	n      int
	item   medium.Item
}

// NewInMemory returns the items whose levels are given, (n, Shape), row major. It keeps
// levels and does not copy it. It fails if the sizes do not agree, if the item is not of
// levels or if its medium does not allow it. For images, item is pixels.Item(h, w, c).
func NewInMemory(levels []uint8, n int, item medium.Item) (*InMemory, error) {
	if err := item.Check(); err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	if n < 0 || item.Element != medium.Levels {
		return nil, fmt.Errorf("data: %d items of %v, want 0 or more of levels", n, item.Element)
	}
	// Division, so that a huge claim cannot overflow into an agreeing product.
	if have := len(levels); n == 0 && have != 0 || n > 0 && (have%n != 0 || have/n != item.Size()) {
		return nil, fmt.Errorf("data: %d levels for %d items of %v", have, n, item)
	}
	return &InMemory{levels, n, item}, nil
}

// Len returns the number of items.
func (m *InMemory) Len() int { return m.n }

// Item describes every item.
func (m *InMemory) Item() medium.Item { return m.item }

// At copies item i to dst; see Items.
func (m *InMemory) At(i int, dst []uint8) error {
	if err := checkAt(m, i, dst); err != nil {
		return err
	}
	copy(dst, m.Slice(i))
	return nil
}

// Slice returns the levels of item i, in place: not to be written to. Unlike At it
// panics, as a slice does, if i is outside [0, N).
func (m *InMemory) Slice(i int) []uint8 {
	size := m.item.Size()
	return m.levels[i*size : (i+1)*size : (i+1)*size]
}

// Levels returns the levels of all items, (N, Shape), in place: not to be written to.
func (m *InMemory) Levels() []uint8 { return m.levels }

// Select returns a copy of the items whose indices are given, in that order. It fails
// if an index is outside [0, N).
func (m *InMemory) Select(index []int) (*InMemory, error) {
	levels := make([]uint8, 0, len(index)*m.item.Size())
	for _, i := range index {
		if i < 0 || i >= m.n {
			return nil, fmt.Errorf("data: image %d of %d", i, m.n)
		}
		levels = append(levels, m.Slice(i)...)
	}
	return &InMemory{levels, len(index), m.item}, nil
}

// Values is Items held as float32 in one array: an Exact.
type Values struct {
	values []float32 // (N, Shape)
	item   medium.Item
}

// NewValues returns the items whose values are given, (N, Shape), row major. It keeps
// values and does not copy it. It fails if the sizes do not agree or if the medium does
// not allow the item.
func NewValues(values []float32, item medium.Item) (*Values, error) {
	if err := item.Check(); err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	if len(values)%item.Size() != 0 {
		return nil, fmt.Errorf("data: %d values, want a multiple of %d as items of %v", len(values), item.Size(), item)
	}
	return &Values{values, item}, nil
}

// Len returns the number of items.
func (v *Values) Len() int { return len(v.values) / v.item.Size() }

// Item describes every item.
func (v *Values) Item() medium.Item { return v.item }

// At writes item i rounded to levels; see Items.
func (v *Values) At(i int, dst []uint8) error {
	if err := checkAt(v, i, dst); err != nil {
		return err
	}
	copy(dst, pixels.Bytes(v.values[i*v.item.Size():(i+1)*v.item.Size()]))
	return nil
}

// FloatsAt copies item i to dst; see Exact.
func (v *Values) FloatsAt(i int, dst []float32) error {
	if n := v.Len(); i < 0 || i >= n {
		return fmt.Errorf("data: item %d of %d", i, n)
	}
	size := v.item.Size()
	if len(dst) < size {
		return fmt.Errorf("data: room for %d values, want %d as an item of %v", len(dst), size, v.item)
	}
	copy(dst, v.values[i*size:(i+1)*size])
	return nil
}

// FromFloats returns items with those values, (N, Shape), such as those that a model has
// generated: an InMemory of values rounded to levels, or Values of another element.
func FromFloats(values []float32, item medium.Item) (Items, error) {
	if item.Element == medium.Levels && item.Size() > 0 {
		return NewInMemory(pixels.Bytes(values), len(values)/item.Size(), item)
	}
	return NewValues(values, item)
}

// checkAt returns the errors of Items.At that every implementation shares.
func checkAt(items Items, i int, dst []uint8) error {
	if n := items.Len(); i < 0 || i >= n {
		return fmt.Errorf("data: image %d of %d", i, n)
	}
	if item := items.Item(); len(dst) < item.Size() {
		return fmt.Errorf("data: %d bytes of room for an image of %v", len(dst), item)
	}
	return nil
}
