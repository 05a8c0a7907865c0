package cpu

import (
	"math"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/kernel"
)

// lowerStandalone adds the stage of a node that is in no loop: one that moves elements, reduces over axes between kept axes, or
// draws random numbers.
func (c *compiler) lowerStandalone(n *graph.Node) {
	s := &stage{name: n.Op().String(), tasks: 1, node: infoOf(n), cost: float64(n.Shape().Size())}
	out := c.bufs[n]
	s.writes = []*buffer{out}
	var in []*buffer
	for _, x := range n.In() {
		in = append(in, c.operand(x, s))
	}
	attr := n.Attr()
	switch n.Op() {
	case graph.OpUniform:
		lowerDraw(s, attr.Name, in[0], out, kernel.Uniform)
	case graph.OpNormal:
		lowerDraw(s, attr.Name, in[0], out, kernel.Normal)
	case graph.OpTranspose:
		own, moved := graph.Strides(n.In()[0].Shape()), make([]int, len(attr.Axes))
		for i, ax := range attr.Axes {
			moved[i] = own[ax]
		}
		c.copyStrided(s, stridedCopy{shape: n.Shape(), dst: out, dstStrides: graph.Strides(n.Shape()), src: in[0], srcStrides: moved})
	case graph.OpBroadcast:
		c.copyStrided(s, stridedCopy{shape: n.Shape(), dst: out, dstStrides: graph.Strides(n.Shape()), src: in[0], srcStrides: graph.BroadcastStrides(n.In()[0].Shape(), n.Shape())})
	case graph.OpSlice:
		own := graph.Strides(n.In()[0].Shape())
		m := stridedCopy{shape: n.Shape(), dst: out, dstStrides: graph.Strides(n.Shape()), src: in[0], srcStrides: make([]int, len(own))}
		for i := range own {
			m.srcOffset += attr.Lo[i] * own[i]
			m.srcStrides[i] = attr.Step[i] * own[i]
		}
		c.copyStrided(s, m)
	case graph.OpPad:
		own := graph.Strides(n.Shape())
		m := stridedCopy{shape: n.In()[0].Shape(), dst: out, dstStrides: make([]int, len(own)), src: in[0], srcStrides: graph.Strides(n.In()[0].Shape())}
		for i := range own {
			m.dstOffset += attr.Lo[i] * own[i]
			m.dstStrides[i] = (attr.Step[i] + 1) * own[i]
		}
		s.run = func(*worker, int) {
			clear(out.data)
			m.run(0, m.shape[:min(1, len(m.shape))].Size())
		}
	case graph.OpConcat:
		ax, own := attr.Axes[0], graph.Strides(n.Shape())
		var copies []stridedCopy
		for i, start := 0, 0; i < len(in); i++ {
			sh := n.In()[i].Shape()
			copies = append(copies, stridedCopy{shape: sh, dst: out, dstStrides: own, dstOffset: start * own[ax], src: in[i], srcStrides: graph.Strides(sh)})
			start += sh[ax]
		}
		s.tasks = len(copies)
		s.run = func(_ *worker, task int) { copies[task].run(0, copies[task].shape[0]) }
	case graph.OpGather:
		lowerGather(s, n, in[0], in[1], out)
	case graph.OpScatterAdd:
		lowerScatterAdd(s, n, in[0], in[1], out)
	case graph.OpSum, graph.OpReduceMax:
		c.lowerReduce(s, n, in[0], out)
	default:
		panic("cpu: no lowering for " + n.Op().String())
	}
	s.cost /= float64(s.tasks)
	c.stages = append(c.stages, s)
}

// A stridedCopy copies an array of any rank between two layouts with strides.
type stridedCopy struct {
	shape                  graph.Shape
	dst, src               *buffer
	dstStrides, srcStrides []int
	dstOffset, srcOffset   int
}

