package main

import (
	"slices"

	"github.com/mmcloughlin/avo/ir"
)

// A chain of dependent instructions keeps one unit busy a fraction of the time,
// and the scheduler does not look far enough ahead to find the next chain. So
// chains that are computed side by side are also written side by side:
// g.chain() before each of them, g.join() after the last.
const (
	chainMark = "chain"
	joinMark  = "join"
)

func (g *gen) chain() { g.Comment(chainMark) }
func (g *gen) join()  { g.Comment(joinMark) }

// interleave deals the instructions of marked chains out in turn.
func interleave(f *ir.File) {
	for _, fn := range f.Functions() {
		var out []ir.Node
		var chains [][]ir.Node
		for _, n := range fn.Nodes {
			switch mark(n) {
			case chainMark:
				chains = append(chains, nil)
			case joinMark:
				out = append(out, deal(chains)...)
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

func mark(n ir.Node) string {
	if c, ok := n.(*ir.Comment); ok && len(c.Lines) == 1 && slices.Contains([]string{chainMark, joinMark}, c.Lines[0]) {
		return c.Lines[0]
	}
	return ""
}

func deal(chains [][]ir.Node) []ir.Node {
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
