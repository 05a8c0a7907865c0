package cpu

import (
	"slices"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// lower turns groups into stages, and ties inputs and outputs to their memory.
func (c *compiler) lower() {
	for _, n := range c.order {
		switch n.Op() {
		case graph.OpState:
			c.bufs[n] = c.state.bufs[n.Name()]
		case graph.OpConst:
			b := &buffer{size: n.Shape().Size(), data: aligned(n.Shape().Size()), fixed: true}
			copy(b.data, n.Attr().Data)
			c.bufs[n] = b
		case graph.OpInput:
			if c.bufs[n] != nil {
				continue // bound to a buffer of the whole
			}
			b := &buffer{size: n.Shape().Size(), fixed: true}
			if n.DType() == tensor.Int32 {
				b.i32 = make([]int32, b.size)
			} else {
				b.data = aligned(b.size)
			}
			c.bufs[n] = b
		}
	}
	for _, g := range c.groups {
		for _, n := range g.nodes {
			if c.groupOf[n] == g && c.stored(g, n) {
				c.bufs[n] = &buffer{size: n.Shape().Size()}
			}
		}
	}
	for v, old := range c.inPlace {
		c.bufs[v].alias = c.bufs[old]
	}
	for _, g := range c.groups {
		switch {
		case g.region != nil:
			c.lowerRegion(g)
		case g.solo:
			c.lowerSolo(g.nodes[0])
		default:
			c.lowerLoop(g)
		}
	}
	c.lowerCommits()
	for _, n := range c.f.Inputs {
		c.prog.in = append(c.prog.in, operand{specOf(n.Name(), n), c.bufs[n]})
	}
	for i, o := range c.f.Outputs {
		c.prog.out = append(c.prog.out, operand{specOf(o.Name, o.Value), c.outputs[i]})
	}
}

// stored reports whether a node of g must exist in memory when g is done.
func (c *compiler) stored(g *group, n *graph.Node) bool {
	if g.region == nil && (g.solo || n.Op() == graph.OpSum) || c.kept[n] {
		return true
	}
	if g.region != nil {
		return slices.ContainsFunc(c.uses[n], func(u use) bool { return c.groupOf[u.user] != g })
	}
	return slices.ContainsFunc(c.uses[n], func(u use) bool {
		h := c.groupOf[u.user]
		return !u.each || h != g && !slices.Contains(h.again, n)
	})
}

// lowerLoop makes the stages of a group with a loop.
func (c *compiler) lowerLoop(g *group) {
	l := &loop{block: blockFloats}
	s := &stage{name: "loop", node: infoOf(g.nodes[len(g.nodes)-1]), cost: float64(g.size)}
	b := loopBuilder{c: c, g: g, l: l, s: s, slotOf: map[slotKey]int{}}
	c.front = 0
	if a := g.anchor; a != nil {
		b.placeAnchor(a)
		s.name, s.node = a.Op().String(), infoOf(a)
		s.matFlops = matFlops(a)
		l.anchor = c.lowerAnchor(a, s)
	}
	combined := b.combinations()
	for _, n := range g.nodes {
		if n == g.anchor {
			continue
		}
		s.fused = append(s.fused, n.Op().String())
		s.flops += int64(g.size)
		k, part := combined[n]
		switch {
		case k != nil:
			b.combined(n, k)
		case part || g.guard != nil && c.inPlace[n] != nil:
		case n.Op() == graph.OpSum:
			b.sink(n)
		default:
			b.instr(n)
		}
	}
	if g.guard != nil {
		s.when = c.bufs[g.guard.when]
		s.reads = append(s.reads, s.when)
	}
	b.choose()
	b.allocate()
	s.tasks, s.run = l.tasks(), l.run
	if slices.ContainsFunc(l.sinks, func(k sink) bool { return k.partial != nil }) {
		s.finish = l.finish
	}
	s.cost /= float64(s.tasks)
	c.regs = max(c.regs, len(l.slots))
	c.stages = append(c.stages, s)
	c.loops[s] = &b
}

// loopBuilder collects the operands and instructions of one loop.
type loopBuilder struct {
	c      *compiler
	g      *group
	l      *loop
	s      *stage
	slotOf map[slotKey]int
	made   []made // by instruction
}

// made is what an instruction computes: a node, by itself or in a combination.
type made struct {
	n *graph.Node
	*combination
}

type slotKey struct {
	n   *graph.Node
	pat pattern
}

// placeAnchor gives the anchor's raw result a buffer: its own if others need it,
// else that of the value made by its last reader, which then overwrites it block
// by block, else one for this stage alone.
func (b *loopBuilder) placeAnchor(a *graph.Node) {
	if b.c.bufs[a] != nil {
		b.s.writes = append(b.s.writes, b.c.bufs[a])
		return
	}
	last := a
	for _, u := range b.c.uses[a] {
		if u.user.Op() == graph.OpSum {
			last = nil // reads after all instructions
			break
		}
		if b.c.place[u.user] > b.c.place[last] {
			last = u.user
		}
	}
	if last != nil && last != a && b.c.bufs[last] != nil && b.c.inPlace[last] == nil {
		b.c.bufs[a] = b.c.bufs[last]
		return
	}
	b.c.bufs[a] = &buffer{size: a.Shape().Size()}
	b.s.temps = append(b.s.temps, b.c.bufs[a])
}

// operand returns the slot from which an operand of a node is read.
func (b *loopBuilder) operand(x *graph.Node) int {
	src, pat, whole := b.c.source(x)
	return b.read(src, pat, whole)
}

func (b *loopBuilder) read(src *graph.Node, pat pattern, whole bool) int {
	key := slotKey{src, pat}
	if i, ok := b.slotOf[key]; ok {
		return i
	}
	s := slot{buf: b.c.bufs[src], pat: pat}
	if whole {
		s.pat = pattern{1, b.g.size}
		if src.Shape().Size() != b.g.size {
			panic("cpu: operand of another size in a loop")
		}
	} else if s.kind = slotRepeat; pat.c == 1 {
		s.kind = slotTile
	}
	if b.c.groupOf[src] != b.g { // else it is made here
		b.s.reads = append(b.s.reads, s.buf)
	}
	return b.add(key, s)
}

func (b *loopBuilder) add(key slotKey, s slot) int {
	i := len(b.l.slots)
	b.l.slots = append(b.l.slots, s)
	b.slotOf[key] = i
	return i
}

func (b *loopBuilder) instr(n *graph.Node) {
	var i instr
	if n.Op() == graph.OpBroadcast {
		i = newInstr(copyOp)
		src := base(n.In()[0])
		pat, _ := repeats(n.In()[0].Shape(), n.Shape())
		at := b.read(src, pat, false)
		i.in = [3]int{at, at, at}
	} else {
		i = newInstr(n.Op())
		at := b.operand(n.In()[0])
		i.in = [3]int{at, at, at}
		for j, x := range n.In()[1:] {
			i.in[1+j] = b.operand(x)
		}
	}
	b.result(n, nil, i)
}

// combined makes one instruction of a few nodes.
func (b *loopBuilder) combined(n *graph.Node, k *combination) {
	i := instr{combined: k.run}
	for j, x := range k.whole {
		i.in[j] = b.operand(x)
	}
	for j := len(k.whole); j < len(i.in); j++ {
		i.in[j] = i.in[0]
	}
	for j, x := range k.scalars {
		i.scalars[j] = b.c.bufs[x]
		if b.c.groupOf[x] == b.g {
			panic("cpu: a scalar made in its own loop")
		}
		b.s.reads = append(b.s.reads, i.scalars[j])
	}
	b.result(n, k, i)
}

// result gives the result of an instruction its slot: where it is stored, or a
// register.
func (b *loopBuilder) result(n *graph.Node, k *combination, i instr) {
	s := slot{kind: slotReg, pat: pattern{1, b.g.size}}
	buf := b.c.bufs[n]
	if b.g.guard != nil && b.g.guard.direct[n] != nil {
		buf = b.c.bufs[b.g.guard.direct[n]]
	}
	if buf != nil && b.c.groupOf[n] == b.g {
		s.kind, s.buf = slotWhole, buf
		b.s.writes = append(b.s.writes, buf)
	}
	i.dst = b.add(slotKey{n, pattern{}}, s)
	b.l.instrs = append(b.l.instrs, i)
	b.made = append(b.made, made{n, k})
}

func (b *loopBuilder) sink(n *graph.Node) {
	pat, _ := reduction(n)
	k := sink{src: b.operand(n.In()[0]), pat: pat, out: b.c.bufs[n], acc: -1}
	if pat.c == 1 {
		k.pat.l = 1
	}
	b.s.writes = append(b.s.writes, k.out)
	b.l.sinks = append(b.l.sinks, k)
}

// rows reports whether the sink adds rows of l, each within one task.
func (k *sink) rows() bool { return k.pat.l > 1 && k.pat.c > 1 }

// choose sets the block and the chunks so that repeated operands and sums by
// place line up with blocks, and rows with chunks.
func (b *loopBuilder) choose() {
	l := b.l
	align := 1
	for _, k := range l.sinks {
		if k.rows() {
			align = lcm(align, k.pat.l)
		}
	}
	period := 1
	for _, s := range l.slots {
		if s.kind == slotRepeat && s.pat.l == 1 {
			period = lcm(period, s.pat.c)
		}
	}
	for _, k := range l.sinks {
		if k.pat.l == 1 && k.pat.c > 1 {
			period = lcm(period, k.pat.c)
		}
	}
	if period > 2*blockFloats { // blocks that do not straddle its end
		for parts := 2; parts < 64; parts++ {
			if period%parts == 0 && period/parts <= blockFloats {
				l.block = period / parts
				break
			}
		}
	} else {
		l.block = max(blockFloats/period, 1) * period
	}
	if l.anchor != nil {
		l.chunks = l.anchor.split(align)
		if step := l.anchor.step(); step%period == 0 {
			l.piece = step
		}
	} else {
		l.chunks = evenSplit(b.g.size, lcm(align, min(l.block, b.g.size)), align, 1<<14, 64)
	}
	if l.block%period == 0 && l.aligned(period) {
		for i := range l.slots {
			if s := &l.slots[i]; s.kind == slotRepeat && s.pat.l == 1 {
				s.kind = slotTile
			}
		}
		for i := range l.sinks {
			if k := &l.sinks[i]; k.pat.l == 1 && k.pat.c > 1 {
				k.acc = 0
			}
		}
	}
	for i := range l.sinks {
		if k := &l.sinks[i]; !k.rows() {
			k.partial = &buffer{size: l.tasks() * k.pat.c}
			b.s.temps = append(b.s.temps, k.partial)
		}
	}
}

// aligned reports whether every chunk starts at a multiple of period.
func (l *loop) aligned(period int) bool {
	return !slices.ContainsFunc(l.chunks[:l.tasks()], func(at int) bool { return at%period != 0 })
}

// allocate gives registers, tiles and accumulators their places in scratch. A
// register is free again after its last reader; that reader may write over it.
// They stand behind what the anchor keeps there.
func (b *loopBuilder) allocate() {
	l, next := b.l, (b.c.front+lineFloats-1)/lineFloats*lineFloats
	take := func() int { next += l.block; return next - l.block }
	last := map[int]int{}
	for i, in := range l.instrs {
		for _, s := range in.in {
			last[s] = i
		}
	}
	for _, k := range l.sinks {
		last[k.src] = len(l.instrs)
	}
	for i := range l.slots {
		if k := l.slots[i].kind; k == slotTile || k == slotRepeat {
			l.slots[i].off = take()
		}
	}
	for i := range l.sinks {
		if l.sinks[i].acc >= 0 {
			l.sinks[i].acc = take()
		}
	}
	var free []int
	for i, in := range l.instrs {
		freed := map[int]bool{}
		for _, s := range in.in {
			if l.slots[s].kind == slotReg && last[s] == i && !freed[s] {
				freed[s] = true
				free = append(free, l.slots[s].off)
			}
		}
		if d := &l.slots[in.dst]; d.kind == slotReg {
			if n := len(free); n > 0 {
				d.off, free = free[n-1], free[:n-1]
			} else {
				d.off = take()
			}
			if _, read := last[in.dst]; !read {
				free = append(free, d.off)
			}
		}
	}
	b.c.scratch = max(b.c.scratch, next)
}

// lowerCommits copies new values into states that could not be written in place.
func (c *compiler) lowerCommits() {
	snapshot := func(n *graph.Node) *buffer { // a state as it was before the run
		from, b := c.bufs[n], &buffer{size: n.Shape().Size()}
		c.stages = append(c.stages, &stage{name: "copy", tasks: 1, reads: []*buffer{from}, writes: []*buffer{b}, node: infoOf(n),
			run: func(*worker, int) { copy(b.data, from.data) }})
		return b
	}
	from := make([]*buffer, len(c.commits))
	for i, u := range c.commits {
		if from[i] = c.bufs[u.Value]; u.Value.Op() == graph.OpState {
			from[i] = snapshot(u.Value)
		}
	}
	for i, u := range c.commits {
		src, dst := from[i], c.bufs[u.State]
		c.stages = append(c.stages, &stage{name: "commit", tasks: 1, reads: []*buffer{src}, commit: dst, node: infoOf(u.State),
			run: func(*worker, int) { copy(dst.data, src.data) }})
	}
	for i, o := range c.f.Outputs {
		if n := base(o.Value); n.Op() == graph.OpState {
			c.outputs[i] = snapshot(n)
		} else {
			c.outputs[i] = c.bufs[n]
		}
	}
}

// evenSplit cuts n elements into at most most chunks of at least least, at
// multiples of step where that leaves enough chunks, else of align.
func evenSplit(n, step, align, least, most int) []int {
	if n/step < 2 {
		step = align
	}
	units := (n + step - 1) / step
	tasks := max(1, min(n/least, most, units))
	at := make([]int, tasks+1)
	for t := range at {
		at[t] = min(units*t/tasks*step, n)
	}
	return at
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func lcm(a, b int) int { return a / gcd(a, b) * b }
