//go:build !amd64 || purego

package kernel

func vecScalePixels(dst []float32, pix []uint8) { scalePixelsGeneric(dst, pix) }
