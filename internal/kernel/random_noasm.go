//go:build !amd64 || purego

package kernel

func drawUniform(dst []float32, key [2]uint64, block uint64) { uniformGeneric(dst, key, block) }
func drawNormal(dst []float32, key [2]uint64, block uint64)  { normalGeneric(dst, key, block) }
