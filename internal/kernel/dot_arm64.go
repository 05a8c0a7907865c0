//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// dotNEON computes tiles of mr inner products.
//
//go:noescape
func dotNEON(mr int, a *DotArgs)

func dot(mr int, a *DotArgs) {
	if cpuid.NEON() {
		dotNEON(mr, a)
	} else {
		dotGeneric(mr, a)
	}
}
