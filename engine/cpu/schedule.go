package cpu

import (
	"cmp"
	"slices"
)

// schedule gives every stage the earliest level after all it depends on: the
// stages that write what it reads, and, if it writes over a state, all that read
// the old value. Copies into states come last.
func (c *compiler) schedule() {
	writer := map[*buffer]*stage{}
	readers := map[*buffer][]*stage{}
	for _, s := range c.stages {
		for _, b := range s.writes {
			writer[b] = s
		}
		for _, b := range s.reads {
			readers[b] = append(readers[b], s)
		}
	}
	depth := 0
	done := map[*stage]bool{}
	var visit func(s *stage)
	visit = func(s *stage) {
		if done[s] {
			return
		}
		done[s] = true
		before := func(t *stage) {
			if t != nil && t != s {
				visit(t)
				s.level = max(s.level, t.level+1)
			}
		}
		for _, b := range s.reads {
			before(writer[b])
		}
		for _, b := range s.writes {
			if b.alias != nil {
				for _, t := range readers[b.alias] {
					before(t)
				}
			}
		}
		depth = max(depth, s.level+1)
	}
	for _, s := range c.stages {
		if s.commit == nil {
			visit(s)
		}
	}
	for _, s := range c.stages {
		if s.commit != nil {
			s.level = depth
		}
	}
	c.prog.levels = make([]level, 0, depth+1)
	for i := range depth + 1 {
		var l level
		for _, s := range c.stages {
			if s.level == i {
				l.stages = append(l.stages, s)
			}
		}
		if len(l.stages) == 0 {
			continue
		}
		c.prog.levels = append(c.prog.levels, level{stages: l.stages, queues: assignTasks(l.stages, max(c.threads, 1))})
	}
}

// deal gives every worker a queue of tasks. The tasks of a stage are dealt in
// runs, so that a worker finds in its cache the rows that it made in the level
// before; those of a stage with fewer tasks than workers go where there is least
// to do. Large tasks come first, so that the last to end are small.
func assignTasks(stages []*stage, workers int) []queue {
	queues := make([]queue, workers)
	load := make([]float64, workers)
	order := slices.Clone(stages)
	slices.SortStableFunc(order, func(a, b *stage) int { return cmp.Compare(b.cost, a.cost) })
	for _, s := range order {
		for t := range s.tasks {
			w := t * workers / s.tasks
			if s.tasks < workers {
				w = slices.Index(load, slices.Min(load))
			}
			queues[w].tasks = append(queues[w].tasks, task{s, int32(t)})
			load[w] += s.cost
		}
	}
	return queues
}

// plan puts every buffer that has no memory of its own in one arena, so that
// buffers in use in the same level do not overlap: the largest first, each at
// the lowest place that is free for as long as it is needed.
func (c *compiler) plan() {
	var all []*buffer
	seen := map[*buffer]bool{}
	touch := func(b *buffer, level int) {
		if b.fixed || b.alias != nil || c.sharedBufs[b] {
			return
		}
		if !seen[b] {
			seen[b] = true
			b.first, b.last = level, level
			all = append(all, b)
		}
		b.first, b.last = min(b.first, level), max(b.last, level)
	}
	for _, s := range c.stages {
		for _, bs := range [][]*buffer{s.reads, s.writes, s.temps} {
			for _, b := range bs {
				touch(b, s.level)
			}
		}
	}
	for _, o := range c.prog.out {
		touch(o.buf, len(c.prog.levels)+1)
	}
	slices.SortStableFunc(all, func(a, b *buffer) int { return b.size - a.size })
	total := 0
	var placed []*buffer // by place
	room := func(b *buffer) int { return (b.size + overreadFloats + lineFloats - 1) / lineFloats * lineFloats }
	for _, b := range all {
		off := 0
		for _, o := range placed {
			if o.first > b.last || o.last < b.first {
				continue
			}
			if off+room(b) <= o.offset {
				break
			}
			off = max(off, o.offset+room(o))
		}
		b.offset = off
		total = max(total, off+room(b))
		i, _ := slices.BinarySearchFunc(placed, off, func(o *buffer, off int) int { return o.offset - off })
		placed = slices.Insert(placed, i, b)
	}
	c.prog.arena = arena{size: total, bufs: placed}
	for _, s := range c.stages {
		for _, b := range s.writes {
			if b.alias != nil {
				b.data = b.owner().data
			}
		}
	}
}

// An arena is where the buffers of a program lie in memory that it shares with
// all programs of a backend: they run one at a time, and nothing of a run
// outlives it there.
type arena struct {
	size int
	bufs []*buffer
	mem  *float32 // where they lie now
}

// bind lays the buffers on mem, if they are not there yet.
func (a *arena) bind(mem []float32) {
	if a.size == 0 || a.mem == &mem[0] {
		return
	}
	a.mem = &mem[0]
	for _, b := range a.bufs {
		b.data = mem[b.offset : b.offset+b.size : b.offset+b.size+overreadFloats]
	}
}
