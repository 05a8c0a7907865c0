package nn

import (
	"math"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// In the comments on sequences, T is the number of steps and B, as everywhere, the batch size. The step is the second axis.

// Uniform returns an Init that draws from U(−r, r).
func Uniform(r float64) Init {
	return func(key rng.Key, _ tensor.Shape, dst []float32) {
		key.Uniform(dst)
		for i, u := range dst {
			dst[i] = float32((2*float64(u) - 1) * r)
		}
	}
}

// A Recurrence says how a recurrent layer goes through a sequence. The zero value goes from the first step to the last,
// from a state of zeros.
type Recurrence struct {
	Initial *graph.Node // the state before the first step, (B, units); nil = 0
	Cell    *graph.Node // of an LSTM, the cell before the first step, (B, units); nil = 0
	// Mask (B, T) is 1 at the steps of a sequence and 0 at those after its end, where the state stays as it is. nil = all.
	Mask    *graph.Node
	Reverse bool // goes from the last step to the first; the state of step t is at t as ever
}

// GRU returns the states of a layer of gated recurrent units, y (B, T, units), and the state after the last step,
// (B, units). For each step, with x_t of x (B, T, D) and h the state before it:
//
//	r = σ(W_r·x_t + b_r + U_r·h + c_r)    z = σ(W_z·x_t + b_z + U_z·h + c_z)
//	n = tanh(W_n·x_t + b_n + r·(U_n·h + c_n))    h ← (1−z)·n + z·h
//
// Its parameters are name/kernel W (D, 3·units), name/recurrent_kernel U (units, 3·units), name/bias b and
// name/recurrent_bias c (3·units), each with the parts r, z and n in this order. The kernels are drawn from
// U(−1/√units, 1/√units), the biases by b.Bias. To go on step by step, call it with one step, T = 1, and the last state.
// Cho et al., arXiv:1406.1078, in the form of cuDNN, PyTorch and reset_after of Keras. It panics with a
// *graph.ShapeError if x is not (B, T, D), or a state or the mask does not fit.
func (b *Builder) GRU(name string, x *graph.Node, units int, o Recurrence) (y, last *graph.Node) {
	s := b.sequence("gru "+name, x, units, o)
	gates := s.project(b, name, 3)
	u := b.Param(name+"/recurrent_kernel", Uniform(1/math.Sqrt(float64(units))), units, 3*units)
	one := graph.Const(1)
	y, last, _ = s.run(func(t int, h, _ *graph.Node) (*graph.Node, *graph.Node) {
		p, q := s.step(gates, t), graph.MatMul(h, u)
		if b.Bias != nil {
			q = graph.Add(q, b.Param(name+"/recurrent_bias", b.Bias, 3*units))
		}
		r := graph.Sigmoid(graph.Add(s.part(p, 0), s.part(q, 0)))
		z := graph.Sigmoid(graph.Add(s.part(p, 1), s.part(q, 1)))
		n := graph.Tanh(graph.Add(s.part(p, 2), graph.Mul(r, s.part(q, 2))))
		return graph.Add(graph.Mul(graph.Sub(one, z), n), graph.Mul(z, h)), nil
	})
	return b.Layer(name, "GRU", y, x), last
}

// LSTM returns the states of a layer of long short-term memory, y (B, T, units), and the state and the cell after the last
// step, (B, units) each. For each step, with x_t of x (B, T, D), h the state and c the cell before it:
//
//	i = σ(W_i·x_t + U_i·h + b_i)    f = σ(W_f·x_t + U_f·h + b_f)
//	g = tanh(W_g·x_t + U_g·h + b_g)    o = σ(W_o·x_t + U_o·h + b_o)
//	c ← f·c + i·g    h ← o·tanh(c)
//
// Its parameters are name/kernel W (D, 4·units), name/recurrent_kernel U (units, 4·units) and name/bias b (4·units), each
// with the parts i, f, g and o in this order, as in PyTorch, which has two biases of the same sum, and in Keras. The
// kernels are drawn from U(−1/√units, 1/√units), the bias by b.Bias. Hochreiter & Schmidhuber 1997, with the forget gate
// of Gers et al. 2000. It panics as GRU does.
func (b *Builder) LSTM(name string, x *graph.Node, units int, o Recurrence) (y, last, cell *graph.Node) {
	s := b.sequence("lstm "+name, x, units, o)
	gates := s.project(b, name, 4)
	u := b.Param(name+"/recurrent_kernel", Uniform(1/math.Sqrt(float64(units))), units, 4*units)
	y, last, cell = s.run(func(t int, h, c *graph.Node) (*graph.Node, *graph.Node) {
		p := graph.Add(s.step(gates, t), graph.MatMul(h, u))
		i, f := graph.Sigmoid(s.part(p, 0)), graph.Sigmoid(s.part(p, 1))
		g, o := graph.Tanh(s.part(p, 2)), graph.Sigmoid(s.part(p, 3))
		c = graph.Add(graph.Mul(f, c), graph.Mul(i, g))
		return graph.Mul(o, graph.Tanh(c)), c
	})
	return b.Layer(name, "LSTM", y, x), last, cell
}

// Recurrent returns what LSTM returns if kind is "lstm", else what GRU returns, with a nil cell: for networks whose layers are
// chosen by name. It panics as these do.
func (b *Builder) Recurrent(kind, name string, x *graph.Node, units int, o Recurrence) (y, last, cell *graph.Node) {
	if kind == "lstm" {
		return b.LSTM(name, x, units, o)
	}
	y, last = b.GRU(name, x, units, o)
	return y, last, nil
}

// A sequence is what the steps of a recurrent layer share.
type sequence struct {
	Recurrence
	x                   *graph.Node // (B, T, D)
	batch, steps, units int
}

// sequence returns the sequence x of a layer. It panics with a *graph.ShapeError if an operand does not fit.
func (b *Builder) sequence(op string, x *graph.Node, units int, o Recurrence) *sequence {
	requireRank(x, 3, op, "sequences (B, T, D)")
	s := &sequence{o, x, x.Shape()[0], x.Shape()[1], units}
	require := func(n *graph.Node, what string, shape ...int) {
		if n != nil && !n.Shape().Equal(shape) {
			panic(&graph.ShapeError{Op: op, In: []graph.Shape{x.Shape(), n.Shape()}, Want: "want " + what + " of shape " + graph.Shape(shape).String()})
		}
	}
	require(o.Initial, "an initial state", s.batch, units)
	require(o.Cell, "an initial cell", s.batch, units)
	require(o.Mask, "a mask", s.batch, s.steps)
	return s
}

// project returns what the gates of all steps have of x, W·x + b, in the order of steps: (T·B, gates·units).
func (s *sequence) project(b *Builder, name string, gates int) *graph.Node {
	d := s.x.Shape()[2]
	w := b.Param(name+"/kernel", Uniform(1/math.Sqrt(float64(s.units))), d, gates*s.units)
	rows := graph.Reshape(graph.Transpose(s.x, 1, 0, 2), s.steps*s.batch, d)
	return b.addBias(name, graph.MatMul(rows, w))
}

// step returns the rows of step t.
func (s *sequence) step(x *graph.Node, t int) *graph.Node {
	return graph.Slice(x, []int{t * s.batch, 0}, []int{(t + 1) * s.batch, x.Shape()[1]}, []int{1, 1})
}

// part returns the columns of gate i.
func (s *sequence) part(x *graph.Node, i int) *graph.Node {
	return graph.Slice(x, []int{0, i * s.units}, []int{x.Shape()[0], (i + 1) * s.units}, []int{1, 1})
}

// run applies cell to the state and the cell step by step. It returns the states, (B, T, units), and those after the last.
func (s *sequence) run(cell func(t int, h, c *graph.Node) (*graph.Node, *graph.Node)) (y, h, c *graph.Node) {
	zeros := graph.BroadcastTo(graph.Const(0), s.batch, s.units)
	if h, c = s.Initial, s.Cell; h == nil {
		h = zeros
	}
	if c == nil {
		c = zeros
	}
	states := make([]*graph.Node, s.steps)
	for i := range states {
		t := i
		if s.Reverse {
			t = s.steps - 1 - i
		}
		next, nextCell := cell(t, h, c)
		if s.Mask != nil {
			m := graph.Slice(s.Mask, []int{0, t}, []int{s.batch, t + 1}, []int{1, 1})
			if next = graph.Select(m, next, h); nextCell != nil {
				nextCell = graph.Select(m, nextCell, c)
			}
		}
		h, c = next, nextCell
		states[t] = h
	}
	y = graph.Reshape(graph.Concat(0, states...), s.steps, s.batch, s.units)
	return graph.Transpose(y, 1, 0, 2), h, c
}
