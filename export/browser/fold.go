package browser

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// A Folded is some functions in which everything that depends on weights alone is computed: their states are the arrays
// that a page carries. They are functions of one item.
type Folded struct {
	Funcs   []*graph.Func
	Weights map[string]*tensor.Tensor // the states of Funcs, by name
	names   []string                  // of Weights, in the order of their first use
	perItem map[string]bool           // by the name of a random stream: whether each item of a batch has its own numbers
}

// Fold builds functions for one item, simplifies them, and computes what depends on weights alone. values returns the array
// of a state.
func Fold(functions []Function, values func(name string) (*tensor.Tensor, error)) (*Folded, error) {
	f := &Folded{Weights: map[string]*tensor.Tensor{}, perItem: map[string]bool{}}
	for _, fn := range functions {
		g, err := fn.Build(1)
		if err == nil {
			err = f.random(fn, g)
		}
		if err != nil {
			return nil, err
		}
		g = graph.Simplify(g)
		g.Name = fn.Name
		if len(g.Updates) > 0 {
			return nil, &UnsupportedError{fn.Name, "update", "a function that changes states is no function of a page"}
		}
		w := &folder{Folded: f, isConst: map[*graph.Node]bool{}, value: map[*graph.Node]graph.Value{}, folded: map[*graph.Node]*graph.Node{}, uses: useCounts(g), state: map[string]*graph.Node{}}
		if err := w.evaluate(g, values); err != nil {
			return nil, err
		}
		var outputs []graph.Output
		for _, o := range g.Outputs {
			outputs = append(outputs, graph.Output{Name: o.Name, Value: w.visit(o.Value)})
		}
		var inputs []*graph.Node
		for _, in := range g.Inputs {
			inputs = append(inputs, w.visit(in))
		}
		h, err := graph.NewFunc(fn.Name, inputs, outputs, nil)
		if err != nil {
			return nil, err
		}
		f.Funcs = append(f.Funcs, h)
	}
	used := map[string]*tensor.Tensor{} // an array that became part of another one is left out
	for _, h := range f.Funcs {
		for _, s := range h.States {
			if used[s.Name()] == nil {
				used[s.Name()] = f.Weights[s.Name()]
				f.names = append(f.names, s.Name())
			}
		}
	}
	f.Weights = used
	return f, nil
}

// random notes of each random stream of a function whether an item of a batch has numbers of its own, by the shapes of a
// batch of two.
func (f *Folded) random(fn Function, one *graph.Func) error {
	shapes := map[string]graph.Shape{}
	for _, n := range one.Nodes() {
		if n.Op() == graph.OpNormal || n.Op() == graph.OpUniform {
			shapes[n.Attr().Name] = n.Shape()
		}
	}
	if len(shapes) == 0 {
		return nil
	}
	two, err := fn.Build(2)
	if err != nil {
		return err
	}
	for _, n := range two.Nodes() {
		if n.Op() != graph.OpNormal && n.Op() != graph.OpUniform {
			continue
		}
		name, s := n.Attr().Name, n.Shape()
		first := shapes[name]
		switch {
		case s.Equal(first):
		case len(s) == len(first) && len(s) > 0 && s[0] == 2*first[0] && s[1:].Equal(first[1:]):
			f.perItem[name] = true
		default:
			return &UnsupportedError{fn.Name, n.Op().String(), fmt.Sprintf("stream %q has shape %v for one item and %v for two", name, first, s)}
		}
	}
	return nil
}

// useCounts returns how often each node is an operand or an output.
func useCounts(f *graph.Func) map[*graph.Node]int {
	uses := map[*graph.Node]int{}
	for _, n := range f.Nodes() {
		for _, x := range n.In() {
			uses[x]++
		}
	}
	for _, o := range f.Outputs {
		uses[o.Value]++
	}
	return uses
}

// A folder builds the folded form of one function.
type folder struct {
	*Folded
	isConst map[*graph.Node]bool        // nodes of the old graph that depend on weights and constants alone
	value   map[*graph.Node]graph.Value // of those of them that the new graph reads
	folded  map[*graph.Node]*graph.Node // of each node of the old graph its node in the new one
	uses    map[*graph.Node]int         // of nodes of both graphs
	state   map[string]*graph.Node      // the states of the new graph
}

