package cpu

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/engine/graph"
)

// Stats holds the sizes of a compiled function.
type Stats struct {
	Written, Nodes int // the number of nodes of the graph, and after simplify
	Regions        int
	Groups         int // includes the regions
	Stages         int
	BodyStages     int // the number of stages of the bodies of regions
	Levels         int
	Arena          int // the size of the intermediate values in bytes
	BodyArena      int // the size of the intermediate values of regions in bytes, for each thread
	Scratch        int // the size of the scratch memory in bytes, for each thread
}

// Dump compiles f for a number of threads and writes it to w after every pass. If w is nil, it only returns the sizes. The
// text depends on f and threads alone. Dump returns an error if f is not well-formed, threads is below 1, or w returns one.
//
// Nodes have their numbers in the text form of the simplified function; the nodes of the body of a region have the numbers of
// the nodes that they are made from. %3[i%4] is a repeated operand: the loop reads element i%4 for element i. A constant of
// one element is written as its value. pack(%3) is a packed matrix or kernel, lanes(%3) are the partial sums of %3, and %9→%3
// is the value %9 in the memory of %3.
func Dump(w io.Writer, f *graph.Func, threads int) (Stats, error) {
	return dump(w, f, threads, defaultShardConfig)
}

// dump does what Dump does, with the given settings.
func dump(w io.Writer, f *graph.Func, threads int, cut shardConfig) (Stats, error) {
	if err := graph.Verify(f); err != nil {
		return Stats{}, fmt.Errorf("cpu: %w", err)
	}
	if threads < 1 {
		return Stats{}, fmt.Errorf("cpu: dump %s: %d threads, want 1 or more", f.Name, threads)
	}
	s := newState()
	for _, n := range f.States {
		if err := s.declare(n.Name(), n.Shape()); err != nil {
			return Stats{}, fmt.Errorf("cpu: dump %s: %w", f.Name, err)
		}
	}
	c := newCompiler(f, s, false, cut)
	d := newDumper(c)
	d.written = len(f.Nodes())
	var after func(pass)
	if w != nil {
		d.line("# as written")
		d.text.WriteString(f.String())
		after = d.after
	}
	c.compile(threads, after)
	if w != nil {
		if _, err := io.WriteString(w, d.text.String()); err != nil {
			return Stats{}, err
		}
	}
	return d.stats(), nil
}

// A dumper writes the results of the passes of a compiler.
type dumper struct {
	c          *compiler
	outer      *dumper                     // of a body: the dumper of the function
	originalOf map[*graph.Node]*graph.Node // of a body: the node of the function that a node is made from
	text       strings.Builder
	written    int
	groupNo    map[*group]int
	stageNo    map[*stage]int
	names      map[*buffer]string
	values     map[*buffer]bool // whether a buffer is a constant of one element, whose name is its value
}

func newDumper(c *compiler) *dumper {
	return &dumper{
		c: c, originalOf: map[*graph.Node]*graph.Node{}, groupNo: map[*group]int{}, stageNo: map[*stage]int{},
		names: map[*buffer]string{}, values: map[*buffer]bool{},
	}
}

// stats returns the sizes of the compiled function.
func (d *dumper) stats() Stats {
	c := d.c
	s := Stats{
		Written: d.written, Nodes: len(c.order), Groups: len(c.groups), Stages: len(c.stages), Levels: len(c.prog.levels),
		Arena: 4 * c.prog.arena.size, BodyArena: 4 * c.bodyArena, Scratch: 4 * c.scratch,
	}
	for _, g := range c.groups {
		if g.region != nil {
			s.Regions++
		}
	}
	for _, st := range c.stages {
		if st.shards == nil {
			continue
		}
		for _, b := range st.shards.bodies[0] {
			if b != nil {
				s.BodyStages += len(b.stages)
			}
		}
	}
	return s
}

// after writes the result of a pass.
func (d *dumper) after(p pass) {
	if p.show != nil {
		fmt.Fprintf(&d.text, "\n# %s", p.name)
		p.show(d)
	}
}

