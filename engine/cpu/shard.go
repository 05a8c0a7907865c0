package cpu

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/invariants"
	"github.com/imago-ml/imago/internal/kernel"
)

// A shardRunner runs a region. The nodes of the region are compiled again as a small program for the images of one shard: the
// body. Every worker has a body of its own, so that its intermediate values are in its own memory, which stays in cache.
//
// The shards are divided among a fixed number of lanes, each a task. Sums over the batch are added within a lane in the order
// of its shards, and then over the lanes in order.
type shardRunner struct {
	region
	lanes  int
	bodies [][2]*shardBody // of each worker: for a shard, and for a last shard with fewer images, or nil
}

// A shardBody is the program of a shard for one worker.
type shardBody struct {
	images int
	prog   *program // with a level for each stage
	stages []*stage
	rows   []view
	sums   []view
}

// A view is a buffer of a body that is a part of a buffer of the function.
type view struct {
	part, whole *buffer
	size        int       // the number of elements of an image, or of a sum
	spare       []float32 // the memory of a sum that is then added to that of the lane
}

// lowerRegion adds the stages of a region: one that runs it, with a task for each lane, and one for each sum over the batch
// that adds the lanes.
func (c *compiler) lowerRegion(g *group) {
	r := g.region
	sh := &shardRunner{region: *r}
	sums := 0
	for n := range r.reduced {
		sums += n.Shape().Size()
	}
	count := (r.batch + r.shard - 1) / r.shard
	sh.lanes = count
	if sums > 0 {
		sh.lanes = min(count, c.config.maxLanes, max(c.config.minLanes, c.config.laneSumFloats/sums))
	}
	st := &stage{name: "shards", tasks: sh.lanes, run: sh.run, node: infoOf(g.nodes[len(g.nodes)-1]), shards: sh}
	lanes := map[*graph.Node]*buffer{}
	for _, n := range g.nodes {
		st.cost += float64(matFlops(n)) / 16 / float64(sh.lanes)
		if !c.stored(g, n) {
			continue
		}
		if r.reduced[n] {
			lanes[n] = &buffer{size: sh.lanes * n.Shape().Size()}
			st.writes = append(st.writes, lanes[n])
		} else {
			st.writes = append(st.writes, c.bufs[n])
		}
	}
	for range c.threads {
		var bodies [2]*shardBody
		bodies[0] = c.newBody(g, r.shard, st, lanes)
		if rest := r.batch % r.shard; rest > 0 {
			bodies[1] = c.newBody(g, rest, st, lanes)
		}
		sh.bodies = append(sh.bodies, bodies)
	}
	c.stages = append(c.stages, st)
	for _, n := range g.nodes {
		if lanes[n] == nil {
			continue
		}
		sum := &laneSum{lanes: lanes[n], out: c.bufs[n], size: n.Shape().Size(), n: sh.lanes}
		bounds := sum.split(1)
		c.stages = append(c.stages, &stage{
			name: "sum lanes", tasks: len(bounds) - 1, cost: float64(sum.size * sum.n / (len(bounds) - 1)), node: infoOf(n),
			reads: []*buffer{lanes[n]}, writes: []*buffer{c.bufs[n]},
			run: func(w *worker, task int) { sum.run(w, bounds[task], bounds[task+1]) },
		})
	}
}

// newBody returns the nodes of g compiled for a number of images.
func (c *compiler) newBody(g *group, images int, st *stage, lanes map[*graph.Node]*buffer) *shardBody {
	t := bodyBuilder{c: c, g: g, images: images, rebuilt: map[rowKey]*graph.Node{}}
	b := &shardBody{images: images}
	f := &graph.Func{Name: fmt.Sprintf("%s, %d images", c.f.Name, images)}
	var stored []*graph.Node
	for _, n := range g.nodes {
		m := t.rebuildMember(n)
		if c.stored(g, n) {
			stored = append(stored, n)
			f.Outputs = append(f.Outputs, graph.Output{Name: fmt.Sprint("out", len(stored)), Value: m})
		}
	}
	for _, in := range t.inputs {
		f.Inputs = append(f.Inputs, in.node)
	}
	if invariants.Enabled {
		if err := graph.Verify(f); err != nil {
			panic(fmt.Sprintf("cpu: the body of a region: %v\n%v", err, f))
		}
	}
	sub := newCompiler(f, c.state, false, c.config)
	sub.parent, sub.callerStage = c, st
	for _, in := range t.inputs {
		whole := c.bufs[base(in.from)]
		st.reads = append(st.reads, whole)
		if !in.byRow {
			sub.bufs[in.node] = whole
			sub.sharedBufs[whole] = true
			continue
		}
		size := in.node.Shape().Size()
		sub.bufs[in.node] = &buffer{size: size, fixed: true}
		b.rows = append(b.rows, view{part: sub.bufs[in.node], whole: whole, size: size / images})
	}
	p := sub.compile(0, nil)
	for i, n := range stored {
		part := sub.outputs[i]
		part.fixed = true
		if whole := lanes[n]; whole != nil {
			b.sums = append(b.sums, view{part, whole, part.size, newAligned(part.size)})
		} else {
			b.rows = append(b.rows, view{part: part, whole: c.bufs[n], size: part.size / images})
		}
	}
	// The stages run one after the other, so each is a level.
	p.sharedBufs = sub.sharedBufs
	sub.schedule()
	for i := range p.levels {
		b.stages = append(b.stages, p.levels[i].stages...)
	}
	p.levels = make([]level, len(b.stages))
	for i, s := range b.stages {
		s.level = i
		p.levels[i].stages = []*stage{s}
	}
	sub.plan()
	b.prog = p
	c.scratch, c.loopOperands, c.bodyArena = max(c.scratch, sub.scratch), max(c.loopOperands, sub.loopOperands), max(c.bodyArena, p.arena.size)
	if c.bodies[st] == nil {
		t.body = sub
		c.bodies[st] = &t
	}
	return b
}

