package cpu

import (
	"fmt"

	"github.com/imago-ml/imago/graph"
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
type strand struct {
	taps        []int // places in the kernel, one or two
	first, step int
}

// strands lists the strands of a convolution of an image of length in with a
// kernel of length k, or of its adjoint in the image; ok is false if one has no
// tap or more than two.
func strands(cfg graph.ConvConfig, axis, in, k int, adjoint bool) (out []strand, ok bool) {
	s := cfg.Stride[axis]
	_, lo, _ := cfg.Window(axis, in, k)
	if !adjoint {
		for p := range min(s, k) {
			st := strand{first: p - lo, step: s}
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
		st := strand{step: 1}
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

// factor is that of product m; ok is false if the strand has none there.
func (s strand) factor(m int) (f factor, ok bool) {
	switch {
	case len(s.taps) == 2:
		return [3]factor{{0, true, s.taps[:1], false}, {1, false, s.taps, false}, {1, true, s.taps[1:], false}}[m], true
	case m == 1:
		return f, false
	}
	return factor{from: m / 2, taps: s.taps, neg: m == 2}, true
}

// pixel is the first source pixel of a factor.
func (s strand) pixel(f factor, tile int) int { return s.step*(2*tile+f.from) + s.first }

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

// sumOf is the matrix of a product of two factors.
func sumOf(f, g factor) weightSum {
	var s weightSum
	for _, p := range f.taps {
		for _, q := range g.taps {
			s.terms = append(s.terms, term{tap{p, q}, f.neg != g.neg})
		}
	}
	return s
}

// packRows is how many rows of a matrix are summed at a time before they are
// packed; the adjoint's make one panel.
const packRows = kernel.PanelCols

// pack lays a matrix out in panels. ws is the kernel's shape; scratch has
// packRows of its rows.
func (s *weightSum) pack(dst, w, scratch []float32, ws graph.Shape, adjoint bool) {
	ci, co := ws[2], ws[3]
	for i := 0; i < ci; i += packRows {
		rows := min(packRows, ci-i)
		sum := scratch[:rows*co]
		for t, tm := range s.terms {
			x := w[((tm.p*ws[1]+tm.q)*ci+i)*co:][:rows*co]
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
		if adjoint {
			kernel.PackBT(dst[s.at+i*s.rows:], sum, co, rows, co)
			continue
		}
		for j := 0; j < co; j += kernel.PanelCols {
			kernel.PackB(dst[s.at+j*s.rows+i*kernel.PanelCols:], sum[j:], rows, min(kernel.PanelCols, co-j), co)
		}
	}
}

// Costs in vector operations of eight float32, measured: what goes in and out of
// a product, and a packed kernel, beside the product's own, of which a processor
// does two at a time.
const (
	costMove   = 4
	costPack   = 6
	fewestWino = 16 // channels; with fewer, moving them costs more than multiplying them
)

// A convForm says which of the forms of a convolution is taken; tests force one.
type convForm int

const (
	cheaperForm convForm = iota
	directForm
	winogradForm
)

// chooses reports whether it is Winograd's.
func (f convForm) chooses(cheaper bool) bool { return f == winogradForm || f == cheaperForm && cheaper }

// lowerWinograd makes what computes n in this form, or nil if it has none or the
// direct one is cheaper.
func (c *compiler) lowerWinograd(n *graph.Node, s *stage) anchor {
	switch n.Op() {
	case graph.OpConv2D, graph.OpConv2DInputGrad:
		return c.lowerWinoConv(n, s)
	case graph.OpConv2DFilterGrad:
		return c.lowerWinoFilter(n, s)
	}
	return nil
}

// winoKey names the packed kernel of a node.
func winoKey(b *buffer, n *graph.Node, sums []*weightSum) packKey {
	form := fmt.Sprint(n.Op(), " winograd ", n.In()[1].Shape())
	for _, s := range sums {
		form += fmt.Sprint(s.terms, s.at)
	}
	return packKey{b, form}
}
