package cpu

import (
	"fmt"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/invariants"
)

// compiler holds what the passes pass on.
type compiler struct {
	f      *graph.Func
	state  *state
	check  bool // every node a stage of its own, no state changes
	config shardConfig
	prog   *program

	order        []*graph.Node       // all nodes, operands first
	index        map[*graph.Node]int // index in order
	uses         map[*graph.Node][]use
	materialized map[*graph.Node]bool // outputs, new values of states, and broadcasts that somebody needs in full

	stateOfVersion map[*graph.Node]*graph.Node // value of a state that is updated more than once → the state

	groups  []*group
	groupOf map[*graph.Node]*group

	bufs         map[*graph.Node]*buffer     // of base nodes that live in memory
	inPlace      map[*graph.Node]*graph.Node // new value of a state → the old one that it is written over
	commits      []graph.Update              // updates that are copied at the end
	outputs      []*buffer                   // of f.Outputs
	stages       []*stage
	loopBuilders map[*stage]*loopBuilder // how a stage's loop was made, and
	bodies       map[*stage]*bodyBuilder // for what a region's, for Dump
	packs        map[packKey]*buffer
	threads      int              // workers that will run the program
	parent       *compiler        // of a region's body: who compiles the whole
	callerStage  *stage           // and the stage that runs the body
	sharedBufs   map[*buffer]bool // and the whole's buffers that it reads
	scratch      int              // float32 a worker needs
	bodyArena    int              // float32 a worker needs for the bodies of regions
	rootScratch  int              // of these, what the anchor that is being lowered needs
	loopOperands int              // operands of the largest loop
}

// nodeInfo is what an error says of a node.
type nodeInfo struct {
	op, layer string
	shape     tensor.Shape
}

func infoOf(n *graph.Node) nodeInfo { return nodeInfo{n.Op().String(), n.Label(), n.Shape()} }

func newCompiler(f *graph.Func, s *state, check bool, cut shardConfig) *compiler {
	return &compiler{
		f: f, state: s, check: check, config: cut, prog: &program{name: f.Name, check: check},
		index: map[*graph.Node]int{}, uses: map[*graph.Node][]use{}, materialized: map[*graph.Node]bool{},
		groupOf: map[*graph.Node]*group{}, bufs: map[*graph.Node]*buffer{}, inPlace: map[*graph.Node]*graph.Node{},
		stateOfVersion: map[*graph.Node]*graph.Node{},
		loopBuilders:   map[*stage]*loopBuilder{}, bodies: map[*stage]*bodyBuilder{},
		packs: map[packKey]*buffer{}, outputs: make([]*buffer, len(f.Outputs)), sharedBufs: map[*buffer]bool{},
	}
}

// A pass is a step of the compiler.
type pass struct {
	name string
	in   scope
	run  func(*compiler)
	show func(*dumper) // prints what the pass has made; nil = nothing
}

// A scope says what a pass is run for.
type scope uint8

const (
	inFunction scope = 1 << iota // a function
	inCheck                      // one whose program looks for values that are not finite
	inBody                       // what a shard of a region runs
	inAll      = inFunction | inCheck | inBody
)

// passes lists them in order.
func passes() []pass {
	return []pass{
		{"simplify", inFunction | inCheck, (*compiler).simplify, (*dumper).simplify},
		{"uses", inAll, (*compiler).findUses, nil},
		{"versions", inFunction, (*compiler).findVersions, nil},
		{"regions", inFunction, (*compiler).findRegions, (*dumper).regions},
		{"fuse", inAll, (*compiler).fuse, (*dumper).fuse},
		{"recompute", inFunction | inBody, (*compiler).recompute, (*dumper).recompute},
		{"updates", inFunction, (*compiler).placeUpdates, (*dumper).updates},
		{"guards", inFunction, (*compiler).findGuards, (*dumper).guards},
		{"lower", inAll, (*compiler).lower, (*dumper).lower},
		{"schedule", inFunction | inCheck, (*compiler).schedule, (*dumper).schedule},
		{"plan", inFunction | inCheck, (*compiler).plan, (*dumper).plan},
	}
}

// compile runs the passes for a number of threads, and calls after each of them
// after, if there is one.
func (c *compiler) compile(threads int, after func(pass)) *program {
	c.threads = threads
	what := inFunction
	switch {
	case c.parent != nil:
		what = inBody
	case c.check:
		what = inCheck
	}
	for _, p := range passes() {
		if p.in&what == 0 {
			continue
		}
		p.run(c)
		if after != nil {
			after(p)
		}
	}
	return c.prog
}

// simplify rewrites the graph.
func (c *compiler) simplify() {
	before := c.f
	c.f = graph.Simplify(before)
	if invariants.Enabled {
		if err := graph.Verify(c.f); err != nil {
			panic(fmt.Sprintf("cpu: after simplify: %v\nbefore:\n%v\nafter:\n%v", err, before, c.f))
		}
	}
}

func specOf(name string, n *graph.Node) backend.Spec {
	return backend.Spec{Name: name, DType: n.DType(), Shape: n.Shape()}
}
