package onnx

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/memory"
)

// A lowerer turns the nodes of a function into values.
type lowerer struct {
	*layouts
	f       *graph.Func
	pairs   pairing
	uses    map[*graph.Node]int // how many operands and outputs a node is
	known   map[*graph.Node]bool
	values  map[*graph.Node]*value
	inputs  []*value
	draws   []Draw
	weights func(name string) (*tensor.Tensor, error)
}

func newLowerer(f, g *graph.Func, weights func(string) (*tensor.Tensor, error)) (*lowerer, error) {
	pairs, err := pair(f, g)
	if err != nil {
		return nil, err
	}
	l := &lowerer{
		layouts: newLayouts(), f: f, pairs: pairs, uses: map[*graph.Node]int{}, known: map[*graph.Node]bool{},
		values: map[*graph.Node]*value{}, weights: weights,
	}
	for n := range pairs {
		for _, x := range n.In() {
			l.uses[x]++
		}
	}
	for _, o := range f.Outputs {
		l.uses[o.Value]++
	}
	for _, in := range f.Inputs {
		if in.DType() != tensor.Float32 { // a random key: what is drawn by it is an input in its place
			continue
		}
		if pairs[in] == nil { // no output depends on it
			pairs[in] = in
			for _, other := range g.Inputs {
				if other.Name() == in.Name() {
					pairs[in] = other
				}
			}
		}
		if _, err := l.input(in, in.Name()); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// outputs returns the values of the outputs of the function.
func (l *lowerer) outputs() ([]*value, error) {
	var out []*value
	for _, o := range l.f.Outputs {
		v, err := l.lower(o.Value)
		if err != nil {
			return nil, fmt.Errorf("onnx: %s, output %s: %w", l.f.Name, o.Name, err)
		}
		out = append(out, v)
	}
	return out, nil
}

// input adds an input of a name, which another may have.
func (l *lowerer) input(n *graph.Node, name string) (*value, error) {
	dims, err := l.pairs.dims(n)
	if err != nil {
		return nil, err
	}
	base := name
	for k := 2; slices.ContainsFunc(l.inputs, func(v *value) bool { return v.name == name }); k++ {
		name = fmt.Sprint(base, " ", k)
	}
	v := &value{op: opInput, name: name, shape: dims}
	l.inputs = append(l.inputs, v)
	l.values[n] = v
	return v, nil
}

// lower returns the value of a node.
func (l *lowerer) lower(n *graph.Node) (*value, error) {
	if v := l.values[n]; v != nil {
		return v, nil
	}
	shape, err := l.pairs.dims(n)
	if err != nil {
		return nil, err
	}
	var v *value
	if known, err := l.isKnown(n); err != nil {
		return nil, err
	} else if known && n.Op() != graph.OpBroadcast {
		v, err = l.compute(n)
		if err != nil {
			return nil, err
		}
	} else if v, err = l.operation(n, shape); err != nil {
		return nil, err
	}
	if !slices.Equal(v.shape, shape) {
		return nil, unsupported("%s, a %v, has the shape %v and was written with %v", where(n), n.Op(), shape, v.shape)
	}
	if v.label == "" {
		v.label = n.Label()
	}
	l.values[n] = v
	return v, nil
}

// operation returns the value of a node that depends on an input.
func (l *lowerer) operation(n *graph.Node, shape []dim) (*value, error) {
	switch n.Op() {
	case graph.OpUniform:
		return l.draw(n, uniformDraw)
	case graph.OpNormal:
		return l.draw(n, normalDraw)
	}
	var in []*value
	for _, x := range n.In() {
		v, err := l.lower(x)
		if err != nil {
			return nil, err
		}
		in = append(in, v)
	}
	if v := l.foldAffine(n, in); v != nil {
		return v, nil
	}
	if write := operators[n.Op()]; write != nil {
		return write(l, n, in, shape)
	}
	return nil, unsupported("%s: no operator for the primitive %v", where(n), n.Op())
}

// draw adds an input in place of random numbers.
func (l *lowerer) draw(n *graph.Node, distribution string) (*value, error) {
	v, err := l.input(n, n.Attr().Name)
	if err == nil {
		l.draws = append(l.draws, Draw{v.name, distribution})
	}
	return v, err
}

// isKnown reports whether a node depends on states and constants alone, not on an input and not on the size of a batch.
func (l *lowerer) isKnown(n *graph.Node) (bool, error) {
	if known, ok := l.known[n]; ok {
		return known, nil
	}
	dims, err := l.pairs.dims(n)
	if err != nil {
		return false, err
	}
	_, known := sizes(dims)
	switch n.Op() {
	case graph.OpInput, graph.OpUniform, graph.OpNormal:
		known = false
	}
	for _, x := range n.In() {
		ok, err := l.isKnown(x)
		if err != nil {
			return false, err
		}
		known = known && ok
	}
	l.known[n] = known
	return known, nil
}

// compute returns the constant that a known node is. It is computed in float64.
func (l *lowerer) compute(n *graph.Node) (*value, error) {
	switch n.Op() {
	case graph.OpConst:
		return constant("", n.Attr().Data, n.Shape()...), nil
	case graph.OpState:
		w, err := l.weights(n.Name())
		if err != nil {
			return nil, err
		}
		return constant(n.Name(), w.F32(), n.Shape()...), nil
	}
	f, err := graph.NewFunc(l.f.Name, nil, []graph.Output{{Name: "value", Value: n}}, nil)
	if err != nil {
		return nil, err
	}
	elements := 0
	for _, x := range f.Nodes() {
		elements += x.Shape().Size()
	}
	if err := memory.Check(int64(8*elements), "computing %s of the weights of %s", n.Op(), cmp.Or(n.Label(), l.f.Name)); err != nil {
		return nil, err
	}
	name := ""
	for _, s := range f.States {
		if s.Shape().Size() == n.Shape().Size() {
			name = s.Name()
		}
	}
	out, err := graph.Evaluate(f, l.weights)
	if err != nil {
		return nil, err
	}
	data := make([]float32, len(out[0]))
	for i, x := range out[0] {
		data[i] = float32(x)
	}
	return constant(name, data, n.Shape()...), nil
}
