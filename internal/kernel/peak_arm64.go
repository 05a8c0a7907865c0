//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// fmaRoundsNEON computes what fmaRoundsGeneric computes, all chains at once.
//
//go:noescape
func fmaRoundsNEON(n int, x, y float32) (ret float32)

func fmaUnits() []Unit {
	if cpuid.NEON() {
		return []Unit{{"neon", 12 * 8 * 2, fmaRoundsNEON, Sum}}
	}
	return []Unit{genericUnit}
}
