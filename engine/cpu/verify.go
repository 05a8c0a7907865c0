package cpu

import (
	"fmt"
	"unsafe"
)

// verify panics unless every level can run in any order: what one stage of a
// level writes, no other stage of it reads or writes, and what a later level
// still reads is not overwritten before. It runs under invariants only.
func (p *program) verify() {
	type span struct{ lo, hi uintptr }
	where := func(b *buffer) span {
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
						if overlap(where(w), where(b)) {
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
	// The writer of what each stage reads must be the last to have written there.
	type write struct {
		b  *buffer
		at span
	}
	var live []write
	for i := range p.levels {
		for _, s := range p.levels[i].stages {
			for _, r := range s.reads {
				if r.fixed || p.sharedBufs[r] {
					continue
				}
				at, ok := where(r), false
				for j := len(live) - 1; j >= 0 && !ok; j-- {
					if live[j].b == r {
						ok = true
					} else if overlap(live[j].at, at) {
						break
					}
				}
				if !ok {
					panic(fmt.Sprintf("cpu: %s: level %d: %s reads what is not there\n%v", p.name, i, s.name, p))
				}
			}
		}
		for _, s := range p.levels[i].stages {
			for _, w := range outputs(s) {
				live = append(live, write{w, where(w)})
			}
		}
	}
}

// verify panics unless every body is sound in itself.
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
