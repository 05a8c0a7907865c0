//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// fmaRoundsAVX2 computes what fmaRoundsGeneric computes, all chains at once.
//
//go:noescape
func fmaRoundsAVX2(n int, x, y float32) (ret float32)

func fmaRounds(n int, x, y float32) float32 {
	if cpuid.AVX2FMA() {
		return fmaRoundsAVX2(n, x, y)
	}
	return fmaRoundsGeneric(n, x, y)
}
