//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// dot1 computes tiles of one inner product, dot2 tiles of two, and so on. dot2z to dot6z do so with AVX-512.

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

//go:noescape
func dot2z(a *DotArgs)

//go:noescape
func dot3z(a *DotArgs)

//go:noescape
func dot4z(a *DotArgs)

//go:noescape
func dot5z(a *DotArgs)

//go:noescape
func dot6z(a *DotArgs)

func dot(mr int, a *DotArgs) {
	switch {
	case cpuid.AVX512():
		dotBy16(mr, a)
	case cpuid.AVX2FMA():
		dotBy8(mr, a)
	default:
		dotGeneric(mr, a)
	}
}

func dotBy8(mr int, a *DotArgs) {
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

func dotBy16(mr int, a *DotArgs) {
	switch mr {
	case 6:
		dot6z(a)
	case 5:
		dot5z(a)
	case 4:
		dot4z(a)
	case 3:
		dot3z(a)
	case 2:
		dot2z(a)
	case 1:
		dot1(a)
	}
}
