//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// numbersPerLoop is the number of random numbers that the assembly computes at a time; len(dst) must be a multiple of it. c2
// and c3 are the upper words of the counters.
const numbersPerLoop = 32

//go:noescape
func uniformAVX2(dst []float32, k0, k1, c2, c3 uint32, block uint64)

func drawUniform(dst []float32, key [2]uint64, block uint64) {
	if !cpuid.AVX2FMA() {
		uniformGeneric(dst, key, block)
		return
	}
	k0, k1, c2, c3 := uint32(key[0]), uint32(key[0]>>32), uint32(key[1]), uint32(key[1]>>32)
	n := len(dst) / numbersPerLoop * numbersPerLoop
	uniformAVX2(dst[:n], k0, k1, c2, c3, block)
	if n < len(dst) {
		var rest [numbersPerLoop]float32
		uniformAVX2(rest[:], k0, k1, c2, c3, block+uint64(n/4))
		copy(dst[n:], rest[:])
	}
}

//go:noescape
func normalAVX2(dst []float32, k0, k1, c2, c3 uint32, block uint64)

func drawNormal(dst []float32, key [2]uint64, block uint64) {
	if !cpuid.AVX2FMA() {
		normalGeneric(dst, key, block)
		return
	}
	k0, k1, c2, c3 := uint32(key[0]), uint32(key[0]>>32), uint32(key[1]), uint32(key[1]>>32)
	n := len(dst) / numbersPerLoop * numbersPerLoop
	normalAVX2(dst[:n], k0, k1, c2, c3, block)
	if n < len(dst) {
		var rest [numbersPerLoop]float32
		normalAVX2(rest[:], k0, k1, c2, c3, block+uint64(n/4))
		copy(dst[n:], rest[:])
	}
}
