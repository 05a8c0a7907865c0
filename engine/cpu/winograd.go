package cpu

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/kernel"
)

// Winograd's convolution. Along one axis, two results of a convolution with two
// taps and stride 1 take three products rather than four, F(2, 2):
//
//	y₀ = d₀g₀ + d₁g₁   m₀ = (d₀ − d₁)·g₀   y₀ = m₀ + m₁
//	y₁ = d₁g₀ + d₂g₁   m₁ = d₁·(g₀ + g₁)   y₁ = m₁ − m₂
//	                   m₂ = (d₁ − d₂)·g₁
//
// and along both axes, one nested in the other, nine rather than sixteen for a
// tile of 2×2. Only additions surround the products, so rounding grows little.
// With channels a product is a matrix product over all tiles at once
// (Lavin & Gray, arXiv:1509.09308).
//
// A convolution with stride s is the sum of s·s convolutions with stride 1, by
// tap modulo s; its adjoint in the image is s·s convolutions with stride 1 that
// make pixels of their own, by pixel modulo s. Those of one or two taps an axis
// have this form: all of a 4×4 or 3×3 kernel with stride 2. A single tap has two
// products for two results, y₀ = m₀ and y₁ = −m₂ with m₁ = 0, so that kernels of
// an odd length can add up their products all the same.

// A strand is the taps of one axis that make a convolution with stride 1:
// result o reads source pixel step·(o + a) + first under its tap a.
type phase struct {
	taps        []int // places in the kernel, one or two
	first, step int
}

// strands lists the strands of a convolution of an image of length in with a
// kernel of length k, or of its adjoint in the image; ok is false if one has no
// tap or more than two.
func polyphase(cfg graph.ConvConfig, axis, in, k int, adjoint bool) (out []phase, ok bool) {
	s := cfg.Stride[axis]
	_, lo, _ := cfg.Window(axis, in, k)
	if !adjoint {
		for p := range min(s, k) {
			st := phase{first: p - lo, step: s}
			for t := p; t < k; t += s {
				st.taps = append(st.taps, t)
			}
			if len(st.taps) > 2 {
				return nil, false
			}
			out = append(out, st)
		}
		return out, true
	}
	for p := range min(s, in) {
		st := phase{step: 1}
		for t := k - 1; t >= 0; t-- {
			if mod(p+lo-t, s) == 0 {
				st.taps = append(st.taps, t)
			}
		}
		if len(st.taps) == 0 || len(st.taps) > 2 {
			return nil, false
		}
		st.first = floorDiv(p+lo-st.taps[0], s)
		out = append(out, st)
	}
	return out, true
}

// A factor is what a strand has in one of the three products: of tile t the
// source pixel step·(2t + from) + first, less the next one if diff, times the sum
// of taps, or less it if neg.
type factor struct {
	from int
	diff bool
	taps []int
	neg  bool
}

// factor returns that of product m; ok is false if the strand has none there.
func (s phase) factor(m int) (f factor, ok bool) {
	switch {
	case len(s.taps) == 2:
		return [3]factor{{0, true, s.taps[:1], false}, {1, false, s.taps, false}, {1, true, s.taps[1:], false}}[m], true
	case m == 1:
		return f, false
	}
	return factor{from: m / 2, taps: s.taps, neg: m == 2}, true
}

// pixel returns the first source pixel of a factor.
func (s phase) sourcePixel(f factor, tile int) int { return s.step*(2*tile+f.from) + s.first }

// A term is a matrix of the kernel, added or subtracted.
type term struct {
	tap
	neg bool
}

// A weightSum is a matrix that the products need, k·n, and where its panels
// begin in the packed kernel, each of which has rows rows.
type weightSum struct {
	terms    []term
	at, rows int
}

// sumOf returns the matrix of a product of two factors.
func productWeights(f, g factor) weightSum {
	var s weightSum
	for _, p := range f.taps {
		for _, q := range g.taps {
			s.terms = append(s.terms, term{tap{p, q}, f.neg != g.neg})
		}
	}
	return s
}

// packRows is how many rows of a matrix are summed at a time before they are
// packed; of an adjoint they make one panel.
const packRows = kernel.PanelCols

// A winoKernel is a packed kernel: the matrices of each pair of strands, which
// are made of the same taps.
type winoKernel struct {
	pairs   [][]weightSum
	size    int
	shape   graph.Shape // of the kernel
	adjoint bool
}

// packTask is how many rows of the kernel a task packs for a pair.
const packTaskRows = 4 * packRows

func (k *winoKernel) tasks() int { return len(k.pairs) * k.chunks() }

func (k *winoKernel) chunks() int { return (k.shape[2] + packTaskRows - 1) / packTaskRows }

// scratch returns how many float32 pack needs.
func (k *winoKernel) scratch() int { return packRows * k.shape[3] }

// pack does a task.
func (k *winoKernel) pack(dst, w, scratch []float32, task int) {
	ci, first := k.shape[2], task%k.chunks()*packTaskRows
	for i := first; i < min(first+packTaskRows, ci); i += packRows {
		for _, s := range k.pairs[task/k.chunks()] {
			k.packRows(dst[s.at:], w, scratch, &s, i, min(packRows, ci-i))
		}
	}
}

// packRows lays rows of a matrix from row i on out in panels.
func (k *winoKernel) packRows(dst, w, scratch []float32, s *weightSum, i, rows int) {
	kw, ci, co := k.shape[1], k.shape[2], k.shape[3]
	sum := scratch[:rows*co]
	for t, tm := range s.terms {
		x := w[((tm.p*kw+tm.q)*ci+i)*co:][:rows*co]
		switch {
		case t == 0 && tm.neg:
			kernel.Neg(sum, x)
		case t == 0:
			copy(sum, x)
		case tm.neg:
			kernel.Sub(sum, sum, x)
		default:
			kernel.AddTo(sum, x)
		}
	}
	if k.adjoint {
		kernel.PackBT(dst[i*s.rows:], sum, co, rows, co)
		return
	}
	for j := 0; j < co; j += kernel.PanelCols {
		kernel.PackB(dst[j*s.rows+i*kernel.PanelCols:], sum[j:], rows, min(kernel.PanelCols, co-j), co)
	}
}

// Costs in vector operations of eight float32, measured with BenchmarkConvForms:
// what goes in and out of a product, of a convolution and of a filter gradient,
// and a packed kernel, beside the product's own, of which a processor does two at
// a time.
const (
	costMove        = 4
	costGather      = 8
	costPack        = 6
	minWinoChannels = 16 // channels; with fewer, moving them costs more than multiplying them
)

// A convForm says which of the forms of a convolution is taken; tests force one.
type convForm int

const (
	cheapestForm convForm = iota
	directForm
	winogradForm
)

// chooses reports whether it is Winograd's.
func (f convForm) usesWinograd(cheaper bool) bool {
	return f == winogradForm || f == cheapestForm && cheaper
}

// lowerWinograd makes what computes n in this form, or nil if it has none or the
// direct one is cheaper.
func (c *compiler) lowerWinograd(n *graph.Node, s *stage) root {
	switch n.Op() {
	case graph.OpConv2D, graph.OpConv2DInputGrad:
		return c.lowerWinoConv(n, s)
	case graph.OpConv2DFilterGrad:
		return c.lowerWinoFilter(n, s)
	}
	return nil
}

// key names the packed form of the kernel in b.
func (k *winoKernel) key(b *buffer) packKey {
	return packKey{b, fmt.Sprint("winograd ", k.adjoint, k.shape, k.pairs)}
}
