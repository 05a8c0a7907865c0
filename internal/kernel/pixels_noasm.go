//go:build !amd64 || purego

package kernel

func vecUnit(dst []float32, pix []uint8) { unitGeneric(dst, pix) }
