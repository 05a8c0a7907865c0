package cpu

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/kernel"
)

// lowerAnchor makes what computes n, with the stages that come before it
// (packing, partial sums), and lists in s what it reads.
func (c *compiler) lowerRoot(n *graph.Node, s *stage) root {
	if a := c.lowerWinograd(n, s); a != nil {
		return a
	}
	switch n.Op() {
	case graph.OpMatMul:
		return c.lowerMatMul(n, s)
	case graph.OpConv2DFilterGrad:
		return c.lowerFilterGrad(n, s)
	}
	return c.lowerConv(n, s)
}

// operand returns the buffer of an anchor's operand, noted as read by s.
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
	return c.packedTasks(key, size, 1, s, node, func(_ *worker, _ int, dst, src []float32) { fill(dst, src) })
}

// packedBy returns packed by a stage of several tasks.
func (c *compiler) packedTasks(key packKey, size, tasks int, s *stage, node nodeInfo, fill func(w *worker, task int, dst, src []float32)) *buffer {
	if c.sharedBufs[key.b] { // once for all shards
		p := c.parent.packedTasks(key, size, tasks, c.callerStage, node, fill)
		c.sharedBufs[p] = true
		return p
	}
	if p := c.packs[key]; p != nil {
		s.reads = append(s.reads, p)
		return p
	}
	p := &buffer{size: size}
	c.packs[key] = p
	c.stages = append(c.stages, &stage{
		name: "pack", tasks: tasks, cost: float64(size / tasks), reads: []*buffer{key.b}, writes: []*buffer{p}, node: node,
		run: func(w *worker, task int) { fill(w, task, p.data, key.b.data) },
	})
	s.reads = append(s.reads, p)
	return p
}

// A run is tiles of mr rows each, one after the other; of nextRun,
// tiles of less than six rows come one at a time.
type tileRun struct{ mr, tiles int }

// nextRun returns how the first of n rows are cut into tiles: of six, or of half of
// what is left where a narrow last tile would waste the vector units.
func nextTileRun(n int) tileRun {
	const most = kernel.MaxRows
	whole, rest := n/most, n%most
	if 0 < rest && rest < 4 {
		whole--
	}
	switch {
	case whole > 0:
		return tileRun{most, min(whole, maxRunTiles)}
	case n > most:
		return tileRun{(n + 1) / 2, 1}
	}
	return tileRun{n, 1}
}

// tileRuns cuts n rows into tiles.
func tileRuns(n int) []tileRun {
	var t []tileRun
	for n > 0 {
		r := nextTileRun(n)
		t = append(t, r)
		n -= r.mr * r.tiles
	}
	return t
}

// mergedRuns returns tileRuns with equal tiles in one run, for kernel.Outer, which needs
// no table of rows.
func mergedTileRuns(n int) []tileRun {
	var t []tileRun
	for _, r := range tileRuns(n) {
		if k := len(t); k > 0 && t[k-1].mr == r.mr {
			t[k-1].tiles += r.tiles
		} else {
			t = append(t, r)
		}
	}
	return t
}

// runTiles is the most tiles of a run, which is as many as rowOffsets covers.
const maxRunTiles = 32

// rowOffsets returns the table of offsets of a run of whole tiles of a matrix with rows
// ld apart, (runTiles, 6). It serves a single narrower tile as well.
func rowOffsets(ld int) []int32 {
	t := make([]int32, maxRunTiles*kernel.MaxRows)
	for i := range t {
		t[i] = int32(i * ld)
	}
	return t
}

// need makes room for n float32 of scratch for the anchor that is being lowered,
// at the front of a worker's scratch; what its loop keeps there comes behind.
func (c *compiler) reserveScratch(n int) {
	c.rootScratch = max(c.rootScratch, n)
	c.scratch = max(c.scratch, n)
}
