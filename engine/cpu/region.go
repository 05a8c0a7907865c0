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
type cutting struct {
	shard     int // about how many float32 the results of a shard's products and convolutions take
	least     int // how many those of a whole batch must take; less fits the caches as it is
	anchors   int // the least number of products and convolutions in a region
	weights   int // float32 of the largest kernel or matrix that is read anew for each shard
	lanes     int // the most lanes
	laneSums  int // float32 that the sums of all lanes may take
	leastLane int // lanes there are even so
	form      convForm
}

// standardCut was measured; see docs/benchmarks.md.
var standardCut = cutting{shard: 1 << 20, least: 1 << 21, anchors: 2, weights: 1 << 17, lanes: 32, laneSums: 1 << 22, leastLane: 4}

// A sharder finds the regions of a function. Every node has a time: what belongs
// to the k-th region has time 2k+1, what can be computed before it and after the
// region before has 2k. An image's path through the network is one region unless
// something in it needs the whole batch, as a batch norm does.
type sharder struct {
	*compiler
	batch, shard int
	batched      map[*graph.Node]bool // row i belongs to image i
	member       map[*graph.Node]bool
	reduced      map[*graph.Node]bool // members that are sums over the batch
	time         map[*graph.Node]int
}

// findRegions makes a group of each region that is worth it.
func (c *compiler) findRegions() {
	s := sharder{
		compiler: c, batch: batchOf(c.f),
		batched: map[*graph.Node]bool{}, member: map[*graph.Node]bool{}, reduced: map[*graph.Node]bool{}, time: map[*graph.Node]int{},
	}
	if s.batch < 2 {
		return
	}
	s.shard = s.chooseShard()
	for _, n := range c.order {
		s.visit(n)
	}
	s.sink()
	regions := map[int]*group{}
	for _, n := range c.order {
		if !s.member[n] {
			continue
		}
		g := regions[s.time[n]]
		if g == nil {
			g = &group{solo: true, region: &region{s.batch, s.shard, map[*graph.Node]bool{}}}
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
func batchOf(f *graph.Func) int {
	b, most := 0, 0
	for _, n := range f.Inputs {
		if size := n.Shape().Size(); n.DType() == tensor.Float32 && len(n.Shape()) > 0 && size > most {
			b, most = n.Shape()[0], size
		}
	}
	return b
}

// chooseShard returns how many images a shard has.
func (s *sharder) chooseShard() int {
	size := 0
	for _, n := range s.order {
		if anchors(n) && n.Op() != graph.OpConv2DFilterGrad && n.Shape()[0] == s.batch {
			size += n.Shape().Size() / s.batch
		}
	}
	most := max(1, min(s.batch, s.cut.shard/max(size, 1)))
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
		if !anchors(n) {
			continue
		}
		count++
		if !g.region.reduced[n] && n.Op() != graph.OpConv2DFilterGrad {
			size += n.Shape().Size()
		}
	}
	return g.region.shard < g.region.batch && count >= c.cut.anchors && size >= c.cut.least
}

// origin returns the node that holds the values of an operand.
func (c *compiler) origin(x *graph.Node) *graph.Node {
	for x.Op() == graph.OpReshape || x.Op() == graph.OpBroadcast && !c.kept[x] {
		x = x.In()[0]
	}
	return x
}

// visit decides where a node belongs; its operands have been visited.
func (s *sharder) visit(n *graph.Node) {
	switch {
	case leaf(n):
		s.batched[n] = n.Op() == graph.OpInput && n.DType() == tensor.Float32 && s.leads(n)
		return
	case n.Op() == graph.OpReshape, n.Op() == graph.OpBroadcast && !s.kept[n]:
		s.batched[n] = s.batched[n.In()[0]] && s.keepsRows(n)
		return
	}
	r := s.roles(n)
	rows, inside := false, false
	for i, x := range n.In() {
		o := s.origin(x)
		if s.batched[o] && (!s.batched[x] || !r.byRow[i]) || r.byRow[i] && !s.hasRows(x) {
			r.ok = false // its images are mixed, or needed all
		}
		rows = rows || s.batched[x]
		inside = inside || s.member[o] && !s.reduced[o]
	}
	r.ok = r.ok && rows
	s.batched[n] = r.ok && !r.sums
	s.member[n] = r.ok && r.light && (!r.sums || inside)
	t := 0
	for _, x := range n.In() {
		o := s.origin(x)
		at := s.time[o]
		switch {
		case s.member[n] && s.member[o] && s.reduced[o]:
			at += 2
		case s.member[n] != s.member[o]:
			at++
		}
		t = max(t, at)
	}
	s.time[n], s.reduced[n] = t, s.member[n] && r.sums
}

// leads reports whether the first axis of n has the length of the batch.
func (s *sharder) leads(n *graph.Node) bool {
	return len(n.Shape()) > 0 && n.Shape()[0] == s.batch
}

// keepsRows reports whether row i of a reshape or a broadcast is made of row i of
// its operand.
func (s *sharder) keepsRows(n *graph.Node) bool {
	x := n.In()[0]
	return s.leads(n) && s.leads(x) && (n.Op() == graph.OpReshape || len(n.Shape()) == len(x.Shape()))
}

// hasRows reports whether row i of an operand can be had without the others.
func (s *sharder) hasRows(x *graph.Node) bool {
	return s.leads(x) && (s.batched[x] || x.Op() == graph.OpBroadcast || base(x).Op() != graph.OpBroadcast || s.kept[base(x)])
}

// roles say how a node could be computed image by image.
type roles struct {
	ok    bool
	light bool   // what it needs for every image is small
	sums  bool   // the result adds up the images
	byRow []bool // operands of which an image needs its own row only
}

func (s *sharder) roles(n *graph.Node) roles {
	in, at := n.In(), n.Attr()
	r := roles{ok: s.leads(n), light: true, byRow: make([]bool, len(in))}
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
		r.ok = s.leads(in[0])
		r.sums = first(at.Axes)
	case op == graph.OpReduceMax:
		all()
		r.ok = s.leads(in[0]) && !first(at.Axes)
	case op == graph.OpConv2DFilterGrad, op == graph.OpMatMul && at.TransA:
		all()
		r.ok = s.leads(in[0]) && s.leads(in[1]) && !at.TransB
		r.sums = true
		// Small against what it adds up: each shard reads and writes it.
		r.light = r.ok && n.Shape().Size() <= s.shard*(in[0].Shape().Size()+in[1].Shape().Size())/s.batch
	case op == graph.OpMatMul, op == graph.OpConv2D, op == graph.OpConv2DInputGrad:
		r.byRow[0] = true
		r.light = in[1].Shape().Size() <= s.cut.weights
	case op == graph.OpConcat:
		all()
		r.ok = r.ok && !first(at.Axes)
	case op == graph.OpTranspose:
		all()
		r.ok = r.ok && at.Axes[0] == 0
	case op == graph.OpPad:
		all()
		r.ok = r.ok && s.leads(in[0])
	case op == graph.OpSlice:
		all()
		r.ok = r.ok && s.leads(in[0]) && at.Step[0] == 1
	case op == graph.OpBroadcast:
		all()
		r.ok = s.keepsRows(n)
	default:
		r.ok = false
	}
	return r
}

// sink moves element-wise members to the region that first needs them: what
// lies between is then made of values that are kept anyway, such as the sign of
// an activation.
func (s *sharder) sink() {
	for _, n := range slices.Backward(s.order) {
		if !s.member[n] || !n.Op().Elementwise() || s.kept[n] || len(s.uses[n]) == 0 {
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
