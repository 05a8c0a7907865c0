package browser

import (
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// The steps of a program: a code and its arguments. Runtime has a function for each, of the same arguments. Addresses and
// strides are in numbers, but for stepProduct, whose are in bytes.
const (
	stepProduct    = iota // kernel, x, w, bias, y, rows, tiles, blocks, channels of x, taps, number of taps, row of x, row of y, pixel of y, slope
	stepMove              // from, to, rank, lengths, strides of from, strides of to
	stepUnary             // code, x, y, n
	stepBinary            // code, a and its pattern, b and its pattern, y, n
	stepSelect            // condition, a and b with their patterns, y, n
	stepReduce            // code, x, y, size of y, rank, lengths, strides of y
	stepMatMul            // a, b, y, M, K, N, strides of a, strides of b
	stepRandom            // code, key, stream, y, n, whether each item has its own numbers
	stepConv              // code, x, y, w, N, H, W, Ci, Kh, Kw, Ho, Wo, Co, strides, zeros before
	stepGather            // table, ids, y, number of ids, rows of the table, size of a row
	stepScatterAdd        // x, ids, y, number of ids, rows of y, size of a row
)

// unaryCodes, binaryCodes and the codes of stepReduce, stepRandom and stepConv are the indices in these lists.
var (
	unaryCodes  = []graph.Op{graph.OpNeg, graph.OpExp, graph.OpLog, graph.OpTanh, graph.OpSigmoid, graph.OpSoftplus, graph.OpSqrt, graph.OpAbs, graph.OpSign}
	binaryCodes = []graph.Op{graph.OpAdd, graph.OpSub, graph.OpMul, graph.OpDiv, graph.OpMax, graph.OpMin, graph.OpGreater, graph.OpEqual}
	reduceCodes = []graph.Op{graph.OpSum, graph.OpReduceMax}
	randomCodes = []graph.Op{graph.OpUniform, graph.OpNormal}
	convCodes   = []graph.Op{graph.OpConv2D, graph.OpConv2DInputGrad, graph.OpConv2DFilterGrad}
)

// loadCopy and loadPack are how an array gets into the memory: as it is, or as the kernels of stepProduct read it.
const (
	loadCopy = iota // array, to
	loadPack        // array, to, channels of the result, of x, their strides in the array, lanes of a block, offsets of the taps
)

// maxFloats bounds the memory of a program: 512 MiB, which a phone has.
const maxFloats = 1 << 27

// slack is how many numbers beyond an array a kernel may read or write.
const slack = 32

// A value is where the value of a node is: in order at address at, or, of a result that products read, as pixels with a
// distance between rows and between columns, and zeros around them. at is −1 if it is not in order anywhere yet.
type value struct {
	at    int
	image *image
}

// An image is pixels at base with zeros around them.
type image struct {
	base, row, col int
	halo           halo
	shape          graph.Shape // (1,H,W,C)
}

// A halo is the number of rows and columns of zeros around an image.
type halo struct{ top, bottom, left, right int }

// union returns the halo that covers both.
func (h halo) union(o halo) halo {
	return halo{max(h.top, o.top), max(h.bottom, o.bottom), max(h.left, o.left), max(h.right, o.right)}
}

// covers reports whether h has room for o.
func (h halo) covers(o halo) bool { return h.union(o) == h }

// A lowerer builds a program.
type lowerer struct {
	*Program
	folded  *Folded
	index   map[string]int // of an array among those of the program, by name
	loaded  map[string]int // address of what a load makes, by its text
	kernel  map[kernel]int // index of a kernel
	values  map[*graph.Node]*value
	uses    map[*graph.Node]int
	users   map[*graph.Node][]*graph.Node
	steps   [][]int
	name    string // of the function
	scratch int    // zeros that stand for a bias of a product without one
}

// Program returns the program of the functions. An *UnsupportedError names what it cannot express.
func (f *Folded) Program() (*Program, error) {
	l := &lowerer{Program: &Program{loads: [][]int{}, words: []int{}}, folded: f, index: map[string]int{}, loaded: map[string]int{}, kernel: map[kernel]int{}}
	for _, name := range f.names {
		l.index[name] = len(l.arrays)
		l.arrays = append(l.arrays, f.Weights[name].F32())
	}
	widest := slack
	for _, w := range f.Weights {
		for _, d := range w.Shape() {
			widest = max(widest, d)
		}
	}
	l.scratch = l.allocate(widest)
	for _, fn := range f.Funcs {
		if err := l.function(fn); err != nil {
			return nil, err
		}
	}
	l.placeWords()
	if l.memory > maxFloats {
		return nil, fmt.Errorf("browser: the functions need %d MiB in a page, more than %d: they are too large for one", l.memory>>18, maxFloats>>18)
	}
	return l.Program, nil
}

// allocate returns the address of n new numbers, a multiple of 4.
func (l *lowerer) allocate(n int) int {
	at := l.memory
	l.memory += (n + slack + 3) &^ 3
	return at
}

// placeWords gives the words their address, after all arrays, and adds it to the steps that read them.
func (l *lowerer) placeWords() {
	at := l.allocate(len(l.words))
	for _, f := range l.functions {
		for _, s := range f.Steps {
			if s[0] == stepProduct {
				s[10] = 4 * (at + s[10])
			}
		}
	}
	l.words = append([]int{at}, l.words...)
}

// function lowers one function.
func (l *lowerer) function(f *graph.Func) error {
	l.values, l.uses, l.users, l.steps, l.name = map[*graph.Node]*value{}, useCounts(f), map[*graph.Node][]*graph.Node{}, [][]int{}, f.Name
	for _, n := range f.Nodes() {
		for _, x := range n.In() {
			l.users[x] = append(l.users[x], n)
		}
	}
	out := lowered{Name: f.Name, Inputs: []operand{}}
	for _, in := range f.Inputs {
		at := l.allocate(in.Shape().Size())
		l.values[in] = &value{at: at}
		out.Inputs = append(out.Inputs, operand{in.Name(), at, append([]int{}, in.Shape()...), in.DType() == tensor.Int32})
	}
	for _, o := range f.Outputs {
		at, err := l.plain(o.Value)
		if err != nil {
			return err
		}
		out.Outputs = append(out.Outputs, operand{o.Name, at, append([]int{}, o.Value.Shape()...), false})
	}
	out.Steps = l.steps
	l.functions = append(l.functions, out)
	return nil
}

func (l *lowerer) emit(code int, args ...int) {
	l.steps = append(l.steps, append([]int{code}, args...))
}

// plain returns the address of the value of n, its elements in order.
func (l *lowerer) plain(n *graph.Node) (int, error) {
	v, err := l.value(n)
	if err != nil {
		return 0, err
	}
	if v.at < 0 {
		im := v.image
		v.at = l.allocate(n.Shape().Size())
		s := im.shape
		l.move(im.base, v.at, s[1:], []int{im.row, im.col, 1}, []int{s[2] * s[3], s[3], 1})
	}
	return v.at, nil
}

// image returns the value of n, images of a shape, with room for a halo.
func (l *lowerer) image(n *graph.Node, s graph.Shape, h halo) (*image, error) {
	v, err := l.value(n)
	if err != nil {
		return nil, err
	}
	if v.image != nil && v.image.shape.Equal(s) && v.image.halo.covers(h) {
		return v.image, nil
	}
	at, err := l.plain(n)
	if err != nil {
		return nil, err
	}
	plain := &image{base: at, row: s[2] * s[3], col: s[3], shape: s}
	if h == (halo{}) {
		return plain, nil
	}
	im := l.newImage(s, h, s[3])
	l.move(at, im.base, s[1:], []int{plain.row, plain.col, 1}, []int{im.row, im.col, 1})
	v.image = im
	return im, nil
}

// newImage allocates an image whose pixels are col numbers apart.
func (l *lowerer) newImage(s graph.Shape, h halo, col int) *image {
	im := &image{col: col, row: (h.left + s[2] + h.right) * col, halo: h, shape: s}
	im.base = l.allocate((h.top+s[1]+h.bottom)*im.row) + h.top*im.row + h.left*col
	return im
}

// move emits a copy between arrays with strides. Neighbouring axes that are one in both become one.
func (l *lowerer) move(from, to int, lengths, fromStrides, toStrides []int) {
	var n, a, b []int
	for i, d := range lengths {
		if d == 1 {
			continue
		}
		if k := len(n) - 1; k >= 0 && a[k] == d*fromStrides[i] && b[k] == d*toStrides[i] {
			n[k], a[k], b[k] = n[k]*d, fromStrides[i], toStrides[i]
			continue
		}
		n, a, b = append(n, d), append(a, fromStrides[i]), append(b, toStrides[i])
	}
	if len(n) == 0 {
		n, a, b = []int{1}, []int{1}, []int{1}
	}
	l.emit(stepMove, slices.Concat([]int{from, to, len(n)}, n, a, b)...)
}

// load returns the address of what a load makes, which is done once.
func (l *lowerer) load(size int, kind, array int, args ...int) int {
	key := fmt.Sprint(kind, array, args)
	at, ok := l.loaded[key]
	if !ok {
		at = l.allocate(size)
		l.loaded[key] = at
		l.loads = append(l.loads, append([]int{kind, array, at}, args...))
	}
	return at
}

// value returns where the value of n is, and emits the steps that compute it if it is new.
func (l *lowerer) value(n *graph.Node) (*value, error) {
	if v := l.values[n]; v != nil {
		return v, nil
	}
	v, err := l.compute(n)
	if err == nil {
		l.values[n] = v
	}
	return v, err
}

// compute emits the steps of n.
func (l *lowerer) compute(n *graph.Node) (*value, error) {
	if a := l.activated(n); a != nil {
		return l.product(n, a)
	}
	size := n.Shape().Size()
	switch op := n.Op(); op {
	case graph.OpState:
		return &value{at: l.load(size, loadCopy, l.index[n.Name()])}, nil
	case graph.OpConst:
		name := "const" + fmt.Sprint(n.Attr().Data)
		if _, ok := l.index[name]; !ok {
			l.index[name] = len(l.arrays)
			l.arrays = append(l.arrays, n.Attr().Data)
		}
		return &value{at: l.load(size, loadCopy, l.index[name])}, nil
	case graph.OpNormal, graph.OpUniform:
		key, err := l.plain(n.In()[0])
		if err != nil {
			return nil, err
		}
		stream := slices.Index(l.streams, n.Attr().Name)
		if stream < 0 {
			stream = len(l.streams)
			l.streams = append(l.streams, n.Attr().Name)
		}
		own := 0
		if l.folded.perItem[n.Attr().Name] {
			own = 1
		}
		y := l.allocate(size)
		l.emit(stepRandom, slices.Index(randomCodes, op), key, stream, y, size, own)
		return &value{at: y}, nil
	case graph.OpReshape:
		at, err := l.plain(n.In()[0])
		return &value{at: at}, err
	case graph.OpTranspose, graph.OpBroadcast, graph.OpPad, graph.OpSlice, graph.OpConcat:
		return l.moved(n)
	case graph.OpSum, graph.OpReduceMax:
		x, err := l.plain(n.In()[0])
		if err != nil {
			return nil, err
		}
		s, y := n.In()[0].Shape(), l.allocate(size)
		kept := s.Clone()
		for _, axis := range n.Attr().Axes {
			kept[axis] = 1
		}
		l.emit(stepReduce, slices.Concat([]int{slices.Index(reduceCodes, op), x, y, size, len(s)}, s, graph.BroadcastStrides(kept, s))...)
		return &value{at: y}, nil
	}
	return l.elementsOrProduct(n)
}

// elementsOrProduct emits the steps of an element-wise node, or of a product whose kernel is not constant.
func (l *lowerer) elementsOrProduct(n *graph.Node) (*value, error) {
	size, y := n.Shape().Size(), -1
	if u := slices.Index(unaryCodes, n.Op()); u >= 0 {
		x, err := l.plain(n.In()[0])
		if err != nil {
			return nil, err
		}
		y = l.allocate(size)
		l.emit(stepUnary, u, x, y, size)
		return &value{at: y}, nil
	}
	if n.Op() == graph.OpSelect || slices.Contains(binaryCodes, n.Op()) {
		var args []int
		for _, x := range n.In() {
			p, err := l.pattern(x)
			if err != nil {
				return nil, err
			}
			args = append(args, p...)
		}
		y = l.allocate(size)
		if n.Op() == graph.OpSelect {
			l.emit(stepSelect, append(args, y, size)...)
		} else {
			l.emit(stepBinary, append(append([]int{slices.Index(binaryCodes, n.Op())}, args...), y, size)...)
		}
		return &value{at: y}, nil
	}
	var in []int
	for _, x := range n.In() {
		at, err := l.plain(x)
		if err != nil {
			return nil, err
		}
		in = append(in, at)
	}
	switch n.Op() {
	case graph.OpGather:
		y = l.allocate(size)
		table := n.In()[0].Shape()
		l.emit(stepGather, in[0], in[1], y, n.In()[1].Shape().Size(), table[0], table[1:].Size())
	case graph.OpScatterAdd:
		y = l.allocate(size)
		l.emit(stepScatterAdd, in[0], in[1], y, n.In()[1].Shape().Size(), n.Shape()[0], n.Shape()[1:].Size())
	case graph.OpMatMul:
		y = l.allocate(size)
		lead := len(n.Shape()) - 2
		a, b, s, t := n.In()[0].Shape()[lead:], n.In()[1].Shape()[lead:], n.Shape()[lead:], n.Attr()
		k, ai, ak := a[1], a[1], 1
		if t.TransA {
			k, ai, ak = a[0], 1, a[1]
		}
		bk, bj := b[1], 1
		if t.TransB {
			bk, bj = 1, b[1]
		}
		for q := range n.Shape()[:lead].Size() {
			l.emit(stepMatMul, in[0]+q*a.Size(), in[1]+q*b.Size(), y+q*s.Size(), s[0], k, s[1], ai, ak, bk, bj)
		}
	case graph.OpConv2D, graph.OpConv2DInputGrad, graph.OpConv2DFilterGrad:
		y = l.allocate(size)
		l.conv(n, in[0], in[1], y)
	default:
		return nil, &UnsupportedError{l.name, n.Op().String(), "a page cannot compute this primitive; leave out what uses it, or use --to onnx"}
	}
	return &value{at: y}, nil
}

// conv emits one of the three convolutions of operands a and b.
func (l *lowerer) conv(n *graph.Node, a, b, result int) {
	// x, kernel and y of the convolution: one of them is the result.
	x, w, y := n.In()[0].Shape(), n.In()[1].Shape(), n.Shape()
	at := [3]int{a, b, result}
	switch n.Op() {
	case graph.OpConv2DInputGrad:
		x, y = n.Shape(), n.In()[0].Shape()
		at = [3]int{result, b, a}
	case graph.OpConv2DFilterGrad:
		w, y = n.Shape(), n.In()[1].Shape()
		at = [3]int{a, result, b}
	}
	c := n.Attr().Conv
	_, lo0, _ := c.Window(0, x[1], w[0])
	_, lo1, _ := c.Window(1, x[2], w[1])
	l.emit(stepConv, slices.Index(convCodes, n.Op()), at[0], at[2], at[1], x[0], x[1], x[2], x[3], w[0], w[1], y[1], y[2], y[3], c.Stride[0], c.Stride[1], lo0, lo1)
}

// pattern returns the address of an operand of an element-wise node and how it is repeated: element i of the node reads
// element i/inner mod period. A broadcast whose repeated axes are not all before or after those that are kept is written out.
func (l *lowerer) pattern(n *graph.Node) ([]int, error) {
	size := n.Shape().Size()
	if n.Op() != graph.OpBroadcast {
		at, err := l.plain(n)
		return []int{at, 1, size}, err
	}
	from, to := n.In()[0].Shape(), n.Shape()
	strides := graph.BroadcastStrides(from, to)
	inner, period, last := 1, 1, -1
	for axis := len(to) - 1; axis >= 0; axis-- {
		switch {
		case to[axis] == 1:
		case strides[axis] == 0 && last < 0:
			inner *= to[axis]
		case strides[axis] != 0:
			if last >= 0 && strides[axis] != period { // a repeated axis lies between
				at, err := l.plain(n)
				return []int{at, 1, size}, err
			}
			period *= to[axis]
			last = axis
		default: // repeated axes before the kept ones: all that follow must be repeated too
			for before := axis; before >= 0; before-- {
				if strides[before] != 0 && to[before] != 1 {
					at, err := l.plain(n)
					return []int{at, 1, size}, err
				}
			}
			axis = 0
		}
	}
	at, err := l.plain(n.In()[0])
	return []int{at, inner, period}, err
}

// moved emits the copies of a primitive that moves elements.
func (l *lowerer) moved(n *graph.Node) (*value, error) {
	s, a := n.Shape(), n.Attr()
	y := l.allocate(s.Size())
	own, offset := graph.Strides(s), 0
	for _, x := range n.In() {
		from, err := l.plain(x)
		if err != nil {
			return nil, err
		}
		lengths, fromStrides, toStrides, to := x.Shape(), graph.Strides(x.Shape()), slices.Clone(own), y
		switch n.Op() {
		case graph.OpTranspose:
			moved := make([]int, len(s))
			for i, axis := range a.Axes {
				moved[i] = fromStrides[axis]
			}
			lengths, fromStrides = s, moved
		case graph.OpBroadcast:
			lengths, fromStrides = s, graph.BroadcastStrides(x.Shape(), s)
		case graph.OpPad:
			for i := range own {
				to += a.Lo[i] * own[i]
				toStrides[i] = own[i] * (a.Step[i] + 1)
			}
		case graph.OpSlice:
			lengths = s
			for i := range own {
				from += a.Lo[i] * fromStrides[i]
				fromStrides[i] *= a.Step[i]
			}
		case graph.OpConcat:
			axis := a.Axes[0]
			to += offset * own[axis]
			offset += x.Shape()[axis]
		}
		l.move(from, to, lengths, fromStrides, toStrides)
	}
	return &value{at: y}, nil
}

// slopeBits returns the bits of a number as an int32, the form of an argument.
func slopeBits(v float32) int { return int(int32(math.Float32bits(v))) }
