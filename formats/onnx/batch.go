package onnx

import (
	"fmt"
	"slices"

	"github.com/imago-ml/imago/engine/graph"
)

// A dim is the length of an axis: n, or n times the batch.
type dim struct {
	n     int
	batch bool
}

// String returns the length as a shape in the file names it: "28", "batch", "batch*49".
func (d dim) String() string {
	switch {
	case !d.batch:
		return fmt.Sprint(d.n)
	case d.n == 1:
		return "batch"
	}
	return fmt.Sprint("batch*", d.n)
}

// fixed returns the axes of a shape that does not depend on the batch.
func fixed(shape []int) []dim {
	var dims []dim
	for _, n := range shape {
		dims = append(dims, dim{n: n})
	}
	return dims
}

// sizes returns the lengths of axes without the batch, and whether they do not depend on it.
func sizes(dims []dim) (shape []int, ok bool) {
	for _, d := range dims {
		if d.batch {
			return nil, false
		}
		shape = append(shape, d.n)
	}
	return shape, true
}

// A pairing maps each node of a function for one batch to that for another.
type pairing map[*graph.Node]*graph.Node

// pair returns the pairing of two functions, which must not differ in more than lengths of axes.
func pair(f, g *graph.Func) (pairing, error) {
	p := pairing{}
	if len(f.Outputs) != len(g.Outputs) {
		return nil, unsupported("%s has %d outputs for one batch and %d for another", f.Name, len(f.Outputs), len(g.Outputs))
	}
	for i := range f.Outputs {
		if err := p.match(f.Outputs[i].Value, g.Outputs[i].Value); err != nil {
			return nil, fmt.Errorf("%s, output %s: %w", f.Name, f.Outputs[i].Name, err)
		}
	}
	return p, nil
}

func (p pairing) match(a, b *graph.Node) error {
	if p[a] == b {
		return nil
	}
	aa, ba := a.Attr(), b.Attr()
	switch {
	case p[a] != nil || a.Op() != b.Op() || len(a.In()) != len(b.In()) || len(a.Shape()) != len(b.Shape()) || aa.Name != ba.Name,
		!slices.Equal(aa.Axes, ba.Axes) || aa.Conv != ba.Conv || aa.TransA != ba.TransA || aa.TransB != ba.TransB:
		return unsupported("%s, a %v, is another operation for another batch", where(a), a.Op())
	case !slices.EqualFunc(aa.Data, ba.Data, func(x, y float32) bool { return x == y || x != x && y != y }):
		return unsupported("%s: a constant depends on the batch", where(a))
	}
	p[a] = b
	for i, x := range a.In() {
		if err := p.match(x, b.In()[i]); err != nil {
			return err
		}
	}
	return nil
}

// dims returns the shape of a node.
func (p pairing) dims(n *graph.Node) ([]dim, error) {
	dims := fixed(n.Shape())
	for i, other := range p[n].Shape() {
		if d := dims[i].n; d != other {
			each := other - d
			if each*batch != d {
				return nil, unsupported("%s, a %v: axis %d is %d long for a batch of %d and %d for one of %d, which is no multiple", where(n), n.Op(), i, d, batch, other, otherBatch)
			}
			dims[i] = dim{each, true}
		}
	}
	return dims, nil
}

// where names the layer of a node in an error.
func where(n *graph.Node) string {
	if n.Label() == "" {
		return "a node"
	}
	return "layer " + n.Label()
}
