package vae

import (
	"strconv"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/prob"
)

// PixelCNN are the options of the prior over codes.
type PixelCNN struct {
	PriorFilters int `json:"prior_width" flag:"prior-width" help:"filters of the prior's convolutions"`   // P ≥ 1
	PriorLayers  int `json:"prior_layers" flag:"prior-layers" help:"layers of the prior after its first"` // ≥ 0
}

func (c PixelCNN) validate() []error {
	faults := model.CheckUnits("vae", "PriorFilters", c.PriorFilters)
	if c.PriorLayers < 0 || c.PriorLayers > 64 {
		faults = append(faults, option.Errorf("vae: {PriorLayers} %d: want 0 to 64", c.PriorLayers))
	}
	return faults
}

// pixelCNN is a density of grids of codes, each given those above it and to its left
// (van den Oord, Kalchbrenner & Kavukcuoglu, arXiv:1601.06759, sec. 3.4):
//
//	p(c) = Π_i p(c_i | c_1 … c_(i−1))
//
// by convolutions that see no more than that: the first a 5×5, which does not see the
// code itself, and then 3×3, which see what the first made of it, each added to what
// goes in.
//
// A layer's weights are a matrix, of the taps of its kernel in reading order up to the
// middle. Padded with zeros it is the kernel of a convolution over the grid, for the
// density; as it is, it makes one place of those before it, for drawing. So to draw a
// grid costs what it costs to judge one.
type pixelCNN struct{ PixelCNN }

// A causal layer of the prior has side×side taps, of which those before the middle
// are seen, and the middle too unless it is blind to it.
type causal struct {
	name  string
	side  int
	blind bool
}

func (p pixelCNN) layers() []causal {
	layers := []causal{{"first", 5, true}}
	for i := range p.PriorLayers {
		layers = append(layers, causal{nn.LayerName("masked", i), 3, false})
	}
	return layers
}

// taps returns how many are seen.
func (l causal) taps() int {
	n := l.side * l.side / 2 // those before the middle: the side is odd
	if !l.blind {
		n++
	}
	return n
}

// weights returns (taps·P,P) and (P).
func (p pixelCNN) weights(b *nn.Builder, l causal) (w, bias *graph.Node) {
	return b.Param(l.name+"/kernel", b.Kernel, l.taps()*p.PriorFilters, p.PriorFilters), b.Param(l.name+"/bias", b.Bias, p.PriorFilters)
}

// join returns what a layer makes of its sums y and of what went in.
func (l causal) join(y, in *graph.Node) *graph.Node {
	if l.blind { // in is what is not to be seen
		return graph.ReLU(y)
	}
	return graph.Add(in, graph.ReLU(y))
}

// nll returns −ln p of each grid in nats: codes (B,h,w,K) one-hot → (B).
func (p pixelCNN) nll(b *nn.Builder, codes *graph.Node) *graph.Node {
	b = b.Network("prior")
	s := codes.Shape()
	n, rows, cols, k, f := s[0], s[1], s[2], s[3], p.PriorFilters
	b.Input("input_4", codes)
	flat := graph.Reshape(codes, -1, k)
	h := graph.Reshape(graph.MatMul(flat, p.embedding(b, k)), n, rows, cols, f)
	h = b.Layer("embedding", "Embedding", h, codes)
	for _, l := range p.layers() {
		w, bias := p.weights(b, l)
		all := l.side * l.side * f
		kernel := graph.Pad(w, []int{0, 0}, []int{all - l.taps()*f, 0}, []int{0, 0})
		y := graph.Conv2D(h, graph.Reshape(kernel, l.side, l.side, f, f), graph.ConvConfig{Stride: [2]int{1, 1}, Padding: graph.Same})
		h = b.Layer(l.name, "MaskedConv2D", l.join(graph.Add(y, bias), h), h)
	}
	logits := b.Dense("logits", graph.Reshape(graph.ReLU(h), -1, f), k, nn.None)
	return graph.Sum(graph.Reshape(prob.CategoricalNLL(flat, logits), n, rows*cols), 1)
}

func (p pixelCNN) embedding(b *nn.Builder, k int) *graph.Node {
	return b.Param("embedding/kernel", nn.Normal(0, 1), k, p.PriorFilters)
}

// draw draws n grids: (n,h,w,K), one-hot.
func (p pixelCNN) draw(b *nn.Builder, key *graph.Node, n, rows, cols, k int) *graph.Node {
	return p.placeByPlace(b, n, rows, cols, k, func(i int, logits *graph.Node) *graph.Node {
		return drawn(logits, key, "code "+strconv.Itoa(i))
	})
}

// placeByPlace makes n grids in reading order: choose gives the codes (n,K) of place i,
// which it may take from the logits of p(c_i | c_1 … c_(i−1)).
func (p pixelCNN) placeByPlace(b *nn.Builder, n, rows, cols, k int, choose func(i int, logits *graph.Node) *graph.Node) *graph.Node {
	b = b.Network("prior")
	f := p.PriorFilters
	layers := p.layers()
	none := graph.BroadcastTo(graph.Const(0), n, f)
	// made[d][i] is what goes into layer d at place i, (n,P).
	made := make([][]*graph.Node, len(layers))
	var codes []*graph.Node
	for i := range rows * cols {
		h := none // what goes into the first layer here is not known yet, and not seen by it
		for d, l := range layers {
			if d > 0 {
				made[d] = append(made[d], h)
			}
			var seen []*graph.Node
			for t := range l.taps() {
				r, c := i/cols+t/l.side-l.side/2, i%cols+t%l.side-l.side/2
				if r < 0 || c < 0 || c >= cols {
					seen = append(seen, none)
				} else {
					seen = append(seen, made[d][r*cols+c])
				}
			}
			w, bias := p.weights(b, l)
			h = l.join(graph.Add(graph.MatMul(graph.Concat(1, seen...), w), bias), h)
		}
		code := choose(i, b.Dense("logits", graph.ReLU(h), k, nn.None))
		codes = append(codes, graph.Reshape(code, n, 1, k))
		made[0] = append(made[0], graph.MatMul(code, p.embedding(b, k)))
	}
	return graph.Reshape(graph.Concat(1, codes...), n, rows, cols, k)
}
