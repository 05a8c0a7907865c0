//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// fmaRoundsAVX2 computes what fmaRoundsGeneric computes, all chains at once.
//
//go:noescape
func fmaRoundsAVX2(n int, x, y float32) (ret float32)

// fmaRoundsAVX512 has twice as many chains of twice as many numbers.
//
//go:noescape
func fmaRoundsAVX512(n int, x, y float32) (ret float32)

// readAVX2 adds up the whole rounds of 96 numbers of x.
//
//go:noescape
func readAVX2(x []float32) (ret float32)

// readAVX512 adds up the whole rounds of 384 numbers of x.
//
//go:noescape
func readAVX512(x []float32) (ret float32)

func fmaUnits() []Unit {
	units := []Unit{{"avx2", 12 * 8 * 2, fmaRoundsAVX2, readAVX2}, {"avx512", 24 * 16 * 2, fmaRoundsAVX512, readAVX512}}
	switch {
	case cpuid.AVX512():
		return units
	case cpuid.AVX2FMA():
		return units[:1]
	}
	return []Unit{genericUnit}
}
