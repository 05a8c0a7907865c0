package cpu

import (
	"math"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/kernel"
)

// lowerSolo makes the stage of a node that joins no loop: what moves elements
// about, reduces over axes that do not stand together, or draws at random.
func (c *compiler) lowerStandalone(n *graph.Node) {
	s := &stage{name: n.Op().String(), tasks: 1, node: infoOf(n), cost: float64(n.Shape().Size())}
	out := c.bufs[n]
	s.writes = []*buffer{out}
	var in []*buffer
	for _, x := range n.In() {
		in = append(in, c.operand(x, s))
	}
	at := n.Attr()
	switch n.Op() {
	case graph.OpUniform:
		lowerDraw(s, at.Name, in[0], out, kernel.Uniform)
	case graph.OpNormal:
		lowerDraw(s, at.Name, in[0], out, kernel.Normal)
	case graph.OpTranspose:
		own, moved := graph.Strides(n.In()[0].Shape()), make([]int, len(at.Axes))
		for i, ax := range at.Axes {
			moved[i] = own[ax]
		}
		c.copyStrided(s, stridedCopy{shape: n.Shape(), dst: out, dstStrides: graph.Strides(n.Shape()), src: in[0], srcStrides: moved})
	case graph.OpBroadcast:
		c.copyStrided(s, stridedCopy{shape: n.Shape(), dst: out, dstStrides: graph.Strides(n.Shape()), src: in[0], srcStrides: graph.BroadcastStrides(n.In()[0].Shape(), n.Shape())})
	case graph.OpSlice:
		own := graph.Strides(n.In()[0].Shape())
		m := stridedCopy{shape: n.Shape(), dst: out, dstStrides: graph.Strides(n.Shape()), src: in[0], srcStrides: make([]int, len(own))}
		for i := range own {
			m.srcOffset += at.Lo[i] * own[i]
			m.srcStrides[i] = at.Step[i] * own[i]
		}
		c.copyStrided(s, m)
	case graph.OpPad:
		own := graph.Strides(n.Shape())
		m := stridedCopy{shape: n.In()[0].Shape(), dst: out, dstStrides: make([]int, len(own)), src: in[0], srcStrides: graph.Strides(n.In()[0].Shape())}
		for i := range own {
			m.dstOffset += at.Lo[i] * own[i]
			m.dstStrides[i] = (at.Step[i] + 1) * own[i]
		}
		s.run = func(*worker, int) {
			clear(out.data)
			m.run(0, m.shape[:min(1, len(m.shape))].Size())
		}
	case graph.OpConcat:
		ax, own := at.Axes[0], graph.Strides(n.Shape())
		var ms []stridedCopy
		for i, at := 0, 0; i < len(in); i++ {
			sh := n.In()[i].Shape()
			ms = append(ms, stridedCopy{shape: sh, dst: out, dstStrides: own, dstOffset: at * own[ax], src: in[i], srcStrides: graph.Strides(sh)})
			at += sh[ax]
		}
		s.tasks = len(ms)
		s.run = func(_ *worker, task int) { ms[task].run(0, ms[task].shape[0]) }
	case graph.OpSum, graph.OpReduceMax:
		c.lowerReduce(s, n, in[0], out)
	default:
		panic("cpu: no lowering for " + n.Op().String())
	}
	s.cost /= float64(s.tasks)
	c.stages = append(c.stages, s)
}

// A mover copies an array of any rank between places with strides.
type stridedCopy struct {
	shape                  graph.Shape
	dst, src               *buffer
	dstStrides, srcStrides []int
	dstOffset, srcOffset   int
}

// move makes the stage's tasks: ranges of the first axis.
func (c *compiler) copyStrided(s *stage, m stridedCopy) {
	rows := m.shape[:min(1, len(m.shape))].Size()
	at := evenSplit(rows, 1, 1, 1, max(1, min(16, m.shape.Size()>>14)))
	s.tasks = len(at) - 1
	s.run = func(_ *worker, task int) { m.run(at[task], at[task+1]) }
}

// run copies indices [lo, hi) of the first axis.
func (m *stridedCopy) run(lo, hi int) {
	if len(m.shape) == 0 {
		m.dst.data[m.dstOffset] = m.src.data[m.srcOffset]
		return
	}
	for i := lo; i < hi; i++ {
		m.copyAxis(1, m.dstOffset+i*m.dstStrides[0], m.srcOffset+i*m.srcStrides[0])
	}
}

func (m *stridedCopy) copyAxis(ax, to, from int) {
	if ax == len(m.shape) {
		m.dst.data[to] = m.src.data[from]
		return
	}
	n, st, sf := m.shape[ax], m.dstStrides[ax], m.srcStrides[ax]
	if ax < len(m.shape)-1 {
		for i := range n {
			m.copyAxis(ax+1, to+i*st, from+i*sf)
		}
		return
	}
	switch {
	case st == 1 && sf == 1:
		copy(m.dst.data[to:to+n], m.src.data[from:from+n])
	case st == 1 && sf == 0:
		kernel.Fill(m.dst.data[to:to+n], m.src.data[from])
	default:
		for i := range n {
			m.dst.data[to+i*st] = m.src.data[from+i*sf]
		}
	}
}

// reduce makes a stage that reduces over any axes, a task for a range of results.
func (c *compiler) lowerReduce(s *stage, n *graph.Node, in, out *buffer) {
	shape := n.In()[0].Shape()
	own := graph.Strides(shape)
	var kept, gone graph.Shape
	var keptSt, goneSt []int
	reduced := map[int]bool{}
	for _, ax := range n.Attr().Axes {
		reduced[ax] = true
	}
	for i, d := range shape {
		if reduced[i] {
			gone, goneSt = append(gone, d), append(goneSt, own[i])
		} else {
			kept, keptSt = append(kept, d), append(keptSt, own[i])
		}
	}
	add := n.Op() == graph.OpSum
	at := evenSplit(kept.Size(), 1, 1, 1, max(1, min(16, shape.Size()>>14)))
	s.tasks = len(at) - 1
	s.cost = float64(shape.Size())
	s.run = func(_ *worker, task int) {
		for i := at[task]; i < at[task+1]; i++ {
			start := 0
			for ax, r := len(kept)-1, i; ax >= 0; ax-- {
				start += r % kept[ax] * keptSt[ax]
				r /= kept[ax]
			}
			if add {
				out.data[i] = float32(sumAxes(in.data, start, gone, goneSt))
			} else {
				out.data[i] = maxAxes(in.data, start, gone, goneSt)
			}
		}
	}
}

func sumAxes(x []float32, at int, shape graph.Shape, st []int) float64 {
	if len(shape) == 0 {
		return float64(x[at])
	}
	if len(shape) == 1 && st[0] == 1 {
		return float64(kernel.Sum(x[at : at+shape[0]]))
	}
	var s float64
	for i := range shape[0] {
		s += sumAxes(x, at+i*st[0], shape[1:], st[1:])
	}
	return s
}

func maxAxes(x []float32, at int, shape graph.Shape, st []int) float32 {
	if len(shape) == 0 {
		return x[at]
	}
	m := float32(math.Inf(-1))
	for i := range shape[0] {
		v := maxAxes(x, at+i*st[0], shape[1:], st[1:])
		if v != v {
			return v
		}
		m = max(m, v)
	}
	return m
}
