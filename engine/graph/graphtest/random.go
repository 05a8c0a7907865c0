package graphtest

import (
	"fmt"
	"math"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// RandomFunc returns a random graph of a few to some dozens of nodes, the same for
// the same key: leaves of every kind; broadcasts of scalars, rows, columns and
// middles; reductions over any axes; matrix products with transposes;
// convolutions of odd sizes; layers as networks have them; fan-out; several
// outputs; updates of states, swaps among them; and for about half of the keys
// first, for some second derivatives. Give it the values of RandomEnv: then
// no function leaves its domain or overflows.
func RandomFunc(key rng.Key) *graph.Func {
	g := &gen{draw: draw{key: key}}
	for range 1 + g.n(3) {
		g.leaf(g.shape(g.n(5))...)
	}
	for range 3 + g.n(18) {
		rules[g.n(len(rules))](g)
	}
	return g.finish()
}

// RandomEnv gives every input and state of f a value, the same for the same key:
// multiples of 1/8 in [-2, 2], on which much of float32 is exact, so that ties
// and comparisons are what they are in float64; and words of a key where f takes
// one.
func RandomEnv(key rng.Key, f *graph.Func) graph.Env {
	env := graph.Env{Inputs: map[string]graph.Value{}, States: map[string]graph.Value{}}
	for _, n := range f.Inputs {
		k := key.Split("input " + n.Name())
		if n.DType() == tensor.Float32 {
			env.Inputs[n.Name()] = eighths(k, n.Shape().Size())
			continue
		}
		w := k.Words()
		v := make(graph.Value, n.Shape().Size())
		for i := range v {
			v[i] = float64(w[i%4])
		}
		env.Inputs[n.Name()] = v
	}
	for _, n := range f.States {
		env.States[n.Name()] = eighths(key.Split("state "+n.Name()), n.Shape().Size())
	}
	return env
}

func eighths(key rng.Key, n int) graph.Value {
	u := make([]float32, n)
	key.Uniform(u)
	v := make(graph.Value, n)
	for i := range v {
		v[i] = math.Floor(float64(u[i])*33)/8 - 2
	}
	return v
}

// A draw is a sequence of random choices.
type draw struct {
	key rng.Key
	i   uint64
}

// n returns one of 0 … n-1.
func (d *draw) n(n int) int {
	d.i++
	return int(d.key.At(d.i).Float64() * float64(n))
}

func (d *draw) chance(p float64) bool {
	d.i++
	return d.key.At(d.i).Float64() < p
}

// A ranged node has elements that lie in [lo, hi] under RandomEnv.
type ranged struct {
	*graph.Node
	lo, hi float64
}

func (r ranged) big() float64 { return max(math.Abs(r.lo), math.Abs(r.hi)) }

// gen grows a graph.
type gen struct {
	draw
	pool   []ranged
	inputs []*graph.Node
	states []*graph.Node
	key4   *graph.Node // the int32 input, once there is one
}

const (
	maxElements = 600 // of a node
	maxBound    = 8   // of an element, before it is scaled down
)

// add puts y into the pool, scaled by a power of two if it is large.
func (g *gen) add(y *graph.Node, lo, hi float64) ranged {
	if b := max(math.Abs(lo), math.Abs(hi)); b > maxBound {
		s := math.Exp2(-math.Ceil(math.Log2(b / maxBound)))
		y, lo, hi = graph.Scale(y, s), lo*s, hi*s
	}
	r := ranged{y, lo, hi}
	g.pool = append(g.pool, r)
	return r
}

// pick returns a node of the pool, more often a late one.
func (g *gen) pick() ranged {
	n := len(g.pool)
	return g.pool[max(g.n(n), g.n(n))]
}

var lengths = []int{1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 13, 16, 17, 33}

// shape returns a random shape of that rank within maxElements.
func (g *gen) shape(rank int) []int {
	s, size := make([]int, rank), 1
	for i := range s {
		s[i] = 1
		if d := lengths[g.n(len(lengths))]; d*size <= maxElements/2 {
			s[i] = d
		}
		size *= s[i]
	}
	for i := rank - 1; i > 0; i-- { // the large axis anywhere
		j := g.n(i + 1)
		s[i], s[j] = s[j], s[i]
	}
	return s
}

// leaf returns a new state, input or constant of that shape.
func (g *gen) leaf(shape ...int) ranged {
	switch g.n(4) {
	case 0, 1:
		n := graph.State(fmt.Sprintf("s%d", len(g.states)), shape...)
		g.states = append(g.states, n)
		return g.add(n, -2, 2)
	case 2:
		return g.input(shape...)
	}
	data := make([]float32, graph.Shape(shape).Size())
	g.i++
	for i, v := range eighths(g.key.At(g.i), len(data)) {
		data[i] = float32(v)
	}
	return g.add(graph.ConstOf(data, shape...), -2, 2)
}

// input returns a new input of that shape.
func (g *gen) input(shape ...int) ranged {
	n := graph.Input(fmt.Sprintf("x%d", len(g.inputs)), tensor.Float32, shape...)
	g.inputs = append(g.inputs, n)
	return g.add(n, -2, 2)
}

// sized returns a node of exactly that shape: one of the pool, one reshaped, or a leaf.
func (g *gen) sized(shape ...int) ranged {
	if g.chance(0.5) {
		for range 6 {
			r := g.pick()
			if r.Shape().Equal(shape) {
				return r
			}
			if r.Shape().Size() == graph.Shape(shape).Size() {
				return ranged{graph.Reshape(r.Node, shape...), r.lo, r.hi}
			}
		}
	}
	return g.leaf(shape...)
}

// ofRank returns a node of the pool of that rank, or one reshaped to it.
func (g *gen) ofRank(rank int) ranged {
	r := g.pick()
	if len(r.Shape()) == rank {
		return r
	}
	return ranged{graph.Reshape(r.Node, g.factor(r.Shape().Size(), rank)...), r.lo, r.hi}
}

// factor splits size into rank factors at random.
func (g *gen) factor(size, rank int) []int {
	s := make([]int, rank)
	for i := range s {
		s[i] = 1
	}
	for p := 2; size > 1; p++ {
		for ; size%p == 0; size /= p {
			s[g.n(rank)] *= p
		}
	}
	return s
}

// partner returns a node that broadcasts with a: of its shape, a scalar, or with
// leading axes gone and some others of length 1. It is never a itself, whose
// difference from a a device may well round away from 0.
func (g *gen) partner(a ranged) ranged {
	s := a.Shape().Clone()
	switch g.n(4) {
	case 0:
		s = s[:0]
	case 1:
		s = s[g.n(len(s)+1):]
		for i := range s {
			if g.chance(0.4) {
				s[i] = 1
			}
		}
	case 2: // a row, a column or a middle
		for i := range s {
			if g.chance(0.5) {
				s[i] = 1
			}
		}
	}
	if len(s) == 0 && g.chance(0.5) {
		v := float64(g.n(33))/8 - 2
		return ranged{graph.Const(v), v, v}
	}
	b := g.sized(s...)
	if b.Node == a.Node {
		return g.leaf(s...)
	}
	return b
}

// positive returns x made to lie above 1/4.
func (g *gen) positive(x ranged) ranged {
	if x.lo >= 0.25 {
		return x
	}
	b := x.big()
	switch g.n(4) {
	case 0:
		return ranged{graph.AddScalar(graph.Square(x.Node), 0.5), 0.5, b*b + 0.5}
	case 1:
		return ranged{graph.AddScalar(graph.Abs(x.Node), 0.25), 0.25, b + 0.25}
	case 2:
		return ranged{graph.AddScalar(graph.Sigmoid(x.Node), 0.25), 0.25, 1.25}
	}
	return ranged{graph.AddScalar(graph.Softplus(x.Node), 0.25), 0.25, b + 1}
}

// keyed returns the int32 input, made on first use.
func (g *gen) keyed() *graph.Node {
	if g.key4 == nil {
		g.key4 = graph.Input("key", tensor.Int32, 4)
		g.inputs = append(g.inputs, g.key4)
	}
	return g.key4
}
