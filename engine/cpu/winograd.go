package cpu

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/kernel"
)

// Winograd's convolution computes two results of a convolution with two taps and stride 1, along one axis, with three
// products instead of four, F(2, 2):
//
//	y₀ = d₀g₀ + d₁g₁   m₀ = (d₀ − d₁)·g₀   y₀ = m₀ + m₁
//	y₁ = d₁g₀ + d₂g₁   m₁ = d₁·(g₀ + g₁)   y₁ = m₁ − m₂
//	                   m₂ = (d₁ − d₂)·g₁
//
// Nested along both axes, it needs nine products instead of sixteen for a tile of 2×2 results. The products are surrounded
// by additions only, so rounding errors grow little. With channels, each product is a matrix product over all tiles (Lavin &
// Gray, arXiv:1509.09308).
//
// By the polyphase decomposition, a convolution with stride s is the sum of s·s convolutions with stride 1, one for each
// component: the taps with equal positions modulo s. Its adjoint with respect to the image is s·s convolutions with stride 1
// that compute different pixels, one for each row and column modulo s. Components with one or two taps along each axis have
// Winograd's form; these are all components of a 4×4 or a 3×3 kernel with stride 2. A single tap has two products for two
// results, y₀ = m₀ and y₁ = −m₂ with m₁ = 0, so that kernels of odd lengths can also add up the products of their components.

// A phase is a polyphase component of a convolution along one axis: the taps that make a convolution with stride 1. Result o
// reads source pixel step·(o + a) + first for tap a of the component.
type phase struct {
	taps        []int // one or two positions in the kernel
	first, step int
}

// polyphase returns the polyphase components, along one axis, of a convolution of an image of length in with a kernel of length
// k, or of its adjoint with respect to the image. It returns ok = false if a component has no tap or more than two.
func polyphase(cfg graph.ConvConfig, axis, in, k int, adjoint bool) (out []phase, ok bool) {
	s := cfg.Stride[axis]
	_, lo, _ := cfg.Window(axis, in, k)
	if !adjoint {
		for p := range min(s, k) {
			component := phase{first: p - lo, step: s}
			for t := p; t < k; t += s {
				component.taps = append(component.taps, t)
			}
			if len(component.taps) > 2 {
				return nil, false
			}
			out = append(out, component)
		}
		return out, true
	}
	for p := range min(s, in) {
		component := phase{step: 1}
		for t := k - 1; t >= 0; t-- {
			if mod(p+lo-t, s) == 0 {
				component.taps = append(component.taps, t)
			}
		}
		if len(component.taps) == 0 || len(component.taps) > 2 {
			return nil, false
		}
		component.first = floorDiv(p+lo-component.taps[0], s)
		out = append(out, component)
	}
	return out, true
}

// A factor describes one of the three products of a component. The factors of the product for tile t are the source pixel
// step·(2t + from) + first and the sum of taps.
type factor struct {
	from int
	diff bool // whether the next source pixel is subtracted
	taps []int
	neg  bool // whether the sum of taps is negated
}

// factor returns the description of product m = 0, 1, 2. It returns ok = false if the component does not have this product.
func (s phase) factor(m int) (f factor, ok bool) {
	switch {
	case len(s.taps) == 2:
		return [3]factor{{0, true, s.taps[:1], false}, {1, false, s.taps, false}, {1, true, s.taps[1:], false}}[m], true
	case m == 1:
		return f, false
	}
	return factor{from: m / 2, taps: s.taps, neg: m == 2}, true
}

// sourcePixel returns the index of the first source pixel of a factor for a tile.
func (s phase) sourcePixel(f factor, tile int) int { return s.step*(2*tile+f.from) + s.first }

// A term is a matrix of the kernel that is added or subtracted.
type term struct {
	tap
	neg bool
}

// A weightSum is a matrix of a product, (k, n): a sum of matrices of the kernel. Its panels, of the given number of rows, start
// at an offset of the packed kernel.
type weightSum struct {
	terms        []term
	offset, rows int
}

// productWeights returns the matrix of the product of two factors.
func productWeights(f, g factor) weightSum {
	var s weightSum
	for _, p := range f.taps {
		for _, q := range g.taps {
			s.terms = append(s.terms, term{tap{p, q}, f.neg != g.neg})
		}
	}
	return s
}

// packRows is the number of rows of a matrix that are summed at a time before they are packed. For an adjoint they are one
// panel.
const packRows = kernel.PanelCols

// A winoKernel is a packed kernel: the matrices of each pair of components, which are sums of the same taps.
type winoKernel struct {
	pairs   [][]weightSum
	size    int
	shape   graph.Shape // of the kernel
	adjoint bool
}

// packTaskRows is the number of rows of the kernel that a task packs for a pair.
const packTaskRows = 4 * packRows

// tasks returns the number of tasks.
func (k *winoKernel) tasks() int { return len(k.pairs) * k.chunks() }

// chunks returns the number of tasks of a pair.
func (k *winoKernel) chunks() int { return (k.shape[2] + packTaskRows - 1) / packTaskRows }

// scratch returns the size of the scratch memory of pack in float32.
func (k *winoKernel) scratch() int { return packRows * k.shape[3] }

// pack executes a task.
func (k *winoKernel) pack(dst, w, scratch []float32, task int) {
	ci, first := k.shape[2], task%k.chunks()*packTaskRows
	for i := first; i < min(first+packTaskRows, ci); i += packRows {
		for _, s := range k.pairs[task/k.chunks()] {
			k.packRows(dst[s.offset:], w, scratch, &s, i, min(packRows, ci-i))
		}
	}
}

// packRows packs rows of a matrix, from row i on, in panels.
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

// The costs of moving data, in vector operations of eight float32. They were measured with BenchmarkConvForms and are added to
// the costs of the products themselves, of which a processor computes two at a time.
const (
	costMove        = 4  // of an operand or result of a product of a convolution
	costGather      = 8  // of an operand of a product of a filter gradient
	costPack        = 6  // of a packed weight
	minWinoChannels = 16 // with fewer channels, moving them costs more than multiplying them
)

// A convForm is a method to compute convolutions; tests choose one.
type convForm int

const (
	cheapestForm convForm = iota
	directForm
	winogradForm
)

// usesWinograd reports whether Winograd's form is used; cheaper is whether it costs less than the direct form.
func (f convForm) usesWinograd(cheaper bool) bool {
	return f == winogradForm || f == cheapestForm && cheaper
}

// lowerWinograd returns the root that computes n in Winograd's form, or nil if n does not have this form or the direct one is
// cheaper.
func (c *compiler) lowerWinograd(n *graph.Node, s *stage) root {
	switch n.Op() {
	case graph.OpConv2D, graph.OpConv2DInputGrad:
		return c.lowerWinoConv(n, s)
	case graph.OpConv2DFilterGrad:
		return c.lowerWinoFilter(n, s)
	}
	return nil
}

// key returns the key of the packed form of the kernel in b.
func (k *winoKernel) key(b *buffer) packKey {
	return packKey{b, fmt.Sprint("winograd ", k.adjoint, k.shape, k.pairs)}
}