// columns is the largest number of characters of a line.
const columns = 108

// line writes words with the indentation of the first word. It breaks lines that are too long, with more indentation, but not
// at a no-break space.
func (d *dumper) line(words ...string) {
	indent := len(words[0]) - len(strings.TrimLeft(words[0], " "))
	at := 0
	for i, w := range strings.FieldsFunc(strings.Join(words, " "), func(r rune) bool { return r == ' ' }) {
		switch n := len([]rune(w)); {
		case i == 0:
			d.text.WriteString(strings.Repeat(" ", indent))
			at = indent
		case at+1+n > columns:
			d.text.WriteString("\n" + strings.Repeat(" ", indent+4))
			at = indent + 4
		default:
			d.text.WriteByte(' ')
			at++
		}
		d.text.WriteString(strings.ReplaceAll(w, "\u00a0", " "))
		at += len([]rune(w))
	}
	d.text.WriteByte('\n')
}

// linef writes a line with a format.
func (d *dumper) linef(format string, args ...any) { d.line(fmt.Sprintf(format, args...)) }

// endTitle ends the title of a pass, with ": none" if the pass has found nothing, and reports whether it has found nothing.
func (d *dumper) endTitle(found int) bool {
	if found == 0 {
		d.text.WriteString(": none\n")
		return true
	}
	d.text.WriteByte('\n')
	return false
}

// node returns the number of a node, or the value of a constant of one element.
func (d *dumper) node(n *graph.Node) string {
	switch {
	case d.outer != nil:
		return d.outer.node(d.original(n))
	case isValue(n):
		return strconv.FormatFloat(float64(n.Attr().Data[0]), 'g', -1, 32)
	}
	if at, ok := d.c.index[n]; ok {
		return "%" + strconv.Itoa(at)
	}
	return "unnamed"
}

// original returns the node of the function that n, a node of a body, is made from, or n.
func (d *dumper) original(n *graph.Node) *graph.Node {
	if m := d.originalOf[n]; m != nil {
		return m
	}
	return n
}

// isValue reports whether n is a constant of one element.
func isValue(n *graph.Node) bool { return n.Op() == graph.OpConst && n.Shape().Size() == 1 }

// nodes returns the numbers of nodes with their primitives.
func (d *dumper) nodes(ns []*graph.Node) string {
	var s []string
	for _, n := range ns {
		s = append(s, d.node(n)+"\u00a0"+n.Op().String())
	}
	return strings.Join(s, ", ")
}

// numbers returns the numbers of nodes.
func (d *dumper) numbers(ns []*graph.Node) string {
	var s []string
	for _, n := range ns {
		s = append(s, d.node(n))
	}
	return strings.Join(s, " ")
}

// group returns the number of a group. Groups are numbered in the order in which they are written first.
func (d *dumper) group(g *group) int {
	if d.groupNo[g] == 0 {
		d.groupNo[g] = len(d.groupNo) + 1
	}
	return d.groupNo[g]
}

// simplify writes the result of the pass simplify.
func (d *dumper) simplify() {
	fmt.Fprintf(&d.text, ": of %d nodes, %d are left\n", d.written, len(d.c.f.Nodes()))
	// The value of a constant of one element, broadcast or not, is written at its uses.
	values := map[string]string{}
	nodes := d.c.f.Nodes()
	for i, n := range nodes {
		for n.Op() == graph.OpBroadcast || n.Op() == graph.OpReshape {
			n = n.In()[0]
		}
		if isValue(n) {
			values["%"+strconv.Itoa(i)] = d.node(n)
		}
	}
	for i, line := range strings.Split(strings.TrimSuffix(d.c.f.String(), "\n"), "\n") {
		words := strings.Split(line, " ")
		if i > 0 && i <= len(nodes) { // %3 = add f32[2] %1 %2
			if values[words[0]] != "" {
				continue
			}
			for j := 4; j < len(words) && words[j][:1] == "%"; j++ {
				if v := values[words[j]]; v != "" {
					words[j] = v
				}
			}
		}
		d.text.WriteString(strings.Join(words, " ") + "\n")
	}
}

