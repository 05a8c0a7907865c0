package cpu

import (
	"fmt"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/invariants"
)

// A compiler holds the results of the passes for one function.
type compiler struct {
	f      *graph.Func
	state  *state
	check  bool // whether the program looks for values that are not finite: a stage for each node, and no updates
	config shardConfig
	prog   *program

	order        []*graph.Node       // all nodes, operands first
	index        map[*graph.Node]int // the index in order
	uses         map[*graph.Node][]use
	materialized map[*graph.Node]bool // outputs, new values of states, and broadcasts that must exist in memory

	// stateOfVersion maps the values of a state that is updated more than once to the state.
	stateOfVersion map[*graph.Node]*graph.Node

	groups  []*group
	groupOf map[*graph.Node]*group

	bufs         map[*graph.Node]*buffer     // the buffers of base nodes that live in memory
	inPlace      map[*graph.Node]*graph.Node // maps the new value of a state to the old one that it overwrites
	commits      []graph.Update              // the updates that are copied at the end
	outputs      []*buffer                   // the buffers of f.Outputs
	stages       []*stage
	loopBuilders map[*stage]*loopBuilder // for Dump: how the loops were made
	bodies       map[*stage]*bodyBuilder // for Dump: how the bodies of regions were made
	packs        map[packKey]*buffer
	newPacks     map[packKey]*keptPack // those of packs that are kept
	threads      int                   // the number of threads that run the program

	// For the body of a region: the compiler of the function, the stage that runs the body, and the buffers of the
	// function that the body reads.
	parent      *compiler
	callerStage *stage
	sharedBufs  map[*buffer]bool

	// Sizes for each thread, in float32.
	scratch     int // of the scratch memory
	rootScratch int // of the part that the root which is being lowered needs
	bodyArena   int // of the arena for the bodies of regions

	loopOperands int // the number of operands of the largest loop
}

// nodeInfo describes a node in errors and profiles.
type nodeInfo struct {
	op, layer string
	shape     tensor.Shape
}

// infoOf returns the description of n.
func infoOf(n *graph.Node) nodeInfo { return nodeInfo{n.Op().String(), n.Label(), n.Shape()} }

func newCompiler(f *graph.Func, s *state, check bool, config shardConfig) *compiler {
	return &compiler{
		f: f, state: s, check: check, config: config, prog: &program{name: f.Name, check: check, state: s, updates: len(f.Updates) > 0 && !check},
		index: map[*graph.Node]int{}, uses: map[*graph.Node][]use{}, materialized: map[*graph.Node]bool{},
		groupOf: map[*graph.Node]*group{}, bufs: map[*graph.Node]*buffer{}, inPlace: map[*graph.Node]*graph.Node{},
		stateOfVersion: map[*graph.Node]*graph.Node{},
		loopBuilders:   map[*stage]*loopBuilder{}, bodies: map[*stage]*bodyBuilder{},
		packs: map[packKey]*buffer{}, newPacks: map[packKey]*keptPack{}, outputs: make([]*buffer, len(f.Outputs)), sharedBufs: map[*buffer]bool{},
	}
}

// A pass is a step of the compiler, for some kinds of compilation.
type pass struct {
	name   string
	scopes scope
	run    func(*compiler)
	show   func(*dumper) // prints the result of the pass; nil = nothing
}

// A scope is a set of kinds of compilation.
type scope uint8

const (
	inFunction scope = 1 << iota // a function
	inCheck                      // a function whose program looks for values that are not finite
	inBody                       // the body of a region, which a shard runs
	inAll      = inFunction | inCheck | inBody
)

// passes returns all passes in order.
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

// compile runs the passes for the given number of threads, and returns the program. If after is not nil, compile calls it
// after each pass.
func (c *compiler) compile(threads int, after func(pass)) *program {
	c.threads = threads
	kind := inFunction
	switch {
	case c.parent != nil:
		kind = inBody
	case c.check:
		kind = inCheck
	}
	for _, p := range passes() {
		if p.scopes&kind == 0 {
			continue
		}
		p.run(c)
		if after != nil {
			after(p)
		}
	}
	return c.prog
}

// simplify replaces the function by its simplified form.
func (c *compiler) simplify() {
	before := c.f
	c.f = graph.Simplify(before)
	if invariants.Enabled {
		if err := graph.Verify(c.f); err != nil {
			panic(fmt.Sprintf("cpu: after simplify: %v\nbefore:\n%v\nafter:\n%v", err, before, c.f))
		}
	}
}

// specOf returns the description of an operand of the program.
func specOf(name string, n *graph.Node) backend.Spec {
	return backend.Spec{Name: name, DType: n.DType(), Shape: n.Shape()}
}
