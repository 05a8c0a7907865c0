package cpu

import (
	"slices"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// A region is a set of nodes that treat the images of a batch one by one. All of them can therefore run on a shard of the
// batch, one after the other, while the intermediate values are in cache: see shard.go. The last nodes of a region may be
// sums over the batch.
type region struct {
	batch, shard int                  // the number of images of the batch and of a shard
	reduced      map[*graph.Node]bool // the nodes that are sums over the batch
}

// A shardConfig determines when a batch is divided into shards, and how. Together with the graph it determines the bits of the
// results, so it does not depend on the processor or the number of threads.
type shardConfig struct {
	shardFloats   int // the approximate size, in float32, of the results of all products and convolutions of a shard
	minFloats     int // the smallest size of these results for a batch; smaller ones stay in the caches without shards
	minRoots      int // the smallest number of products and convolutions of a region
	maxWeights    int // the largest size, in float32, of a kernel or matrix, which each shard reads again
	maxLanes      int // the largest number of lanes
	laneSumFloats int // the largest size, in float32, of the sums of all lanes
	minLanes      int // the smallest number of lanes, even if their sums exceed laneSumFloats
	form          convForm
}

// defaultShardConfig was found by measurements: see docs/benchmarks.md.
var defaultShardConfig = shardConfig{shardFloats: 1 << 20, minFloats: 1 << 21, minRoots: 2, maxWeights: 1 << 17, maxLanes: 32, laneSumFloats: 1 << 22, minLanes: 4}

// A regionFinder finds the regions of a function. Every node has a time: 2k+1 for the nodes of the k-th region, and 2k for
// nodes that can be computed before it and after the region before. The path of an image through the network is one region
// unless a node on it needs the whole batch, as in batch normalisation.
type regionFinder struct {
	*compiler
	batch, shard int
	batched      map[*graph.Node]bool // whether row i belongs to image i
	member       map[*graph.Node]bool
	reduced      map[*graph.Node]bool // the members that are sums over the batch
	time         map[*graph.Node]int
}

// findRegions forms a group of each region that is worthwhile.
func (c *compiler) findRegions() {
	s := regionFinder{
		compiler: c, batch: batchSize(c.f),
		batched: map[*graph.Node]bool{}, member: map[*graph.Node]bool{}, reduced: map[*graph.Node]bool{}, time: map[*graph.Node]int{},
	}
	if s.batch < 2 {
		return
	}
	s.shard = s.chooseShardSize()
	for _, n := range c.order {
		s.classify(n)
	}
	s.delayMembers()
	regions := map[int]*group{}
	for _, n := range c.order {
		if !s.member[n] {
			continue
		}
		g := regions[s.time[n]]
		if g == nil {
			g = &group{standalone: true, region: &region{s.batch, s.shard, map[*graph.Node]bool{}}}
			regions[s.time[n]] = g
		}
		g.nodes = append(g.nodes, n)
	}
	for t := 1; len(regions) > 0; t += 2 {
		g := regions[t]
		delete(regions, t)
		if g == nil || !c.worthwhile(g) {
			continue
		}
		for _, n := range g.nodes {
			c.groupOf[n] = g
			if s.reduced[n] {
				g.region.reduced[n] = true
			}
		}
		c.groups = append(c.groups, g)
	}
}

// batchSize returns the length of the first axis of the largest input.
func batchSize(f *graph.Func) int {
	b, most := 0, 0
	for _, n := range f.Inputs {
		if size := n.Shape().Size(); n.DType() == tensor.Float32 && len(n.Shape()) > 0 && size > most {
			b, most = n.Shape()[0], size
		}
	}
	return b
}

// chooseShardSize returns the number of images of a shard.
func (s *regionFinder) chooseShardSize() int {
	size := 0
	for _, n := range s.order {
		if canBeRoot(n) && n.Op() != graph.OpConv2DFilterGrad && n.Shape()[0] == s.batch {
			size += n.Shape().Size() / s.batch
		}
	}
	most := max(1, min(s.batch, s.config.shardFloats/max(size, 1)))
	for m := most; m > most/2; m-- {
		if s.batch%m == 0 {
			return m // all shards have the same size
		}
	}
	return most
}

// worthwhile reports whether a region has enough products and convolutions, and large enough intermediate values.
func (c *compiler) worthwhile(g *group) bool {
	count, size := 0, 0
	for _, n := range g.nodes {
		if !canBeRoot(n) {
			continue
		}
		count++
		if !g.region.reduced[n] && n.Op() != graph.OpConv2DFilterGrad {
			size += n.Shape().Size()
		}
	}
	return g.region.shard < g.region.batch && count >= c.config.minRoots && size >= c.config.minFloats
}

// valueNode returns the node that holds the values of an operand, behind reshapes and broadcasts that are not in memory.
func (c *compiler) valueNode(x *graph.Node) *graph.Node {
	for x.Op() == graph.OpReshape || x.Op() == graph.OpBroadcast && !c.materialized[x] {
		x = x.In()[0]
	}
	return x
}

// classify sets whether n is batched and a member, and its time. Its operands are classified before.
func (s *regionFinder) classify(n *graph.Node) {
	switch {
	case isLeaf(n):
		s.batched[n] = n.Op() == graph.OpInput && n.DType() == tensor.Float32 && s.hasBatchAxis(n)
		return
	case n.Op() == graph.OpReshape, n.Op() == graph.OpBroadcast && !s.materialized[n]:
		s.batched[n] = s.batched[n.In()[0]] && s.mapsRows(n)
		return
	}
	r := s.batchRoles(n)
	rows, inside := false, false
	for i, x := range n.In() {
		o := s.valueNode(x)
		if s.batched[o] && (!s.batched[x] || !r.byRow[i]) || r.byRow[i] && !s.rowsAvailable(x) {
			r.separable = false // the node mixes images, or needs all of them
		}
		rows = rows || s.batched[x]
		inside = inside || s.member[o] && !s.reduced[o]
	}
	r.separable = r.separable && rows
	s.batched[n] = r.separable && !r.sumsBatch
	s.member[n] = r.separable && r.small && (!r.sumsBatch || inside)
	t := 0
	for _, x := range n.In() {
		o := s.valueNode(x)
		time := s.time[o]
		switch {
		case s.member[n] && s.member[o] && s.reduced[o]:
			time += 2
		case s.member[n] != s.member[o]:
			time++
		}
		t = max(t, time)
	}
	s.time[n], s.reduced[n] = t, s.member[n] && r.sumsBatch
}

// hasBatchAxis reports whether the first axis of n has the length of the batch.
func (s *regionFinder) hasBatchAxis(n *graph.Node) bool {
	return len(n.Shape()) > 0 && n.Shape()[0] == s.batch
}

// mapsRows reports whether row i of a reshape or a broadcast depends on row i of its operand only.
func (s *regionFinder) mapsRows(n *graph.Node) bool {
	x := n.In()[0]
	return s.hasBatchAxis(n) && s.hasBatchAxis(x) && (n.Op() == graph.OpReshape || len(n.Shape()) == len(x.Shape()))
}

// rowsAvailable reports whether row i of an operand exists without its other rows.
func (s *regionFinder) rowsAvailable(x *graph.Node) bool {
	return s.hasBatchAxis(x) && (s.batched[x] || x.Op() == graph.OpBroadcast || base(x).Op() != graph.OpBroadcast || s.materialized[base(x)])
}

// batchRoles describe how a node can be computed image by image.
type batchRoles struct {
	separable bool   // whether the images can be computed one by one
	small     bool   // whether the operands that every image needs in full are small
	sumsBatch bool   // whether the result is a sum over the images
	byRow     []bool // whether an image needs only its own row of each operand
}

// batchRoles returns how n can be computed image by image.
func (s *regionFinder) batchRoles(n *graph.Node) batchRoles {
	in, attr := n.In(), n.Attr()
	r := batchRoles{separable: s.hasBatchAxis(n), small: true, byRow: make([]bool, len(in))}
	all := func() {
		for i := range r.byRow {
			r.byRow[i] = true
		}
	}
	first := func(axes []int) bool { return slices.Contains(axes, 0) }
	switch op := n.Op(); {
	case op.Elementwise():
		all()
	case op == graph.OpSum:
		all()
		r.separable = s.hasBatchAxis(in[0])
		r.sumsBatch = first(attr.Axes)
	case op == graph.OpReduceMax:
		all()
		r.separable = s.hasBatchAxis(in[0]) && !first(attr.Axes)
	case op == graph.OpMatMul && len(n.Shape()) > 2:
		all()
		r.separable = r.separable && s.hasBatchAxis(in[0]) && s.hasBatchAxis(in[1])
	case op == graph.OpConv2DFilterGrad, op == graph.OpMatMul && attr.TransA, op == graph.OpScatterAdd:
		all()
		r.separable = s.hasBatchAxis(in[0]) && s.hasBatchAxis(in[1]) && !attr.TransB
		r.sumsBatch = true
		// Each shard reads and writes the result, so it must be small compared with the operands.
		r.small = r.separable && n.Shape().Size() <= s.shard*(in[0].Shape().Size()+in[1].Shape().Size())/s.batch
	case op == graph.OpMatMul, op == graph.OpConv2D, op == graph.OpConv2DInputGrad:
		r.byRow[0] = true
		r.small = in[1].Shape().Size() <= s.config.maxWeights
	case op == graph.OpGather: // of the table, few rows are read
		r.byRow[1] = true
	case op == graph.OpConcat:
		all()
		r.separable = r.separable && !first(attr.Axes)
	case op == graph.OpTranspose:
		all()
		r.separable = r.separable && attr.Axes[0] == 0
	case op == graph.OpPad:
		all()
		r.separable = r.separable && s.hasBatchAxis(in[0])
	case op == graph.OpSlice:
		all()
		r.separable = r.separable && s.hasBatchAxis(in[0]) && attr.Step[0] == 1
	case op == graph.OpBroadcast:
		all()
		r.separable = s.mapsRows(n)
	default:
		r.separable = false
	}
	return r
}

// delayMembers moves element-wise members to the first region that uses them. They are then computed from values that are
// stored anyway: for example, the sign of an activation from the activation.
func (s *regionFinder) delayMembers() {
	for _, n := range slices.Backward(s.order) {
		if !s.member[n] || !n.Op().Elementwise() || s.materialized[n] || len(s.uses[n]) == 0 {
			continue
		}
		t := 1 << 30
		for _, u := range s.uses[n] {
			time := s.time[u.user]
			if !s.member[u.user] {
				time-- // the region before
			}
			t = min(t, time)
		}
		s.time[n] = max(t, s.time[n])
	}
}