// regions writes the result of the pass regions.
func (d *dumper) regions() {
	if d.endTitle(len(d.c.groups)) {
		return
	}
	for _, g := range d.c.groups {
		r := g.region
		d.linef("group %d, a region of %d images in shards of %d: %s", d.group(g), r.batch, r.shard, d.nodes(g.nodes))
		if sums := slices.DeleteFunc(slices.Clone(g.nodes), func(n *graph.Node) bool { return !r.reduced[n] }); len(sums) > 0 {
			d.linef("    sums over the images: %s", d.numbers(sums))
		}
	}
}

// fuse writes the result of the pass fuse.
func (d *dumper) fuse() {
	d.text.WriteByte('\n')
	d.groups()
}

// groups writes the groups in the order of their first nodes, which is not always the order in which they run.
func (d *dumper) groups() {
	groups := slices.Clone(d.c.groups)
	slices.SortFunc(groups, func(a, b *group) int { return cmp.Compare(d.c.index[a.nodes[0]], d.c.index[b.nodes[0]]) })
	for _, g := range groups {
		var what string
		rest := slices.DeleteFunc(slices.Clone(g.nodes), func(n *graph.Node) bool { return n == g.root })
		switch {
		case g.region != nil:
			what = "the region"
		case g.standalone:
			what = "alone: " + d.nodes(rest)
		case g.root != nil && len(rest) == 0:
			what = d.nodes([]*graph.Node{g.root})
		case g.root != nil:
			what = fmt.Sprintf("%s, then in its cache: %s", d.nodes([]*graph.Node{g.root}), d.nodes(rest))
		default:
			what = fmt.Sprintf("a loop over %d: %s", g.size, d.nodes(rest))
		}
		d.linef("group %d, %s", d.group(g), what)
		if kept := slices.DeleteFunc(slices.Clone(g.nodes), func(n *graph.Node) bool { return d.c.groupOf[n] != g || !d.c.stored(g, n) }); len(kept) > 0 {
			d.linef("    stored: %s", d.numbers(kept))
		}
	}
}

// recompute writes the result of the pass recompute.
func (d *dumper) recompute() {
	found := 0
	for _, g := range d.c.groups {
		found += len(g.recomputed)
	}
	if d.endTitle(found) {
		return
	}
	for _, n := range d.c.order {
		for _, g := range d.c.groups {
			if slices.Contains(g.recomputed, n) {
				d.linef("%s: once more in group %d, and so not stored", d.nodes([]*graph.Node{n}), d.group(g))
			}
		}
	}
}

// updates writes the result of the pass updates.
func (d *dumper) updates() {
	if d.endTitle(len(d.c.f.Updates)) {
		return
	}
	for _, u := range d.c.f.Updates {
		switch v := base(u.Value); {
		case v == u.State:
			d.linef("%s: left as it is", d.node(u.State))
		case !slices.ContainsFunc(d.c.commits, func(k graph.Update) bool { return k.State == u.State }):
			var words []string
			for n := v; n != u.State; n = d.c.inPlace[n] {
				words = append(words, fmt.Sprintf("group %d writes %s over it", d.group(d.c.groupOf[n]), d.node(n)))
			}
			slices.Reverse(words)
			d.linef("%s: %s", d.node(u.State), strings.Join(words, ", then "))
		default:
			d.linef("%s: %s is copied to it at the end", d.node(u.State), d.node(v))
		}
	}
}

// guards writes the result of the pass guards.
func (d *dumper) guards() {
	guarded := slices.DeleteFunc(slices.Clone(d.c.groups), func(g *group) bool { return g.guard == nil })
	if d.endTitle(len(guarded)) {
		return
	}
	for _, g := range guarded {
		var direct []string
		for _, n := range g.nodes {
			if sel := g.guard.storedFor[n]; sel != nil {
				direct = append(direct, fmt.Sprintf("%s for %s", d.node(n), d.node(sel)))
			}
		}
		d.linef("group %d, only if %s is not 0: %s", d.group(g), d.node(g.guard.cond), strings.Join(direct, ", "))
	}
}