// evaluate computes the constant nodes that others read.
func (w *folder) evaluate(f *graph.Func, values func(name string) (*tensor.Tensor, error)) error {
	var roots []graph.Output
	wanted := map[*graph.Node]bool{}
	want := func(n *graph.Node) {
		for n.Op() == graph.OpBroadcast {
			n = n.In()[0]
		}
		if w.isConst[n] && !wanted[n] {
			wanted[n] = true
			roots = append(roots, graph.Output{Name: fmt.Sprint(len(roots)), Value: n})
		}
	}
	for _, n := range f.Nodes() {
		switch n.Op() {
		case graph.OpInput, graph.OpNormal, graph.OpUniform:
		case graph.OpState, graph.OpConst:
			w.isConst[n] = true
		default:
			w.isConst[n] = !slices.ContainsFunc(n.In(), func(x *graph.Node) bool { return !w.isConst[x] })
		}
		if !w.isConst[n] {
			for _, x := range n.In() {
				want(x)
			}
		}
	}
	for _, o := range f.Outputs {
		want(o.Value)
	}
	constants, err := graph.NewFunc(f.Name, nil, roots, nil)
	if err != nil {
		return err
	}
	results, err := graph.Evaluate(constants, values)
	if err != nil {
		return err
	}
	for i, r := range roots {
		w.value[r.Value] = results[i]
	}
	return nil
}

// array returns the state that holds an array; equal arrays are one.
func (w *folder) array(v graph.Value, shape graph.Shape) *graph.Node {
	data, bytes := make([]float32, len(v)), []byte(shape.String())
	for i, x := range v {
		data[i] = float32(x)
		bytes = binary.LittleEndian.AppendUint32(bytes, math.Float32bits(data[i]))
	}
	name := fmt.Sprintf("%x", sha256.Sum256(bytes))
	if w.Weights[name] == nil {
		w.Weights[name], _ = tensor.FromSlice(data, shape...) // the sizes agree
	}
	if w.state[name] == nil {
		w.state[name] = graph.State(name, shape...)
	}
	return w.state[name]
}

// visit returns the node of the new graph.
func (w *folder) visit(n *graph.Node) *graph.Node {
	if m := w.folded[n]; m != nil {
		return m
	}
	var m *graph.Node
	switch {
	case w.isConst[n] && n.Op() == graph.OpBroadcast:
		m = graph.BroadcastTo(w.visit(n.In()[0]), n.Shape()...)
	case w.isConst[n] && len(n.Shape()) == 0:
		m = graph.ConstOf([]float32{float32(w.value[n][0])}, n.Shape()...)
	case w.isConst[n]:
		m = w.array(w.value[n], n.Shape())
	default:
		in := make([]*graph.Node, len(n.In()))
		for i, x := range n.In() {
			in[i] = w.visit(x)
		}
		m = graph.Rebuild(n, in...)
		if a := w.intoKernel(m); a != nil {
			m = a
		}
	}
	w.folded[n] = m
	w.uses[m] = max(w.uses[m], w.uses[n])
	return m
}

// intoKernel returns n as a convolution or product with another kernel and bias, if it scales or shifts the channels of one
// that nothing else reads by constants, and nil otherwise. y = (x⋆w + b)·s + t is x⋆(w·s) + (b·s + t).
func (w *folder) intoKernel(n *graph.Node) *graph.Node {
	op := n.Op()
	if op != graph.OpAdd && op != graph.OpSub && op != graph.OpMul && op != graph.OpDiv {
		return nil
	}
	y, c := n.In()[0], n.In()[1]
	if (op == graph.OpAdd || op == graph.OpMul) && w.constant(y) != nil {
		y, c = c, y
	}
	top := y
	if y.Op() == graph.OpReshape && w.uses[y] <= 1 {
		y = y.In()[0]
	}
	p := productOf(y)
	if p == nil || w.uses[top] > 1 || w.uses[y] > 1 || w.uses[p.node] > 1 {
		return nil
	}
	v := periodic(w.constant(c), p.channels)
	if v == nil {
		return nil
	}
	bias := make(graph.Value, p.channels)
	if p.bias != nil {
		for i, b := range w.constant(p.bias)[:p.channels] {
			bias[i] = float64(b)
		}
	}
	kernel, axis := w.Weights[p.kernel.Name()], p.channelAxis()
	scaled := op == graph.OpMul || op == graph.OpDiv
	k := make(graph.Value, kernel.Size())
	inner := graph.Strides(kernel.Shape())[axis]
	for i, x := range kernel.F32() {
		k[i] = float64(x)
		if scaled {
			k[i] = apply(op, k[i], v[i/inner%p.channels])
		}
	}
	for i := range bias {
		bias[i] = apply(op, bias[i], v[i])
	}
	in := p.kernel
	if scaled {
		in = w.array(k, kernel.Shape())
	}
	product := graph.Rebuild(p.node, p.node.In()[0], in)
	shifted := graph.Add(product, w.array(bias, graph.Shape{p.channels}))
	w.uses[product], w.uses[shifted] = 1, 1
	return graph.Reshape(shifted, n.Shape()...)
}

