package main

import (
	"slices"

	"github.com/mmcloughlin/avo/ir"
)

// A chain of dependent instructions uses a unit of the processor only part of the time, and the scheduler does not look far
// enough ahead to find the next chain. Independent chains are therefore interleaved. A generator calls g.chain() before each
// of them and g.join() after the last.
const (
	chainMark = "chain"
	joinMark  = "join"
)

func (g *gen) chain() { g.Comment(chainMark) }
func (g *gen) join()  { g.Comment(joinMark) }

// interleave replaces marked chains by their instructions in round-robin order.
func interleave(f *ir.File) {
	for _, fn := range f.Functions() {
		var out []ir.Node
		var chains [][]ir.Node
		for _, n := range fn.Nodes {
			switch mark(n) {
			case chainMark:
				chains = append(chains, nil)
			case joinMark:
				out = append(out, roundRobin(chains)...)
				chains = nil
			default:
				if k := len(chains); k > 0 {
					chains[k-1] = append(chains[k-1], n)
				} else {
					out = append(out, n)
				}
			}
		}
		fn.Nodes = out
	}
}

// mark returns the mark that n is, or "".
func mark(n ir.Node) string {
	if c, ok := n.(*ir.Comment); ok && len(c.Lines) == 1 && slices.Contains([]string{chainMark, joinMark}, c.Lines[0]) {
		return c.Lines[0]
	}
	return ""
}

// roundRobin returns the instructions of the chains, one of each chain at a time.
func roundRobin(chains [][]ir.Node) []ir.Node {
	var out []ir.Node
	for i := 0; ; i++ {
		n := len(out)
		for _, c := range chains {
			if i < len(c) {
				out = append(out, c[i])
			}
		}
		if len(out) == n {
			return out
		}
	}
}