// lower writes the result of the pass lower.
func (d *dumper) lower() {
	fmt.Fprintf(&d.text, ": %s\n", count(len(d.c.stages), "stage"))
	d.stages()
	for _, s := range d.c.stages {
		if s.shards != nil {
			d.body(s)
		}
	}
}

// body writes the body of a region.
func (d *dumper) body(s *stage) {
	t := d.c.bodies[s]
	b := newDumper(t.body)
	b.outer, b.names, b.values = d, maps.Clone(d.names), maps.Clone(d.values)
	for _, n := range d.c.order { // if two nodes have become one, the first
		for _, byRow := range []bool{true, false} {
			if m := t.rebuilt[rowKey{n, byRow}]; m != nil && b.originalOf[m] == nil {
				b.originalOf[m] = n
			}
		}
	}
	for _, in := range t.inputs {
		b.originalOf[in.node] = base(in.from)
	}
	fmt.Fprintf(&b.text, "\n# body: of stage %d, for %s\n", d.stageNo[s], count(t.images, "image"))
	b.groups()
	b.stages()
	b.arena("stage", 1)
	d.text.WriteString(b.text.String())
}

// stages writes the stages in the order in which they were made. Those of a body are in the order in which they run.
func (d *dumper) stages() {
	all := slices.Clone(d.c.stages)
	if d.outer != nil {
		slices.SortFunc(all, func(a, b *stage) int { return a.level - b.level })
	}
	for i, s := range all {
		d.stageNo[s] = i + 1
	}
	d.nameBuffers()
	for _, s := range all {
		d.stage(s)
	}
}

// nameBuffers sets the names of the buffers: the number of the node, or for a buffer without a node a name that says how it is
// used.
func (d *dumper) nameBuffers() {
	for _, n := range d.c.order { // if a result overwrites a product, the number of the result
		if b := d.c.bufs[n]; b != nil {
			d.names[b], d.values[b] = d.node(n), isValue(d.original(n))
		}
	}
	count := map[string]int{}
	name := func(b *buffer, format string, args ...any) {
		if d.names[b] != "" {
			return
		}
		s := fmt.Sprintf(format, args...)
		if count[s]++; count[s] > 1 {
			s += "#" + strconv.Itoa(count[s])
		}
		d.names[b] = s
	}
	for _, s := range d.c.stages {
		for _, b := range s.writes {
			switch reader := d.reader(b); {
			case len(s.reads) == 1 && s.name != "shards":
				name(b, "%s(%s)", s.name, d.names[s.reads[0]])
			case reader != nil && len(reader.writes) > 0:
				name(b, "lanes(%s)", d.names[reader.writes[0]])
			default:
				name(b, "%s", s.name)
			}
		}
		if l := d.c.loopBuilders[s]; l != nil {
			sums := d.sums(l)
			for i, k := range l.l.sums {
				if k.partial != nil {
					name(k.partial, "lanes(%s)", d.node(sums[i]))
				}
			}
		}
		for _, b := range s.temps {
			name(b, "%s's own", s.name)
		}
	}
}

// reader returns the first stage that reads b.
func (d *dumper) reader(b *buffer) *stage {
	for _, s := range d.c.stages {
		if slices.Contains(s.reads, b) {
			return s
		}
	}
	return nil
}

// sums returns the nodes of the sums of a loop, in order.
func (d *dumper) sums(b *loopBuilder) []*graph.Node {
	return slices.DeleteFunc(slices.Clone(b.g.nodes), func(n *graph.Node) bool { return n.Op() != graph.OpSum || n == b.g.root })
}

// name returns the name of a buffer.
func (d *dumper) name(b *buffer) string { return cmp.Or(d.names[b], "unnamed") }

