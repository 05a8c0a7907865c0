package cpu

import (
	"slices"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// A region is a set of nodes that treat the images of a batch one by one, so
// that they can run on a shard of the batch, from the first node to the last,
// while what they make is still in cache; shard.go says how. Sums over the batch
// may end a region.
type region struct {
	batch, shard int                  // images of the whole and of a shard
	reduced      map[*graph.Node]bool // sums over the batch
}

// cutting says when a batch is cut and how. With the graph it decides about bits,
// so it does not look at the processor or the number of threads.
type shardConfig struct {
	shardFloats   int // about how many float32 the results of a shard's products and convolutions take
	minFloats     int // how many those of a whole batch must take; less fits the caches as it is
	minRoots      int // the least number of products and convolutions in a region
	maxWeights    int // float32 of the largest kernel or matrix that is read anew for each shard
	maxLanes      int // the most lanes
	laneSumFloats int // float32 that the sums of all lanes may take
	minLanes      int // lanes there are even so
	form          convForm
}

// standardCut was measured; see docs/benchmarks.md.
var defaultShardConfig = shardConfig{shardFloats: 1 << 20, minFloats: 1 << 21, minRoots: 2, maxWeights: 1 << 17, maxLanes: 32, laneSumFloats: 1 << 22, minLanes: 4}

// A sharder finds the regions of a function. Every node has a time: what belongs
// to the k-th region has time 2k+1, what can be computed before it and after the
// region before has 2k. An image's path through the network is one region unless
// something in it needs the whole batch, as a batch norm does.
type regionFinder struct {
	*compiler
	batch, shard int
	batched      map[*graph.Node]bool // row i belongs to image i
	member       map[*graph.Node]bool
	reduced      map[*graph.Node]bool // members that are sums over the batch
	time         map[*graph.Node]int
}

// findRegions makes a group of each region that is worth it.
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

// batchOf returns the leading axis of the largest input.
func batchSize(f *graph.Func) int {
	b, most := 0, 0
	for _, n := range f.Inputs {
		if size := n.Shape().Size(); n.DType() == tensor.Float32 && len(n.Shape()) > 0 && size > most {
			b, most = n.Shape()[0], size
		}
	}
	return b
}

// chooseShard returns how many images a shard has.
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
			return m // no smaller one at the end
		}
	}
	return most
}

// worthwhile reports whether a region has results that one product or
// convolution hands to another, and many of them.
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

// origin returns the node that holds the values of an operand.
func (c *compiler) valueNode(x *graph.Node) *graph.Node {
	for x.Op() == graph.OpReshape || x.Op() == graph.OpBroadcast && !c.materialized[x] {
		x = x.In()[0]
	}
	return x
}

// visit decides where a node belongs; its operands have been visited.
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
			r.separable = false // its images are mixed, or needed all
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
		at := s.time[o]
		switch {
		case s.member[n] && s.member[o] && s.reduced[o]:
			at += 2
		case s.member[n] != s.member[o]:
			at++
		}
		t = max(t, at)
	}
	s.time[n], s.reduced[n] = t, s.member[n] && r.sumsBatch
}

// leads reports whether the first axis of n has the length of the batch.
func (s *regionFinder) hasBatchAxis(n *graph.Node) bool {
	return len(n.Shape()) > 0 && n.Shape()[0] == s.batch
}

// keepsRows reports whether row i of a reshape or a broadcast is made of row i of
// its operand.
func (s *regionFinder) mapsRows(n *graph.Node) bool {
	x := n.In()[0]
	return s.hasBatchAxis(n) && s.hasBatchAxis(x) && (n.Op() == graph.OpReshape || len(n.Shape()) == len(x.Shape()))
}

// hasRows reports whether row i of an operand can be had without the others.
func (s *regionFinder) rowsAvailable(x *graph.Node) bool {
	return s.hasBatchAxis(x) && (s.batched[x] || x.Op() == graph.OpBroadcast || base(x).Op() != graph.OpBroadcast || s.materialized[base(x)])
}

// roles say how a node could be computed image by image.
type batchRoles struct {
	separable bool
	small     bool   // what it needs for every image is small
	sumsBatch bool   // the result adds up the images
	byRow     []bool // operands of which an image needs its own row only
}

func (s *regionFinder) batchRoles(n *graph.Node) batchRoles {
	in, at := n.In(), n.Attr()
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
		r.sumsBatch = first(at.Axes)
	case op == graph.OpReduceMax:
		all()
		r.separable = s.hasBatchAxis(in[0]) && !first(at.Axes)
	case op == graph.OpConv2DFilterGrad, op == graph.OpMatMul && at.TransA:
		all()
		r.separable = s.hasBatchAxis(in[0]) && s.hasBatchAxis(in[1]) && !at.TransB
		r.sumsBatch = true
		// Small against what it adds up: each shard reads and writes it.
		r.small = r.separable && n.Shape().Size() <= s.shard*(in[0].Shape().Size()+in[1].Shape().Size())/s.batch
	case op == graph.OpMatMul, op == graph.OpConv2D, op == graph.OpConv2DInputGrad:
		r.byRow[0] = true
		r.small = in[1].Shape().Size() <= s.config.maxWeights
	case op == graph.OpConcat:
		all()
		r.separable = r.separable && !first(at.Axes)
	case op == graph.OpTranspose:
		all()
		r.separable = r.separable && at.Axes[0] == 0
	case op == graph.OpPad:
		all()
		r.separable = r.separable && s.hasBatchAxis(in[0])
	case op == graph.OpSlice:
		all()
		r.separable = r.separable && s.hasBatchAxis(in[0]) && at.Step[0] == 1
	case op == graph.OpBroadcast:
		all()
		r.separable = s.mapsRows(n)
	default:
		r.separable = false
	}
	return r
}

// sink moves element-wise members to the region that first needs them: what
// lies between is then made of values that are kept anyway, such as the sign of
// an activation.
func (s *regionFinder) delayMembers() {
	for _, n := range slices.Backward(s.order) {
		if !s.member[n] || !n.Op().Elementwise() || s.materialized[n] || len(s.uses[n]) == 0 {
			continue
		}
		t := 1 << 30
		for _, u := range s.uses[n] {
			at := s.time[u.user]
			if !s.member[u.user] {
				at-- // the region before
			}
			t = min(t, at)
		}
		s.time[n] = max(t, s.time[n])
	}
}