// apply returns x op c.
func apply(op graph.Op, x, c float64) float64 {
	switch op {
	case graph.OpAdd:
		return x + c
	case graph.OpSub:
		return x - c
	case graph.OpMul:
		return x * c
	}
	return x / c
}

// constant returns the elements of a constant node of the new graph, those of its whole shape, or nil.
func (f *Folded) constant(n *graph.Node) []float32 {
	x := n
	if n.Op() == graph.OpBroadcast {
		x = n.In()[0]
	}
	var data []float32
	switch x.Op() {
	case graph.OpState:
		data = f.Weights[x.Name()].F32()
	case graph.OpConst:
		data = x.Attr().Data
	default:
		return nil
	}
	if x == n {
		return data
	}
	all := make([]float32, 0, n.Shape().Size())
	for at := range tensor.Offsets(n.Shape(), graph.BroadcastStrides(x.Shape(), n.Shape())) {
		all = append(all, data[at])
	}
	return all
}

// periodic returns the first period elements of data as float64, or nil if data does not repeat them.
func periodic(data []float32, period int) []float64 {
	if len(data) == 0 || len(data)%period != 0 {
		return nil
	}
	v := make([]float64, period)
	for i, x := range data {
		if i < period {
			v[i] = float64(x)
		} else if x != data[i-period] {
			return nil
		}
	}
	return v
}

// A product is a convolution or a transposed one of one image, or a matrix product, with a constant kernel, and perhaps a bias.
type product struct {
	node     *graph.Node
	kernel   *graph.Node // the state
	bias     *graph.Node // constant, of the shape of the result; nil = none
	channels int         // of the result
}

// productOf returns the product that y is, with its bias if it has one, or nil.
func productOf(y *graph.Node) *product {
	var bias *graph.Node
	if y.Op() == graph.OpAdd {
		y, bias = y.In()[0], y.In()[1]
		if bias.Op() == graph.OpBroadcast && bias.In()[0].Op() != graph.OpState || bias.Op() != graph.OpBroadcast && bias.Op() != graph.OpState {
			y, bias = bias, y
		}
	}
	switch y.Op() {
	case graph.OpConv2D, graph.OpConv2DInputGrad, graph.OpMatMul:
	default:
		return nil
	}
	k := y.In()[1]
	if k.Op() != graph.OpState || y.In()[0].Op() == graph.OpState || y.Attr().TransA || y.Op() == graph.OpMatMul && len(y.Shape()) > 2 || y.Op() != graph.OpMatMul && y.Shape()[0] > 1 {
		return nil
	}
	p := &product{node: y, kernel: k, bias: bias, channels: y.Shape()[len(y.Shape())-1]}
	if bias != nil && !p.isBias(bias) {
		return nil
	}
	return p
}

// isBias reports whether a constant is one number for each channel of the result.
func (p *product) isBias(b *graph.Node) bool {
	if b.Op() == graph.OpBroadcast {
		b = b.In()[0]
	}
	return b.Op() == graph.OpState && b.Shape().Size() == p.channels && b.Shape()[len(b.Shape())-1] == p.channels
}

// channelAxis returns the axis of the kernel that is the channels of the result.
func (p *product) channelAxis() int {
	last := len(p.kernel.Shape()) - 1
	if p.node.Op() == graph.OpConv2DInputGrad || p.node.Attr().TransB {
		return last - 1
	}
	return last
}

// Halves returns the weights as they are after the large arrays were stored as float16: see Program.Weights.
func (f *Folded) Halves() map[string]*tensor.Tensor {
	halves := map[string]*tensor.Tensor{}
	for name, w := range f.Weights {
		halves[name] = w
		if w.Size() < halfFrom {
			continue
		}
		h := tensor.New(tensor.Float32, w.Shape()...)
		for i, v := range w.F32() {
			h.F32()[i] = tensor.FromHalf(toHalf(v))
		}
		halves[name] = h
	}
	return halves
}
