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
// by masked convolutions: the first is a 5×5 with mask A, which excludes the code itself,
// and the others are 3×3 with mask B, each added to its input.
//
// The weights of a layer are a matrix of the taps of its kernel in reading order up to
// the middle. Padded with zeros it is the kernel of a convolution over the grid, for the
// density. As it is, it computes one place from those before it, for drawing: to draw a
// grid costs as much as to compute its density.
type pixelCNN struct{ PixelCNN }

// A maskedLayer is a convolution with side×side taps, of which those before the middle
// are used, and with mask B the middle too.
type maskedLayer struct {
	name  string
	side  int
	maskA bool // the middle is excluded
}

func (p pixelCNN) layers() []maskedLayer {
	layers := []maskedLayer{{"first", 5, true}}
	for i := range p.PriorLayers {
		layers = append(layers, maskedLayer{nn.LayerName("masked", i), 3, false})
	}
	return layers
}

// taps returns the number of taps that are used.
func (l maskedLayer) taps() int {
	n := l.side * l.side / 2 // those before the middle: the side is odd
	if !l.maskA {
		n++
	}
	return n
}

// weights returns the kernel (taps·P,P) and the bias (P) of a layer.
func (p pixelCNN) weights(b *nn.Builder, l maskedLayer) (w, bias *graph.Node) {
	return b.Param(l.name+"/kernel", b.Kernel, l.taps()*p.PriorFilters, p.PriorFilters), b.Param(l.name+"/bias", b.Bias, p.PriorFilters)
}

// output returns the output of a layer, given its sums y and its input.
func (l maskedLayer) output(y, in *graph.Node) *graph.Node {
	if l.maskA { // the input must not reach the output
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
		h = b.Layer(l.name, "MaskedConv2D", l.output(graph.Add(y, bias), h), h)
	}
	logits := b.Dense("logits", graph.Reshape(graph.ReLU(h), -1, f), k, nn.None)
	return graph.Sum(graph.Reshape(prob.CategoricalNLL(flat, logits), n, rows*cols), 1)
}

func (p pixelCNN) embedding(b *nn.Builder, k int) *graph.Node {
	return b.Param("embedding/kernel", nn.Normal(0, 1), k, p.PriorFilters)
}

// A gridShape is the shape of some grids of codes.
type gridShape struct{ n, rows, cols, k int }

// sample draws grids: (n,h,w,K), one-hot.
func (p pixelCNN) sample(b *nn.Builder, key *graph.Node, g gridShape) *graph.Node {
	return p.inOrder(b, g, func(i int, logits *graph.Node) *graph.Node {
		return sampleOneHot(logits, key, "code "+strconv.Itoa(i))
	})
}

// inOrder returns grids whose codes are computed one after another in reading order:
// code returns those of place i, (n,K), given the logits of p(c_i | c_1 … c_(i−1)).
func (p pixelCNN) inOrder(b *nn.Builder, g gridShape, code func(i int, logits *graph.Node) *graph.Node) *graph.Node {
	b = b.Network("prior")
	layers := p.layers()
	zero := graph.BroadcastTo(graph.Const(0), g.n, p.PriorFilters)
	inputs := make([][]*graph.Node, len(layers)) // inputs[d][i] is the input of layer d at place i, (n,P)
	var codes []*graph.Node
	for i := range g.rows * g.cols {
		h := zero // the input of the first layer here is not known yet, and masked
		for d, l := range layers {
			if d > 0 {
				inputs[d] = append(inputs[d], h)
			}
			var taps []*graph.Node
			for t := range l.taps() {
				r, c := i/g.cols+t/l.side-l.side/2, i%g.cols+t%l.side-l.side/2
				if r < 0 || c < 0 || c >= g.cols {
					taps = append(taps, zero)
				} else {
					taps = append(taps, inputs[d][r*g.cols+c])
				}
			}
			w, bias := p.weights(b, l)
			h = l.output(graph.Add(graph.MatMul(graph.Concat(1, taps...), w), bias), h)
		}
		next := code(i, b.Dense("logits", graph.ReLU(h), g.k, nn.None))
		codes = append(codes, graph.Reshape(next, g.n, 1, g.k))
		inputs[0] = append(inputs[0], graph.MatMul(next, p.embedding(b, g.k)))
	}
	return graph.Reshape(graph.Concat(1, codes...), g.n, g.rows, g.cols, g.k)
}