// run executes the shards of a lane.
func (sh *shardRunner) run(w *worker, lane int) {
	count := (sh.batch + sh.shard - 1) / sh.shard
	first := count * lane / sh.lanes
	for k := first; k < count*(lane+1)/sh.lanes; k++ {
		b := sh.bodies[w.id][0]
		if k*sh.shard+b.images > sh.batch {
			b = sh.bodies[w.id][1]
		}
		b.prog.arena.bind(w.bodyArena)
		b.bindViews(k*sh.shard, lane, k == first)
		for _, s := range b.stages {
			s.runAll(w)
		}
		if k > first {
			for _, s := range b.sums {
				kernel.AddTo(s.whole.data[lane*s.size:(lane+1)*s.size], s.part.data)
			}
		}
	}
}

// bindViews binds the views of a body to the images from first on. If fresh is true it binds the sums to those of the lane,
// and otherwise to memory of their own, because the lane has sums already.
func (b *shardBody) bindViews(first, lane int, fresh bool) {
	bind := func(x view, start, n int) { x.part.data = x.whole.data[start : start+n : start+n+overreadFloats] }
	for _, r := range b.rows {
		bind(r, first*r.size, b.images*r.size)
	}
	for _, s := range b.sums {
		if fresh {
			bind(s, lane*s.size, s.size)
		} else {
			s.part.data = s.spare
		}
	}
}

// runAll executes all tasks of a stage on one worker.
func (s *stage) runAll(w *worker) {
	for t := range s.tasks {
		if w.timing {
			s.runTimed(w, t)
		} else {
			s.run(w, t)
		}
	}
	if s.finish != nil {
		s.finish()
	}
}

// A bodyBuilder rebuilds the nodes of a region for fewer images.
type bodyBuilder struct {
	c       *compiler
	g       *group
	images  int
	rebuilt map[rowKey]*graph.Node
	inputs  []boundInput
	body    *compiler // the compiler of the body
}

// A rowKey identifies an operand of a body: a node of the function, by row or in full.
type rowKey struct {
	n     *graph.Node
	byRow bool
}

// A boundInput is an input of a body and the node of the function that it is bound to.
type boundInput struct {
	node, from *graph.Node
	byRow      bool
}

// rebuildMember returns a node of the region, rebuilt for the images of a shard.
func (t *bodyBuilder) rebuildMember(n *graph.Node) *graph.Node {
	r := (&regionFinder{compiler: t.c, batch: t.g.region.batch}).batchRoles(n)
	in := make([]*graph.Node, len(n.In()))
	for i, x := range n.In() {
		in[i] = t.operand(x, r.byRow[i])
	}
	var m *graph.Node
	switch n.Op() {
	case graph.OpSlice:
		attr := n.Attr()
		m = graph.Slice(in[0], attr.Lo, append([]int{t.images}, attr.Hi[1:]...), attr.Step)
	default:
		shape := n.Shape()
		if !r.sumsBatch {
			shape = t.shardShape(n)
		}
		m = graph.Resize(n, shape, in...)
	}
	t.rebuilt[rowKey{n, !t.g.region.reduced[n]}] = m
	return m
}

// shardShape returns the shape of n for the images of a shard.
func (t *bodyBuilder) shardShape(n *graph.Node) graph.Shape {
	return append(graph.Shape{t.images}, n.Shape()[1:]...)
}

// operand returns the operand x of a node of the region: its rows for the images of the shard, or all of it.
func (t *bodyBuilder) operand(x *graph.Node, byRow bool) *graph.Node {
	key := rowKey{x, byRow}
	if m := t.rebuilt[key]; m != nil {
		return m
	}
	shape := x.Shape()
	if byRow {
		shape = t.shardShape(x)
	}
	var m *graph.Node
	switch {
	case x.Op() == graph.OpConst && !byRow:
		m = graph.Rebuild(x)
	case x.Op() == graph.OpBroadcast && !t.c.materialized[x]:
		from := x.In()[0]
		same := len(from.Shape()) == len(x.Shape()) && from.Shape()[0] == x.Shape()[0]
		m = graph.BroadcastTo(t.operand(from, byRow && same), shape...)
	case x.Op() == graph.OpReshape && t.c.groupOf[t.c.valueNode(x)] == t.g:
		m = graph.Reshape(t.operand(x.In()[0], byRow), shape...)
	default: // it is computed outside the region
		m = graph.Input(fmt.Sprint("in", len(t.inputs)), tensor.Float32, shape...)
		t.inputs = append(t.inputs, boundInput{m, x, byRow})
	}
	t.rebuilt[key] = m
	return m
}
