package vae

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/nn"
)

// transformer is a decoder of self-attention, Vaswani et al., arXiv:1706.03762, with layer normalisation before each
// part, Xiong et al., arXiv:2002.04745, and learned positions:
//
//	x ← x + attention(norm(x))    x ← x + W_2·relu(W_1·norm(x))
//
// W_1 has four times the units of x. As in Li et al., arXiv:2004.04092, sec. 3.2, each step is given the code beside
// its token.
type transformer struct {
	layers, units int
	steps         int // T
}

// headUnits are those of a head of attention, as in Vaswani et al.; a layer of fewer units has one head.
const headUnits = 64

// blocks returns the output of all blocks for steps at the positions of that index, (n,) or (B,n), whose block i attends
// by attend.
func (f transformer) blocks(dec *nn.Builder, x, positions *graph.Node, attend func(i int, x *graph.Node) *graph.Node) *graph.Node {
	x = eachStep(dec, "width", x, f.units, nn.None)
	x = graph.Add(x, dec.Embedding("positions", positions, f.steps, f.units, nn.Normal(0, 0.02)))
	norms := 0
	norm := func(x *graph.Node) *graph.Node {
		norms++
		return dec.LayerNorm(nn.LayerName("layer_normalization", norms-1), x)
	}
	for i := range f.layers {
		x = graph.Add(x, attend(i, norm(x)))
		h := eachStep(dec, nn.LayerName("feed_forward", 2*i), norm(x), 4*f.units, nn.ReLU)
		x = graph.Add(x, eachStep(dec, nn.LayerName("feed_forward", 2*i+1), h, f.units, nn.None))
	}
	return norm(x)
}

// attention returns what the steps of x read in memory.
func (f transformer) attention(dec *nn.Builder, i int, x, memory *graph.Node, causal bool, mask *graph.Node) *graph.Node {
	return dec.Attention(nn.LayerName("attention", i), x, memory, max(1, f.units/headUnits), causal, mask)
}

// ramp returns 0, 1, … of all steps: (1,T).
func (f transformer) ramp() *graph.Node {
	all := make([]float32, f.steps)
	for t := range all {
		all[t] = float32(t)
	}
	return graph.ConstOf(all, 1, f.steps)
}

func (f transformer) whole(dec *nn.Builder, x *graph.Node, _ []*graph.Node) *graph.Node {
	return f.blocks(dec, x, f.ramp(), func(i int, x *graph.Node) *graph.Node { return f.attention(dec, i, x, x, true, nil) })
}

// begin returns the number of steps before, and for each block the last T steps that it attends to, of which none is yet.
func (f transformer) begin(_ *nn.Builder, z *graph.Node) []*graph.Node {
	batch := z.Shape()[0]
	states := []*graph.Node{graph.BroadcastTo(graph.Const(0), batch, 1)}
	for range f.layers {
		states = append(states, graph.BroadcastTo(graph.Const(0), batch, f.steps*f.units))
	}
	return states
}

func (f transformer) step(dec *nn.Builder, x *graph.Node, states []*graph.Node) (y *graph.Node, next []*graph.Node) {
	batch, before := x.Shape()[0], states[0]
	next = []*graph.Node{graph.AddScalar(before, 1)}
	// The steps so far are the last ones of a memory.
	mask := graph.Greater(f.ramp(), graph.Sub(graph.Const(float64(f.steps)-1.5), before))
	y = f.blocks(dec, x, before, func(i int, x *graph.Node) *graph.Node {
		memory := graph.Concat(1, later(graph.Reshape(states[1+i], batch, f.steps, f.units), 1), x)
		next = append(next, graph.Reshape(memory, batch, f.steps*f.units))
		return f.attention(dec, i, x, memory, false, mask)
	})
	return y, next
}
