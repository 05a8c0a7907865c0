package cpu

import (
	"slices"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// lower turns groups into stages, and connects inputs and outputs with their buffers.
func (c *compiler) lower() {
	for _, n := range c.order {
		switch n.Op() {
		case graph.OpState:
			c.bufs[n] = c.state.bufs[n.Name()]
		case graph.OpConst:
			b := &buffer{size: n.Shape().Size(), data: newAligned(n.Shape().Size()), fixed: true}
			copy(b.data, n.Attr().Data)
			c.bufs[n] = b
		case graph.OpInput:
			if c.bufs[n] != nil {
				continue // it is bound to a buffer of the function
			}
			b := &buffer{size: n.Shape().Size(), fixed: true}
			if n.DType() == tensor.Int32 {
				b.i32 = make([]int32, b.size)
			} else {
				b.data = newAligned(b.size)
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
		case g.standalone:
			c.lowerStandalone(g.nodes[0])
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

// stored reports whether the value of a node of g must be in memory when g has run.
func (c *compiler) stored(g *group, n *graph.Node) bool {
	if g.region == nil && (g.standalone || n.Op() == graph.OpSum) || c.materialized[n] {
		return true
	}
	if g.region != nil {
		return slices.ContainsFunc(c.uses[n], func(u use) bool { return c.groupOf[u.user] != g })
	}
	return slices.ContainsFunc(c.uses[n], func(u use) bool {
		h := c.groupOf[u.user]
		return !u.elementwise || h != g && !slices.Contains(h.recomputed, n)
	})
}

// lowerLoop adds the stages of a group with a loop.
func (c *compiler) lowerLoop(g *group) {
	l := &loop{block: blockFloats}
	s := &stage{name: "loop", node: infoOf(g.nodes[len(g.nodes)-1]), cost: float64(g.size)}
	b := loopBuilder{c: c, g: g, l: l, s: s, slotOf: map[slotKey]int{}}
	c.rootScratch = 0
	if a := g.root; a != nil {
		b.placeRootResult(a)
		s.name, s.node = a.Op().String(), infoOf(a)
		s.matFlops = matFlops(a)
		l.root = c.lowerRoot(a, s)
	}
	combined := b.findCombinations()
	for _, n := range g.nodes {
		if n == g.root {
			continue
		}
		s.fused = append(s.fused, n.Op().String())
		s.flops += int64(g.size)
		k, isInner := combined[n]
		switch {
		case k != nil:
			b.addCombined(n, k)
		case isInner || g.guard != nil && c.inPlace[n] != nil:
		case n.Op() == graph.OpSum:
			b.addSum(n)
		default:
			b.addInstr(n)
		}
	}
	if g.guard != nil {
		s.cond = c.bufs[g.guard.cond]
		s.reads = append(s.reads, s.cond)
	}
	b.chooseBlocks()
	b.allocateScratch()
	s.tasks, s.run = l.tasks(), l.run
	if slices.ContainsFunc(l.sums, func(k loopSum) bool { return k.partial != nil }) {
		s.finish = l.finish
	}
	s.cost /= float64(s.tasks)
	c.loopOperands = max(c.loopOperands, len(l.slots))
	c.stages = append(c.stages, s)
	c.loopBuilders[s] = &b
}

// A loopBuilder collects the operands and the instructions of one loop.
type loopBuilder struct {
	c       *compiler
	g       *group
	l       *loop
	s       *stage
	slotOf  map[slotKey]int
	sources []instrSource // of the instructions
}

// An instrSource is the node that an instruction computes, alone or as a combination of nodes.
type instrSource struct {
	n *graph.Node
	*combination
}

// A slotKey identifies an operand of a loop: a node and how it is read.
type slotKey struct {
	n   *graph.Node
	pat readPattern
}

// placeRootResult chooses the buffer for the result of the root. If other groups need the result, it is the buffer of the
// root. Otherwise it is that of the last node that reads the result, which then overwrites it block by block, or else a
// buffer of this stage alone.
func (b *loopBuilder) placeRootResult(a *graph.Node) {
	if b.c.bufs[a] != nil {
		b.s.writes = append(b.s.writes, b.c.bufs[a])
		return
	}
	last := a
	for _, u := range b.c.uses[a] {
		if u.user.Op() == graph.OpSum {
			last = nil // the sum reads it after all instructions
			break
		}
		if b.c.index[u.user] > b.c.index[last] {
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

// operand returns the slot from which the operand x of a node is read.
func (b *loopBuilder) operand(x *graph.Node) int {
	src, pat, whole := b.c.operandSource(x)
	return b.slotFor(src, pat, whole)
}

// slotFor returns the slot from which src is read with a pattern, or in full. It adds the slot on first use.
func (b *loopBuilder) slotFor(src *graph.Node, pat readPattern, whole bool) int {
	key := slotKey{src, pat}
	if i, ok := b.slotOf[key]; ok {
		return i
	}
	s := slot{buf: b.c.bufs[src], pat: pat}
	if whole {
		s.pat = readPattern{1, b.g.size}
		if src.Shape().Size() != b.g.size {
			panic("cpu: operand of another size in a loop")
		}
	} else if s.kind = slotRepeat; pat.mod == 1 {
		s.kind = slotTile
	}
	if b.c.groupOf[src] != b.g { // otherwise this loop computes it
		b.s.reads = append(b.s.reads, s.buf)
	}
	return b.addSlot(key, s)
}

// addSlot adds a slot and returns its index.
func (b *loopBuilder) addSlot(key slotKey, s slot) int {
	i := len(b.l.slots)
	b.l.slots = append(b.l.slots, s)
	b.slotOf[key] = i
	return i
}

// addInstr adds the instruction of one node.
func (b *loopBuilder) addInstr(n *graph.Node) {
	var i instr
	if n.Op() == graph.OpBroadcast {
		i = newInstr(copyOp)
		src := base(n.In()[0])
		pat, _ := broadcastPattern(n.In()[0].Shape(), n.Shape())
		slot := b.slotFor(src, pat, false)
		i.in = [3]int{slot, slot, slot}
	} else {
		i = newInstr(n.Op())
		slot := b.operand(n.In()[0])
		i.in = [3]int{slot, slot, slot}
		for j, x := range n.In()[1:] {
			i.in[1+j] = b.operand(x)
		}
	}
	b.addResult(n, nil, i)
}

// addCombined adds one instruction for the nodes of a combination, whose result is n.
func (b *loopBuilder) addCombined(n *graph.Node, k *combination) {
	i := instr{combined: k.run}
	for j, x := range k.operands {
		i.in[j] = b.operand(x)
	}
	for j := len(k.operands); j < len(i.in); j++ {
		i.in[j] = i.in[0]
	}
	for j, x := range k.scalars {
		i.scalars[j] = b.c.bufs[x]
		if b.c.groupOf[x] == b.g {
			panic("cpu: a loop computes its own scalar")
		}
		b.s.reads = append(b.s.reads, i.scalars[j])
	}
	b.addResult(n, k, i)
}

// addResult adds the instruction i, whose result is n. The result goes to the buffer in which it is stored, or to a
// register.
func (b *loopBuilder) addResult(n *graph.Node, k *combination, i instr) {
	s := slot{kind: slotReg, pat: readPattern{1, b.g.size}}
	buf := b.c.bufs[n]
	if b.g.guard != nil && b.g.guard.storedFor[n] != nil {
		buf = b.c.bufs[b.g.guard.storedFor[n]]
	}
	if buf != nil && b.c.groupOf[n] == b.g {
		s.kind, s.buf = slotWhole, buf
		b.s.writes = append(b.s.writes, buf)
	}
	i.dst = b.addSlot(slotKey{n, readPattern{}}, s)
	b.l.instrs = append(b.l.instrs, i)
	b.sources = append(b.sources, instrSource{n, k})
}

// addSum adds the sum n to the loop.
func (b *loopBuilder) addSum(n *graph.Node) {
	pat, _ := reductionPattern(n)
	k := loopSum{src: b.operand(n.In()[0]), pat: pat, out: b.c.bufs[n], accOffset: -1}
	if pat.mod == 1 {
		k.pat.div = 1
	}
	b.s.writes = append(b.s.writes, k.out)
	b.l.sums = append(b.l.sums, k)
}

// sumsRows reports whether the result has a sum for each row of consecutive elements. A row lies within one task.
func (k *loopSum) sumsRows() bool { return k.pat.div > 1 && k.pat.mod > 1 }

// chooseBlocks chooses the block length and the chunks. A block covers whole periods of repeated operands and of sums over
// periods, and a chunk covers whole rows of row sums, where that is possible.
func (b *loopBuilder) chooseBlocks() {
	l := b.l
	align := 1
	for _, k := range l.sums {
		if k.sumsRows() {
			align = lcm(align, k.pat.div)
		}
	}
	period := 1
	for _, s := range l.slots {
		if s.kind == slotRepeat && s.pat.div == 1 {
			period = lcm(period, s.pat.mod)
		}
	}
	for _, k := range l.sums {
		if k.pat.div == 1 && k.pat.mod > 1 {
			period = lcm(period, k.pat.mod)
		}
	}
	if period > 2*blockFloats { // use blocks that divide the period
		for n := 2; n < 64; n++ {
			if period%n == 0 && period/n <= blockFloats {
				l.block = period / n
				break
			}
		}
	} else {
		l.block = max(blockFloats/period, 1) * period
	}
	if l.root != nil {
		l.chunks = l.root.split(align)
		if step := l.root.pieceSize(); step%period == 0 {
			l.piece = step
		}
	} else {
		l.chunks = evenSplit(b.g.size, lcm(align, min(l.block, b.g.size)), align, 1<<14, 64)
	}
	if l.block%period == 0 && l.chunksAligned(period) {
		for i := range l.slots {
			if s := &l.slots[i]; s.kind == slotRepeat && s.pat.div == 1 {
				s.kind = slotTile
			}
		}
		for i := range l.sums {
			if k := &l.sums[i]; k.pat.div == 1 && k.pat.mod > 1 {
				k.accOffset = 0
			}
		}
	}
	for i := range l.sums {
		if k := &l.sums[i]; !k.sumsRows() {
			k.partial = &buffer{size: l.tasks() * k.pat.mod}
			b.s.temps = append(b.s.temps, k.partial)
		}
	}
}

// chunksAligned reports whether every chunk starts at a multiple of period.
func (l *loop) chunksAligned(period int) bool {
	return !slices.ContainsFunc(l.chunks[:l.tasks()], func(start int) bool { return start%period != 0 })
}

// allocateScratch chooses the offsets of registers, tiles and accumulators in the scratch memory, after the part that the
// root needs. A register is free again after the last instruction that reads it, and this instruction may overwrite it.
func (b *loopBuilder) allocateScratch() {
	l, next := b.l, (b.c.rootScratch+lineFloats-1)/lineFloats*lineFloats
	take := func() int { next += l.block; return next - l.block }
	last := map[int]int{}
	for i, in := range l.instrs {
		for _, s := range in.in {
			last[s] = i
		}
	}
	for _, k := range l.sums {
		last[k.src] = len(l.instrs)
	}
	for i := range l.slots {
		if k := l.slots[i].kind; k == slotTile || k == slotRepeat {
			l.slots[i].offset = take()
		}
	}
	for i := range l.sums {
		if l.sums[i].accOffset >= 0 {
			l.sums[i].accOffset = take()
		}
	}
	var free []int
	for i, in := range l.instrs {
		freed := map[int]bool{}
		for _, s := range in.in {
			if l.slots[s].kind == slotReg && last[s] == i && !freed[s] {
				freed[s] = true
				free = append(free, l.slots[s].offset)
			}
		}
		if d := &l.slots[in.dst]; d.kind == slotReg {
			if n := len(free); n > 0 {
				d.offset, free = free[n-1], free[:n-1]
			} else {
				d.offset = take()
			}
			if _, read := last[in.dst]; !read {
				free = append(free, d.offset)
			}
		}
	}
	b.c.scratch = max(b.c.scratch, next)
}

// lowerCommits adds the stages that copy new values to states which could not be written in place.
func (c *compiler) lowerCommits() {
	snapshot := func(n *graph.Node) *buffer { // returns a copy of a state as it was before the run
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

// evenSplit returns the boundaries of chunks of n elements. There are at most maxChunks, of at least minSize elements. The
// boundaries are multiples of step if that gives at least two chunks, and of align otherwise.
func evenSplit(n, step, align, minSize, maxChunks int) []int {
	if n/step < 2 {
		step = align
	}
	units := (n + step - 1) / step
	chunks := max(1, min(n/minSize, maxChunks, units))
	bounds := make([]int, chunks+1)
	for i := range bounds {
		bounds[i] = min(units*i/chunks*step, n)
	}
	return bounds
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func lcm(a, b int) int { return a / gcd(a, b) * b }
