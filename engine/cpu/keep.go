package cpu

import (
	"slices"

	"github.com/imago-ml/imago/internal/memory"
)

// A keptPack is the packed form of an array of a state, which stays until the state changes. The programs that update no state
// share it: decoders and encoders of all batch sizes.
type keptPack struct {
	buf     *buffer
	version uint64 // of the state when it was packed; 0 = never
}

// keeps reports whether the packed forms of b are kept: it is an array of the state, and the program updates none.
func (c *compiler) keeps(b *buffer) bool {
	ofState := b.shape != nil
	return ofState && c.parent == nil && !c.check && len(c.f.Updates) == 0
}

// keptPack returns the kept form of a key, which has no memory before allocateKept.
func (c *compiler) keptPack(key packKey, size int) *keptPack {
	k := c.state.kept[key]
	if k == nil {
		k = &keptPack{buf: &buffer{size: size, fixed: true}}
	}
	c.prog.kept = append(c.prog.kept, k)
	c.newPacks[key] = k
	return k
}

// allocateKept gives memory to the kept forms that no other program has, and adds them to the state. It returns a
// *memory.Error, and changes nothing, if there is none.
func (c *compiler) allocateKept() error {
	if c.state.empty {
		return nil
	}
	need := 0
	for _, k := range c.newPacks {
		if k.buf.data == nil {
			need += k.buf.size
		}
	}
	if err := memory.Check(4*int64(need), "the packed parameters of %s", c.f.Name); err != nil {
		return err
	}
	for key, k := range c.newPacks {
		if k.buf.data == nil {
			k.buf.data = newAligned(k.buf.size)
		}
		c.state.kept[key] = k
	}
	return nil
}

// keptFloats returns the size of the kept forms.
func (c *compiler) keptFloats() int {
	n := 0
	for _, k := range c.newPacks {
		n += k.buf.size
	}
	return n
}

// withoutPacks returns the levels without the stages that fill kept forms. The others keep their order, for which plan has
// chosen the memory.
func withoutPacks(levels []level, kept []*keptPack, workers int) []level {
	isKept := map[*buffer]bool{}
	for _, k := range kept {
		isKept[k.buf] = true
	}
	var rest []level
	for _, l := range levels {
		stages := slices.DeleteFunc(slices.Clone(l.stages), func(s *stage) bool { return len(s.writes) == 1 && isKept[s.writes[0]] })
		if len(stages) > 0 {
			rest = append(rest, level{stages: stages, queues: assignTasks(stages, workers)})
		}
	}
	return rest
}

// A schedule is the levels of a program that a run executes. It never changes, so that a worker that comes late reads what was
// to be done when it was called.
type schedule struct {
	prog   *program
	levels []level
}

// scheduleNow returns what the next run has to execute: without packing if the state is what it was.
func (p *program) scheduleNow() *schedule {
	for _, k := range p.kept {
		if k.version != p.state.version {
			return p.whole
		}
	}
	return p.unpacked
}

// ran notes what a run has done to the state: it has changed, or what is kept of it is new.
func (p *program) ran() {
	if p.updates {
		p.state.version++
	}
	for _, k := range p.kept {
		k.version = p.state.version
	}
}
