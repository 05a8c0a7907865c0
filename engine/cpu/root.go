package cpu

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/kernel"
)

// lowerRoot returns the root that computes n. It adds the stages that run before it, such as packing and partial sums, and
// adds to s the buffers that it reads.
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

// operand returns the buffer of an operand of a root, and records that s reads it.
func (c *compiler) operand(x *graph.Node, s *stage) *buffer {
	b := c.bufs[base(x)]
	s.reads = append(s.reads, b)
	return b
}

// A packKey identifies a packed form of a matrix or kernel. All stages that need it share one buffer.
type packKey struct {
	b    *buffer
	form string
}

// packed returns a buffer of size elements that a stage of one task fills from the buffer of key. The stage calls fill, whose
// cost is about size.
func (c *compiler) packed(key packKey, size int, s *stage, node nodeInfo, fill func(dst, src []float32)) *buffer {
	return c.packedTasks(key, size, 1, s, node, func(_ *worker, _ int, dst, src []float32) { fill(dst, src) })
}

// packedTasks returns packed with a stage of several tasks.
func (c *compiler) packedTasks(key packKey, size, tasks int, s *stage, node nodeInfo, fill func(w *worker, task int, dst, src []float32)) *buffer {
	if c.sharedBufs[key.b] { // packed once for all shards
		p := c.parent.packedTasks(key, size, tasks, c.callerStage, node, fill)
		c.sharedBufs[p] = true
		return p
	}
	if p := c.packs[key]; p != nil {
		s.reads = append(s.reads, p)
		return p
	}
	p := &buffer{size: size}
	if c.keeps(key.b) {
		p = c.keptPack(key, size).buf
	}
	c.packs[key] = p
	c.stages = append(c.stages, &stage{
		name: "pack", tasks: tasks, cost: float64(size / tasks), reads: []*buffer{key.b}, writes: []*buffer{p}, node: node,
		run: func(w *worker, task int) { fill(w, task, p.data, key.b.data) },
	})
	s.reads = append(s.reads, p)
	return p
}

// A tileRun is a number of consecutive tiles of mr rows each.
type tileRun struct{ mr, tiles int }

// nextTileRun returns the first tiles of n rows: tiles of six rows, or one tile of half of the remaining rows where a small
// last tile would not use the vector units well. Tiles with fewer than six rows come one at a time.
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

// tileRuns returns the tiles of n rows.
func tileRuns(n int) []tileRun {
	var t []tileRun
	for n > 0 {
		r := nextTileRun(n)
		t = append(t, r)
		n -= r.mr * r.tiles
	}
	return t
}

// mergedTileRuns returns tileRuns with consecutive equal tiles in one run. It serves kernel.Outer, which needs no table of
// rows.
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

// maxRunTiles is the largest number of tiles of a run, for which rowOffsets has entries.
const maxRunTiles = 32

// rowOffsets returns the table of the offsets of rows for a run of whole tiles, (maxRunTiles, 6), of a matrix whose rows have
// the distance ld. It also serves a single smaller tile.
func rowOffsets(ld int) []int32 {
	t := make([]int32, maxRunTiles*kernel.MaxRows)
	for i := range t {
		t[i] = int32(i * ld)
	}
	return t
}

// reserveScratch reserves n float32 at the start of the scratch memory for the root that is being lowered. The memory of its
// loop comes after it.
func (c *compiler) reserveScratch(n int) {
	c.rootScratch = max(c.rootScratch, n)
	c.scratch = max(c.scratch, n)
}
