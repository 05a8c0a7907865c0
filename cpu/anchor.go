package cpu

import (
	"github.com/imago-ml/imago/graph"
	"github.com/imago-ml/imago/internal/kernel"
)

// lowerAnchor makes what computes n, with the stages that come before it
// (packing, partial sums), and lists in s what it reads.
func (c *compiler) lowerAnchor(n *graph.Node, s *stage) anchor {
	switch n.Op() {
	case graph.OpMatMul:
		return c.lowerMatMul(n, s)
	case graph.OpConv2DFilterGrad:
		return c.lowerFilterGrad(n, s)
	}
	return c.lowerConv(n, s)
}

// operand is the buffer of an anchor's operand, noted as read by s.
func (c *compiler) operand(x *graph.Node, s *stage) *buffer {
	b := c.bufs[base(x)]
	s.reads = append(s.reads, b)
	return b
}

// A packKey names a packed form of a matrix or kernel, shared by all who need it.
type packKey struct {
	b    *buffer
	form string
}

// packed returns the buffer of size elements that fill makes from src in a stage
// of its own, which costs about size.
func (c *compiler) packed(key packKey, size int, s *stage, node nodeInfo, fill func(dst, src []float32)) *buffer {
	if c.shared[key.b] { // once for all shards
		p := c.outer.packed(key, size, c.caller, node, fill)
		c.shared[p] = true
		return p
	}
	if p := c.packs[key]; p != nil {
		s.reads = append(s.reads, p)
		return p
	}
	p := &buffer{size: size}
	c.packs[key] = p
	c.stages = append(c.stages, &stage{
		name: "pack", tasks: 1, cost: float64(size), reads: []*buffer{key.b}, writes: []*buffer{p}, node: node,
		run: func(*worker, int) { fill(p.data, key.b.data) },
	})
	s.reads = append(s.reads, p)
	return p
}

// nextTile is how many of n rows the next tile takes: six, or half of what is
// left where a narrow last tile would waste the vector units.
func nextTile(n int) int {
	switch {
	case n >= 10 || n == kernel.MaxRows:
		return kernel.MaxRows
	case n > kernel.MaxRows:
		return (n + 1) / 2
	}
	return n
}

// tileRows cuts n rows into tiles.
func tileRows(n int) []int {
	var t []int
	for n > 0 {
		t = append(t, nextTile(n))
		n -= nextTile(n)
	}
	return t
}

// need makes room for n float32 of scratch for the anchor that is being lowered,
// at the front of a worker's scratch; what its loop keeps there comes behind.
func (c *compiler) need(n int) {
	c.front = max(c.front, n)
	c.scratch = max(c.scratch, n)
}