// copyStrided sets the tasks of s: each copies a range of the first axis.
func (c *compiler) copyStrided(s *stage, m stridedCopy) {
	rows := m.shape[:min(1, len(m.shape))].Size()
	bounds := evenSplit(rows, 1, 1, 1, max(1, min(16, m.shape.Size()>>14)))
	s.tasks = len(bounds) - 1
	s.run = func(_ *worker, task int) { m.run(bounds[task], bounds[task+1]) }
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

// copyAxis copies the axes from ax on, at these offsets.
func (m *stridedCopy) copyAxis(ax, dst, src int) {
	if ax == len(m.shape) {
		m.dst.data[dst] = m.src.data[src]
		return
	}
	n, ds, ss := m.shape[ax], m.dstStrides[ax], m.srcStrides[ax]
	if ax < len(m.shape)-1 {
		for i := range n {
			m.copyAxis(ax+1, dst+i*ds, src+i*ss)
		}
		return
	}
	switch {
	case ds == 1 && ss == 1:
		copy(m.dst.data[dst:dst+n], m.src.data[src:src+n])
	case ds == 1 && ss == 0:
		kernel.Fill(m.dst.data[dst:dst+n], m.src.data[src])
	default:
		for i := range n {
			m.dst.data[dst+i*ds] = m.src.data[src+i*ss]
		}
	}
}

// lowerReduce sets the tasks of s, which reduces over any axes: each computes a range of results.
func (c *compiler) lowerReduce(s *stage, n *graph.Node, in, out *buffer) {
	shape := n.In()[0].Shape()
	own := graph.Strides(shape)
	var kept, summed graph.Shape
	var keptStrides, summedStrides []int
	reduced := map[int]bool{}
	for _, ax := range n.Attr().Axes {
		reduced[ax] = true
	}
	for i, d := range shape {
		if reduced[i] {
			summed, summedStrides = append(summed, d), append(summedStrides, own[i])
		} else {
			kept, keptStrides = append(kept, d), append(keptStrides, own[i])
		}
	}
	isSum := n.Op() == graph.OpSum
	bounds := evenSplit(kept.Size(), 1, 1, 1, max(1, min(16, shape.Size()>>14)))
	s.tasks = len(bounds) - 1
	s.cost = float64(shape.Size())
	s.run = func(_ *worker, task int) {
		for i := bounds[task]; i < bounds[task+1]; i++ {
			start := 0
			for ax, r := len(kept)-1, i; ax >= 0; ax-- {
				start += r % kept[ax] * keptStrides[ax]
				r /= kept[ax]
			}
			if isSum {
				out.data[i] = float32(sumAxes(in.data, start, summed, summedStrides))
			} else {
				out.data[i] = maxAxes(in.data, start, summed, summedStrides)
			}
		}
	}
}

// sumAxes returns the sum of the elements of an array at an offset of x, with strides.
func sumAxes(x []float32, start int, shape graph.Shape, strides []int) float64 {
	if len(shape) == 0 {
		return float64(x[start])
	}
	if len(shape) == 1 && strides[0] == 1 {
		return float64(kernel.Sum(x[start : start+shape[0]]))
	}
	var s float64
	for i := range shape[0] {
		s += sumAxes(x, start+i*strides[0], shape[1:], strides[1:])
	}
	return s
}

// maxAxes returns the largest element of an array at an offset of x, with strides, or NaN if there is one.
func maxAxes(x []float32, start int, shape graph.Shape, strides []int) float32 {
	if len(shape) == 0 {
		return x[start]
	}
	if len(shape) == 1 && strides[0] == 1 {
		return maxOf(x[start : start+shape[0]])
	}
	m := float32(math.Inf(-1))
	for i := range shape[0] {
		v := maxAxes(x, start+i*strides[0], shape[1:], strides[1:])
		if v != v {
			return v
		}
		m = max(m, v)
	}
	return m
}

// maxOf returns the largest element of x, or NaN if there is one.
func maxOf(x []float32) float32 {
	const block = 128
	if len(x) >= 2*block { // the largest of the elements that are a multiple of block apart
		var most [block]float32
		copy(most[:], x)
		rest := x[block:]
		for ; len(rest) >= block; rest = rest[block:] {
			kernel.Max(most[:], most[:], rest[:block])
		}
		return max(maxOf(most[:]), maxOf(rest))
	}
	m := float32(math.Inf(-1))
	for _, v := range x {
		m = max(m, v)
	}
	return m
}
