package kernel

// Unit sets dst[i] = pix[i]/255, rounded once, for len(dst) pixels.
func Unit(dst []float32, pix []uint8) { vecUnit(dst, pix[:len(dst)]) }

var unit = func() (t [256]float32) {
	for p := range t {
		t[p] = float32(p) / 255
	}
	return t
}()

// unitGeneric goes eight at a time: without the checks of bounds a value costs a
// load and a store.
func unitGeneric(dst []float32, pix []uint8) {
	for len(pix) >= 8 && len(dst) >= 8 {
		d, p := dst[:8], pix[:8]
		d[0], d[1], d[2], d[3] = unit[p[0]], unit[p[1]], unit[p[2]], unit[p[3]]
		d[4], d[5], d[6], d[7] = unit[p[4]], unit[p[5]], unit[p[6]], unit[p[7]]
		dst, pix = dst[8:], pix[8:]
	}
	for i := range dst {
		dst[i] = unit[pix[i]]
	}
}
