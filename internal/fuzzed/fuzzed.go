// Package fuzzed turns the bytes of a fuzz test into choices, so that a test can build a file that is well formed but for
// what it changes on purpose: bytes that are changed at random seldom get past the first check of a reader.
//
//	f.Fuzz(func(t *testing.T, b []byte) {
//		c := fuzzed.New(b)
//		for range c.Below(4) { … }
//	})
//
// It is for tests only.
package fuzzed

import (
	"encoding/json"
	"maps"
	"slices"
)

// A Choices is a sequence of choices. When its bytes are used up, all choices are the first one.
type Choices struct{ rest []byte }

// New returns the choices that the bytes stand for.
func New(b []byte) *Choices { return &Choices{b} }

// Below returns a number from 0 to n−1, where n is 1 to 256.
func (c *Choices) Below(n int) int {
	if len(c.rest) == 0 {
		return 0
	}
	v := c.rest[0]
	c.rest = c.rest[1:]
	return int(v) % n
}

// Rarely reports true for one value of a byte in 16, which is what happens as it should not.
func (c *Choices) Rarely() bool { return c.Below(16) == 15 }

// Of returns one of the values.
func Of[T any](c *Choices, values ...T) T { return values[c.Below(len(values))] }

// Bytes returns n bytes; those beyond the end are 0.
func (c *Choices) Bytes(n int) []byte {
	b := make([]byte, n)
	c.rest = c.rest[copy(b, c.rest):]
	return b
}

// Change replaces, removes or adds a value of a JSON object, or of an object or array in it: it becomes one of another
// type, or one that is at the end of what its type allows.
func (c *Choices) Change(object map[string]any) {
	keys := slices.Sorted(maps.Keys(object))
	if len(keys) == 0 || c.Rarely() {
		object[Of(c, "more", "State", "step", "")] = 1
		return
	}
	key := keys[c.Below(min(len(keys), 256))]
	switch inner := object[key].(type) {
	case map[string]any:
		if c.Below(4) > 0 {
			c.Change(inner)
			return
		}
	case []any:
		if len(inner) > 0 && c.Below(4) > 0 {
			i := c.Below(min(len(inner), 256))
			if o, ok := inner[i].(map[string]any); ok {
				c.Change(o)
				return
			}
			object[key] = Of(c, slices.Insert(slices.Clone(inner), i, c.value()), slices.Delete(slices.Clone(inner), i, i+1), slices.Concat(inner[:i], []any{c.value()}, inner[i+1:]))
			return
		}
	}
	if c.Below(4) == 0 {
		delete(object, key)
		return
	}
	object[key] = c.value()
}

// value returns a value of JSON.
func (c *Choices) value() any {
	return Of[any](c, nil, true, 0, -1, 1.5, 1e300, 1e-320, 2, 1<<40, json.Number("9223372036854775808"), "", "x", "\xff\u2028<", []any{}, []any{nil}, []any{1, 2}, map[string]any{})
}
