package cpu

import (
	"cmp"
	"slices"
)

// schedule assigns each stage to the first level after all stages that it depends on: the stages that write what it reads
// and, if it overwrites a state, the stages that read the old value. Copies to states run in the last level.
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

// assignTasks returns a queue of tasks for each worker. A worker gets consecutive tasks of a stage, so that its cache has the
// rows which it computed in the level before. The tasks of a stage with fewer tasks than workers go to the workers with the
// least work. Large tasks come first, so that the last tasks to end are small.
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

// plan chooses the offsets of all buffers without memory of their own in one arena. Buffers that are in use in the same level
// do not overlap. The largest buffers come first, each at the lowest offset that is free in all levels in which it is used.
func (c *compiler) plan() {
	var all []*buffer
	found := map[*buffer]bool{}
	use := func(b *buffer, level int) {
		if b.fixed || b.alias != nil || c.sharedBufs[b] {
			return
		}
		if !found[b] {
			found[b] = true
			b.first, b.last = level, level
			all = append(all, b)
		}
		b.first, b.last = min(b.first, level), max(b.last, level)
	}
	for _, s := range c.stages {
		for _, bs := range [][]*buffer{s.reads, s.writes, s.temps} {
			for _, b := range bs {
				use(b, s.level)
			}
		}
	}
	for _, o := range c.prog.out {
		use(o.buf, len(c.prog.levels)+1)
	}
	slices.SortStableFunc(all, func(a, b *buffer) int { return b.size - a.size })
	total := 0
	var placed []*buffer // by offset
	paddedSize := func(b *buffer) int { return (b.size + overreadFloats + lineFloats - 1) / lineFloats * lineFloats }
	for _, b := range all {
		offset := 0
		for _, o := range placed {
			if o.first > b.last || o.last < b.first {
				continue
			}
			if offset+paddedSize(b) <= o.offset {
				break
			}
			offset = max(offset, o.offset+paddedSize(o))
		}
		b.offset = offset
		total = max(total, offset+paddedSize(b))
		i, _ := slices.BinarySearchFunc(placed, offset, func(o *buffer, offset int) int { return o.offset - offset })
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

// An arena is the memory for the intermediate values of a program. All programs of a backend use the same memory, because
// they run one at a time and need no intermediate value after a run.
type arena struct {
	size int
	bufs []*buffer
	mem  *float32 // the memory to which the buffers are bound, or nil
}

// bind sets the data of the buffers to their parts of mem, unless they are bound to mem already.
func (a *arena) bind(mem []float32) {
	if a.size == 0 || a.mem == &mem[0] {
		return
	}
	a.mem = &mem[0]
	for _, b := range a.bufs {
		b.data = mem[b.offset : b.offset+b.size : b.offset+b.size+overreadFloats]
	}
}
