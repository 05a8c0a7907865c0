package cpu

import (
	"fmt"
	"unsafe"
)

// verify panics unless the stages of each level can run in any order: no stage reads or writes memory that another stage of
// the level writes, and no value is overwritten before the last level that reads it. It runs only under invariants.
func (p *program) verify() {
	type span struct{ lo, hi uintptr }
	spanOf := func(b *buffer) span {
		if len(b.data) == 0 {
			return span{}
		}
		lo := uintptr(unsafe.Pointer(&b.data[0]))
		return span{lo, lo + uintptr(len(b.data))*4}
	}
	overlap := func(a, b span) bool { return a.lo < b.hi && b.lo < a.hi }
	outputs := func(s *stage) []*buffer {
		out := append(append([]*buffer{}, s.writes...), s.temps...)
		if s.commit != nil {
			out = append(out, s.commit)
		}
		return out
	}
	for i := range p.levels {
		for _, s := range p.levels[i].stages {
			for _, w := range outputs(s) {
				for _, t := range p.levels[i].stages {
					if t == s {
						continue
					}
					for _, b := range append(outputs(t), t.reads...) {
						if overlap(spanOf(w), spanOf(b)) {
							panic(fmt.Sprintf("cpu: %s: level %d: %s and %s share memory\n%v", p.name, i, s.name, t.name, p))
						}
					}
				}
			}
		}
	}
	for i := range p.levels {
		for _, s := range p.levels[i].stages {
			if s.shards != nil {
				s.shards.verify()
			}
		}
	}
	// The last stage that has written to the memory of a buffer must be the one that computes its value.
	type write struct {
		b  *buffer
		to span
	}
	var writes []write
	for i := range p.levels {
		for _, s := range p.levels[i].stages {
			for _, r := range s.reads {
				if r.fixed || p.sharedBufs[r] {
					continue
				}
				from, ok := spanOf(r), false
				for j := len(writes) - 1; j >= 0 && !ok; j-- {
					if writes[j].b == r {
						ok = true
					} else if overlap(writes[j].to, from) {
						break
					}
				}
				if !ok {
					panic(fmt.Sprintf("cpu: %s: level %d: %s reads a value that is not in memory\n%v", p.name, i, s.name, p))
				}
			}
		}
		for _, s := range p.levels[i].stages {
			for _, w := range outputs(s) {
				writes = append(writes, write{w, spanOf(w)})
			}
		}
	}
}

// verify panics unless all bodies pass program.verify.
func (sh *shardRunner) verify() {
	for _, bodies := range sh.bodies {
		for _, b := range bodies {
			if b != nil {
				b.prog.arena.bind(newAligned(b.prog.arena.size))
				b.bindViews(0, 0, true)
				b.prog.verify()
			}
		}
	}
}
