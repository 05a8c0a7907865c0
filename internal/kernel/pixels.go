package kernel

// ScalePixels sets dst[i] = pix[i]/255, rounded once, for len(dst) pixels: 8-bit levels to [0, 1].
func ScalePixels(dst []float32, pix []uint8) { vecScalePixels(dst, pix[:len(dst)]) }

// pixelScale holds p/255 for each level p.
var pixelScale = func() (t [256]float32) {
	for p := range t {
		t[p] = float32(p) / 255
	}
	return t
}()

// scalePixelsGeneric works on eight pixels at a time, so that the compiler removes the bounds checks.
func scalePixelsGeneric(dst []float32, pix []uint8) {
	for len(pix) >= 8 && len(dst) >= 8 {
		d, p := dst[:8], pix[:8]
		d[0], d[1], d[2], d[3] = pixelScale[p[0]], pixelScale[p[1]], pixelScale[p[2]], pixelScale[p[3]]
		d[4], d[5], d[6], d[7] = pixelScale[p[4]], pixelScale[p[5]], pixelScale[p[6]], pixelScale[p[7]]
		dst, pix = dst[8:], pix[8:]
	}
	for i := range dst {
		dst[i] = pixelScale[pix[i]]
	}
}
