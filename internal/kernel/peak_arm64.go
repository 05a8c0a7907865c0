//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// fmaRoundsNEON computes what fmaRoundsGeneric computes, all chains at once.
//
//go:noescape
func fmaRoundsNEON(n int, x, y float32) (ret float32)

func fmaRounds(n int, x, y float32) float32 {
	if cpuid.NEON() {
		return fmaRoundsNEON(n, x, y)
	}
	return fmaRoundsGeneric(n, x, y)
}