// bufs returns the names of buffers, each once, without constants of one element.
func (d *dumper) bufs(bs []*buffer) string {
	var s []string
	for _, b := range bs {
		name := d.name(b)
		if b.alias != nil {
			name += "→" + d.names[b.alias]
		}
		if !d.values[b] && !slices.Contains(s, name) {
			s = append(s, name)
		}
	}
	if s == nil {
		return "nothing"
	}
	return strings.Join(s, " ")
}

// stage writes a stage.
func (d *dumper) stage(s *stage) {
	l := d.c.loopBuilders[s]
	head := fmt.Sprintf("stage %d, %s", d.stageNo[s], s.name)
	if s.node.layer != "" {
		head += " of " + s.node.layer
	}
	head += ": " + count(s.tasks, "task")
	if l != nil && len(l.sources)+len(l.l.sums) > 0 {
		if l.l.piece > 0 {
			head += fmt.Sprintf(", pieces of %d", l.l.piece)
		}
		head += fmt.Sprintf(", blocks of %d", l.l.block)
	}
	if s.cond != nil {
		head += fmt.Sprintf(", only if %s is not 0", d.names[s.cond])
	}
	if sh := s.shards; sh != nil {
		head += fmt.Sprintf(", each a lane of the %d shards", (sh.batch+sh.shard-1)/sh.shard)
		if rest := sh.batch % sh.shard; rest > 0 {
			head += fmt.Sprintf(", the last of %s", count(rest, "image"))
		}
	}
	d.line(head)
	moves := "    reads " + d.bufs(s.reads)
	if len(s.writes) > 0 {
		moves += "; writes " + d.bufs(s.writes)
	}
	if s.commit != nil {
		moves += "; writes over " + d.names[s.commit]
	}
	if len(s.temps) > 0 {
		moves += "; keeps " + d.bufs(s.temps)
	}
	d.line(moves)
	if l != nil {
		d.loop(l)
	}
}

// loop writes the root and the instructions of a loop.
func (d *dumper) loop(b *loopBuilder) {
	if a := b.g.root; a != nil {
		how := ""
		if a.Attr().TransA {
			how += " transA"
		}
		if a.Attr().TransB {
			how += " transB"
		}
		if a, ok := b.l.root.(fmt.Stringer); ok {
			how += ", " + a.String()
		}
		var in []*graph.Node
		for _, x := range a.In() {
			in = append(in, base(x))
		}
		d.linef("    %s = %v %s%s", d.node(a), a.Op(), d.numbers(in), how)
	}
	slots := make([]slotKey, len(b.l.slots))
	for k, i := range b.slotOf {
		slots[i] = k
	}
	operand := func(i int) string {
		k := slots[i]
		if b.l.slots[i].kind == slotWhole || b.l.slots[i].kind == slotReg {
			return d.node(k.n)
		}
		return d.repeated(k.n, k.pat, b.g.size)
	}
	for j, m := range b.sources {
		in := &b.l.instrs[j]
		var words []string
		switch {
		case m.combination != nil:
			words = append(words, m.name)
			for k := range m.operands {
				words = append(words, operand(in.in[k]))
			}
			for _, x := range m.scalars {
				words = append(words, d.repeated(x, readPattern{1, 1}, b.g.size))
			}
		default:
			words = append(words, m.n.Op().String())
			for k := range m.n.In() {
				words = append(words, operand(in.in[k]))
			}
		}
		line := fmt.Sprintf("    %s = %s", d.node(m.n), strings.Join(words, " "))
		if s := b.l.slots[in.dst]; s.kind == slotWhole {
			line += ", stored"
			if s.buf.alias != nil {
				line += " over " + d.names[s.buf.alias]
			}
		}
		d.line(line)
	}
	for i, n := range d.sums(b) {
		k := b.l.sums[i]
		d.linef("    %s = sum %s%s", d.node(n), operand(k.src), k.describe())
	}
}

