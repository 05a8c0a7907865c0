package cpu

import (
	"github.com/imago-ml/imago/backend"
	"github.com/imago-ml/imago/graph"
	"github.com/imago-ml/imago/tensor"
)

// compiler holds what the passes pass on.
type compiler struct {
	f     *graph.Func
	state *state
	check bool // every node a stage of its own, no state changes
	cut   cutting

	order []*graph.Node       // all nodes, operands first
	place map[*graph.Node]int // index in order
	uses  map[*graph.Node][]use
	kept  map[*graph.Node]bool // outputs, new values of states, and broadcasts that somebody needs in full

	groups  []*group
	groupOf map[*graph.Node]*group

	bufs    map[*graph.Node]*buffer     // of base nodes that live in memory
	inPlace map[*graph.Node]*graph.Node // value of an update → the state it is written into
	commits []graph.Update              // updates that are copied at the end
	outputs []*buffer                   // of f.Outputs
	stages  []*stage
	packs   map[packKey]*buffer
	threads int              // workers that will run the program
	outer   *compiler        // of a region's body: who compiles the whole
	caller  *stage           // and the stage that runs the body
	shared  map[*buffer]bool // and the whole's buffers that it reads
	scratch int              // float32 a worker needs
	local   int              // float32 a worker needs for the bodies of regions
	front   int              // of these, what the anchor that is being lowered needs
	regs    int              // operands of the largest loop
}

// nodeInfo is what an error says of a node.
type nodeInfo struct {
	op, layer string
	shape     tensor.Shape
}

func infoOf(n *graph.Node) nodeInfo { return nodeInfo{n.Op().String(), n.Label(), n.Shape()} }

func newCompiler(f *graph.Func, s *state, check bool, cut cutting) *compiler {
	c := &compiler{
		f: f, state: s, check: check, cut: cut,
		order: f.Nodes(), place: map[*graph.Node]int{}, uses: map[*graph.Node][]use{}, kept: map[*graph.Node]bool{},
		groupOf: map[*graph.Node]*group{}, bufs: map[*graph.Node]*buffer{}, inPlace: map[*graph.Node]*graph.Node{},
		packs: map[packKey]*buffer{}, outputs: make([]*buffer, len(f.Outputs)), shared: map[*buffer]bool{},
	}
	for i, n := range c.order {
		c.place[n] = i
	}
	return c
}

// compile runs the passes.
func (c *compiler) compile(b *Backend) *program {
	c.threads = len(b.pool.workers)
	c.findUses()
	if !c.check {
		c.findRegions()
	}
	c.fuse()
	if !c.check {
		c.recompute()
		c.placeUpdates()
		c.findGuards()
	}
	c.lower()
	p := &program{be: b, name: c.f.Name, check: c.check}
	for _, n := range c.f.Inputs {
		p.in = append(p.in, operand{specOf(n.Name(), n), c.bufs[n]})
	}
	for i, o := range c.f.Outputs {
		p.out = append(p.out, operand{specOf(o.Name, o.Value), c.outputs[i]})
	}
	p.levels = c.schedule()
	p.arena = c.plan(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pool.grow(c.scratch, c.regs, c.local, p.arena.size)
	return p
}

func specOf(name string, n *graph.Node) backend.Spec {
	return backend.Spec{Name: name, DType: n.DType(), Shape: n.Shape()}
}
