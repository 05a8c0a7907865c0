package eval

import "math"

// The constants of SSIM, for pixels in [0, 1]: an 11×11 Gaussian window of σ = 1.5
// pixels, C₁ = 0.01², C₂ = 0.03². Wang et al. 2004, section III.B.
const (
	ssimWindow = 11
	ssimSigma  = 1.5
	ssimC1     = 0.01 * 0.01
	ssimC2     = 0.03 * 0.03
)

// ssimTaps are the window along one axis; it is their outer product.
var ssimTaps = func() (g [ssimWindow]float64) {
	sum := 0.0
	for i := range g {
		d := float64(i - ssimWindow/2)
		g[i] = math.Exp(-d * d / (2 * ssimSigma * ssimSigma))
		sum += g[i]
	}
	for i := range g {
		g[i] /= sum
	}
	return g
}()

// ssim returns the mean structural similarity of two images over all places where the
// window lies whole inside, and over the channels:
//
//	(2μₓμᵧ + C₁)(2σₓᵧ + C₂) / ((μₓ² + μᵧ² + C₁)(σₓ² + σᵧ² + C₂))
//
// with moments weighted by the window. x (H,W,C), y (H,W,C) in [0, 1] → at most 1,
// which it is of equal images. An image smaller than the window has none: ok is
// false. Wang et al. 2004, eq. 13, without subsampling.
func ssim(x, y []float32, h, w, c int) (mean float64, ok bool) {
	if h < ssimWindow || w < ssimWindow {
		return 0, false
	}
	rows, cols := h-ssimWindow+1, w-ssimWindow+1
	// Per row: the five moments blurred along x, at each of cols places.
	blurred := make([][5]float64, h*cols)
	sum := 0.0
	for ch := range c {
		for i := range h {
			for j := range cols {
				var m [5]float64
				for k, g := range ssimTaps {
					at := (i*w+j+k)*c + ch
					a, b := float64(x[at]), float64(y[at])
					m[0] += g * a
					m[1] += g * b
					m[2] += g * a * a
					m[3] += g * b * b
					m[4] += g * a * b
				}
				blurred[i*cols+j] = m
			}
		}
		for i := range rows {
			for j := range cols {
				var m [5]float64
				for k, g := range ssimTaps {
					for q, v := range blurred[(i+k)*cols+j] {
						m[q] += g * v
					}
				}
				mx, my := m[0], m[1]
				vx, vy, cov := m[2]-mx*mx, m[3]-my*my, m[4]-mx*my
				sum += (2*mx*my + ssimC1) * (2*cov + ssimC2) / ((mx*mx + my*my + ssimC1) * (vx + vy + ssimC2))
			}
		}
	}
	return sum / float64(rows*cols*c), true
}