// repeated returns the text of an operand n of a loop over size elements that is read with a pattern.
func (d *dumper) repeated(n *graph.Node, p readPattern, size int) string {
	s := d.node(n)
	switch {
	case isValue(d.original(n)):
		return s
	case p.mod == 1:
		return s + "[0]"
	case p.div == 1:
		return fmt.Sprintf("%s[i%%%d]", s, p.mod)
	case p.div*p.mod == size:
		return fmt.Sprintf("%s[i/%d]", s, p.div)
	}
	return fmt.Sprintf("%s[i/%d%%%d]", s, p.div, p.mod)
}

// describe returns which elements the sum adds up.
func (k *loopSum) describe() string {
	switch {
	case k.pat.mod == 1:
		return ""
	case k.sumsRows():
		return fmt.Sprintf(", of each %d", k.pat.div)
	}
	return fmt.Sprintf(", by i%%%d", k.pat.mod)
}

// schedule writes the result of the pass schedule.
func (d *dumper) schedule() {
	fmt.Fprintf(&d.text, ": %s, dealt to %s\n", count(len(d.c.prog.levels), "level"), count(d.c.threads, "thread"))
	for i := range d.c.prog.levels {
		l := &d.c.prog.levels[i]
		var names []string
		for _, s := range l.stages {
			names = append(names, fmt.Sprintf("%d %s", d.stageNo[s], s.name))
		}
		d.linef("level %d: %s", i, strings.Join(names, ", "))
		if d.c.threads == 1 {
			continue
		}
		for w := range l.queues {
			if dealt := d.tasks(l.queues[w].tasks); dealt != "" {
				d.linef("    thread %d: %s", w, dealt)
			}
		}
	}
}

// tasks returns tasks as stage:first-last.
func (d *dumper) tasks(ts []task) string {
	var words []string
	for i := 0; i < len(ts); {
		j := i + 1
		for j < len(ts) && ts[j].stage == ts[i].stage && ts[j].index == ts[j-1].index+1 {
			j++
		}
		w := fmt.Sprintf("%d:%d", d.stageNo[ts[i].stage], ts[i].index)
		if j > i+1 {
			w += fmt.Sprintf("-%d", ts[j-1].index)
		}
		words = append(words, w)
		i = j
	}
	return strings.Join(words, " ")
}

// plan writes the result of the pass plan.
func (d *dumper) plan() {
	fmt.Fprintf(&d.text, ": where buffers lie, in float32, and in which levels they are needed\n")
	d.arena("level", 0)
}

// arena writes the buffers of the arena with their offsets and the levels in which they are in use. The word level names the
// levels, and they are counted from first.
func (d *dumper) arena(level string, first int) {
	var all []*buffer
	listed := map[*buffer]bool{}
	for _, s := range d.c.stages {
		for _, bs := range [][]*buffer{s.reads, s.writes, s.temps} {
			for _, b := range bs {
				if !b.fixed && b.alias == nil && !d.c.sharedBufs[b] && !listed[b] {
					listed[b] = true
					all = append(all, b)
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *buffer) int { return cmp.Or(a.offset-b.offset, a.first-b.first) })
	d.linef("arena of %d float32", d.c.prog.arena.size)
	for _, b := range all {
		life := fmt.Sprintf("%s %d", level, first+b.first)
		switch {
		case b.last > len(d.c.prog.levels):
			life = fmt.Sprintf("from %s on", life)
		case b.last > b.first:
			life = fmt.Sprintf("%ss %d to %d", level, first+b.first, first+b.last)
		}
		fmt.Fprintf(&d.text, "    %9d %9d  %-16s %s\n", b.offset, b.size, life, d.name(b))
	}
}

// count returns n with a noun: 1 task, 2 tasks.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// String returns the levels and their stages, for debugging.
func (p *program) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "program %q: %d levels, arena %d KiB\n", p.name, len(p.levels), p.arena.size/256)
	for i := range p.levels {
		fmt.Fprintf(&b, "level %d\n", i)
		for _, s := range p.levels[i].stages {
			fmt.Fprintf(&b, "  %-22s %4d tasks  %v  %s\n", s.name, s.tasks, s.node.shape, s.node.layer)
		}
	}
	return b.String()
}
