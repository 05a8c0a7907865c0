package graphtest

import (
	"fmt"
	"math"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// RandomFunc returns a random function of a few to some dozens of nodes, which depends on the key alone. It contains inputs,
// states and constants; broadcasts along any axes; reductions over any axes; matrix products with transposes; convolutions
// of odd sizes; typical layers; nodes with several users; several outputs; updates of states, also exchanges of two states.
// About half of the functions contain first derivatives, and some second derivatives. With the values of RandomEnv no
// operand leaves the domain of its primitive, and nothing overflows.
func RandomFunc(key rng.Key) *graph.Func {
	g := &generator{randomChoices: randomChoices{key: key}}
	for range 1 + g.intn(3) {
		g.leaf(g.shape(g.intn(5))...)
	}
	for range 3 + g.intn(18) {
		rules[g.intn(len(rules))](g)
	}
	return g.buildFunc()
}

// RandomEnv returns random values for the inputs and states of f, which depend on the key alone. The numbers are multiples
// of 1/8 in [-2, 2], for which much of float32 arithmetic is exact, so that comparisons have the result that they have in
// float64. A random key gets the words of a key.
func RandomEnv(key rng.Key, f *graph.Func) graph.Env {
	env := graph.Env{Inputs: map[string]graph.Value{}, States: map[string]graph.Value{}}
	for _, n := range f.Inputs {
		k := key.Split("input " + n.Name())
		if n.DType() == tensor.Float32 {
			env.Inputs[n.Name()] = randomEighths(k, n.Shape().Size())
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
		env.States[n.Name()] = randomEighths(key.Split("state "+n.Name()), n.Shape().Size())
	}
	return env
}

// randomEighths returns n random multiples of 1/8 in [-2, 2].
func randomEighths(key rng.Key, n int) graph.Value {
	u := make([]float32, n)
	key.Uniform(u)
	v := make(graph.Value, n)
	for i := range v {
		v[i] = math.Floor(float64(u[i])*33)/8 - 2
	}
	return v
}

// randomChoices is a sequence of random choices; i counts them.
type randomChoices struct {
	key rng.Key
	i   uint64
}

// intn returns one of 0 … n-1.
func (d *randomChoices) intn(n int) int {
	d.i++
	return int(d.key.At(d.i).Float64() * float64(n))
}

// chance returns true with probability p.
func (d *randomChoices) chance(p float64) bool {
	d.i++
	return d.key.At(d.i).Float64() < p
}

// A boundedNode is a node whose elements lie in [lo, hi] for the values of RandomEnv.
type boundedNode struct {
	*graph.Node
	lo, hi float64
}

func (r boundedNode) maxAbs() float64 { return max(math.Abs(r.lo), math.Abs(r.hi)) }

// A generator builds a random function.
type generator struct {
	randomChoices
	pool    []boundedNode // the nodes so far, from which operands are taken
	inputs  []*graph.Node
	states  []*graph.Node
	keyNode *graph.Node // the random key, int32; nil until it is needed
}

const (
	maxElements = 600 // the largest size of most nodes
	maxBound    = 8   // a node whose elements can be larger is scaled down
)

// add adds y, with elements in [lo, hi], to the pool. It scales y by a power of two if the elements can be large.
func (g *generator) add(y *graph.Node, lo, hi float64) boundedNode {
	if b := max(math.Abs(lo), math.Abs(hi)); b > maxBound {
		s := math.Exp2(-math.Ceil(math.Log2(b / maxBound)))
		y, lo, hi = graph.Scale(y, s), lo*s, hi*s
	}
	r := boundedNode{y, lo, hi}
	g.pool = append(g.pool, r)
	return r
}

// pickNode returns a random node of the pool. Recent nodes are more likely.
func (g *generator) pickNode() boundedNode {
	n := len(g.pool)
	return g.pool[max(g.intn(n), g.intn(n))]
}

var lengths = []int{1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 13, 16, 17, 33}

// shape returns a random shape of the given rank with at most maxElements elements.
func (g *generator) shape(rank int) []int {
	s, size := make([]int, rank), 1
	for i := range s {
		s[i] = 1
		if d := lengths[g.intn(len(lengths))]; d*size <= maxElements/2 {
			s[i] = d
		}
		size *= s[i]
	}
	for i := rank - 1; i > 0; i-- { // the large axis can be anywhere
		j := g.intn(i + 1)
		s[i], s[j] = s[j], s[i]
	}
	return s
}

// leaf returns a new state, input or constant of the given shape.
func (g *generator) leaf(shape ...int) boundedNode {
	switch g.intn(4) {
	case 0, 1:
		n := graph.State(fmt.Sprintf("s%d", len(g.states)), shape...)
		g.states = append(g.states, n)
		return g.add(n, -2, 2)
	case 2:
		return g.input(shape...)
	}
	data := make([]float32, graph.Shape(shape).Size())
	g.i++
	for i, v := range randomEighths(g.key.At(g.i), len(data)) {
		data[i] = float32(v)
	}
	return g.add(graph.ConstOf(data, shape...), -2, 2)
}

// input returns a new input of the given shape.
func (g *generator) input(shape ...int) boundedNode {
	n := graph.Input(fmt.Sprintf("x%d", len(g.inputs)), tensor.Float32, shape...)
	g.inputs = append(g.inputs, n)
	return g.add(n, -2, 2)
}

// nodeOfShape returns a node of the given shape: one of the pool, perhaps reshaped, or a new leaf.
func (g *generator) nodeOfShape(shape ...int) boundedNode {
	if g.chance(0.5) {
		for range 6 {
			r := g.pickNode()
			if r.Shape().Equal(shape) {
				return r
			}
			if r.Shape().Size() == graph.Shape(shape).Size() {
				return boundedNode{graph.Reshape(r.Node, shape...), r.lo, r.hi}
			}
		}
	}
	return g.leaf(shape...)
}

// nodeOfRank returns a node of the pool with the given rank, perhaps reshaped.
func (g *generator) nodeOfRank(rank int) boundedNode {
	r := g.pickNode()
	if len(r.Shape()) == rank {
		return r
	}
	return boundedNode{graph.Reshape(r.Node, g.randomFactors(r.Shape().Size(), rank)...), r.lo, r.hi}
}

// randomFactors returns a random factorisation of size into rank factors.
func (g *generator) randomFactors(size, rank int) []int {
	s := make([]int, rank)
	for i := range s {
		s[i] = 1
	}
	for p := 2; size > 1; p++ {
		for ; size%p == 0; size /= p {
			s[g.intn(rank)] *= p
		}
	}
	return s
}

// broadcastPartner returns a node that broadcasts with a: one of the same shape, a scalar, or one without leading axes and
// with other axes of length 1. It never returns a itself, because a device may compute a − a with a rounding error.
func (g *generator) broadcastPartner(a boundedNode) boundedNode {
	s := a.Shape().Clone()
	switch g.intn(4) {
	case 0:
		s = s[:0]
	case 1:
		s = s[g.intn(len(s)+1):]
		for i := range s {
			if g.chance(0.4) {
				s[i] = 1
			}
		}
	case 2: // axes of length 1
		for i := range s {
			if g.chance(0.5) {
				s[i] = 1
			}
		}
	}
	if len(s) == 0 && g.chance(0.5) {
		v := float64(g.intn(33))/8 - 2
		return boundedNode{graph.Const(v), v, v}
	}
	b := g.nodeOfShape(s...)
	if b.Node == a.Node {
		return g.leaf(s...)
	}
	return b
}

// positive returns x, or a function of x whose elements are at least 1/4.
func (g *generator) positive(x boundedNode) boundedNode {
	if x.lo >= 0.25 {
		return x
	}
	b := x.maxAbs()
	switch g.intn(4) {
	case 0:
		return boundedNode{graph.AddScalar(graph.Square(x.Node), 0.5), 0.5, b*b + 0.5}
	case 1:
		return boundedNode{graph.AddScalar(graph.Abs(x.Node), 0.25), 0.25, b + 0.25}
	case 2:
		return boundedNode{graph.AddScalar(graph.Sigmoid(x.Node), 0.25), 0.25, 1.25}
	}
	return boundedNode{graph.AddScalar(graph.Softplus(x.Node), 0.25), 0.25, b + 1}
}

// keyInput returns the input for the random key, which it makes on first use.
func (g *generator) keyInput() *graph.Node {
	if g.keyNode == nil {
		g.keyNode = graph.Input("key", tensor.Int32, 4)
		g.inputs = append(g.inputs, g.keyNode)
	}
	return g.keyNode
}
