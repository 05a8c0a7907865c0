package vae

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/nn"
)

// dilated is the decoder of Yang, Hu, Salakhutdinov & Berg-Kirkpatrick, arXiv:1702.08139, sec. 3.2: residual blocks
//
//	x ← x + W_2·relu(w ⋆ relu(W_1·relu(x)))
//
// of dilated causal convolutions w of 3 taps. The dilations are 1, 2, 4, 8, 16, and from 1 on again. How much of the
// text before a step is read is what tells how far the decoder can do without the code.
type dilated struct {
	filters []int // of the convolution of each block; x has twice those of the first one
}

const (
	dilatedTaps  = 3
	dilatedCycle = 5 // blocks after which the dilation is 1 again
)

// dilation returns that of block i.
func (dilated) dilation(i int) int { return 1 << (i % dilatedCycle) }

// blocks returns the output of all blocks, of which block i is convolved by convolve.
func (d dilated) blocks(dec *nn.Builder, x *graph.Node, convolve func(i int, x *graph.Node) *graph.Node) *graph.Node {
	wide := 2 * d.filters[0]
	x = eachStep(dec, "wide", x, wide, nn.None)
	for i, n := range d.filters {
		h := eachStep(dec, nn.LayerName("narrow", i), nn.ReLU(x), n, nn.ReLU)
		h = convolve(i, h)
		x = graph.Add(x, eachStep(dec, nn.LayerName("wide", i+1), h, wide, nn.None))
	}
	return nn.ReLU(x)
}

// convolution returns the convolution of block i over steps that are dilation apart.
func (d dilated) convolution(dec *nn.Builder, i int, x *graph.Node, dilation int) *graph.Node {
	return dec.CausalConv1D(nn.LayerName("causal_conv1d", i), x, d.filters[i], dilatedTaps, dilation, nn.ReLU)
}

func (d dilated) whole(dec *nn.Builder, x *graph.Node, _ []*graph.Node) *graph.Node {
	return d.blocks(dec, x, func(i int, x *graph.Node) *graph.Node { return d.convolution(dec, i, x, d.dilation(i)) })
}

// begin returns what the convolution of each block has read: zeros, for the steps that its taps span.
func (d dilated) begin(_ *nn.Builder, z *graph.Node) []*graph.Node {
	var states []*graph.Node
	for i, n := range d.filters {
		states = append(states, graph.BroadcastTo(graph.Const(0), z.Shape()[0], (dilatedTaps-1)*d.dilation(i)*n))
	}
	return states
}

func (d dilated) step(dec *nn.Builder, x *graph.Node, states []*graph.Node) (y *graph.Node, next []*graph.Node) {
	batch := x.Shape()[0]
	y = d.blocks(dec, x, func(i int, x *graph.Node) *graph.Node {
		n, apart := d.filters[i], d.dilation(i)
		span := (dilatedTaps - 1) * apart
		all := graph.Concat(1, graph.Reshape(states[i], batch, span, n), x)
		next = append(next, graph.Reshape(later(all, 1), batch, span*n))
		taps := graph.Slice(all, []int{0, 0, 0}, all.Shape(), []int{1, apart, 1})
		return later(d.convolution(dec, i, taps, 1), dilatedTaps-1)
	})
	return y, next
}
