//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// dot1 computes tiles of one inner product, dot2 tiles of two, and so on.
//
//go:noescape
func dot1(a *DotArgs)

//go:noescape
func dot2(a *DotArgs)

//go:noescape
func dot3(a *DotArgs)

//go:noescape
func dot4(a *DotArgs)

//go:noescape
func dot5(a *DotArgs)

//go:noescape
func dot6(a *DotArgs)

func dot(mr int, a *DotArgs) {
	if !cpuid.AVX2FMA() {
		dotGeneric(mr, a)
		return
	}
	switch mr {
	case 6:
		dot6(a)
	case 5:
		dot5(a)
	case 4:
		dot4(a)
	case 3:
		dot3(a)
	case 2:
		dot2(a)
	case 1:
		dot1(a)
	}
}
