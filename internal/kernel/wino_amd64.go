//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// combine1 computes Combine with one term, combine2 with two, combine4 with four; they ignore a.Terms.
//
//go:noescape
func combine1(a *CombineArgs)

//go:noescape
func combine2(a *CombineArgs)

//go:noescape
func combine4(a *CombineArgs)

//go:noescape
func inverseAVX2(a *InverseArgs)

//go:noescape
func inverseAVX512(a *InverseArgs)

func combine(a *CombineArgs) {
	switch {
	case !cpuid.AVX2FMA():
		combineGeneric(a)
	case a.Terms == 1:
		combine1(a)
	case a.Terms == 2:
		combine2(a)
	default:
		combine4(a)
	}
}

func inverse(a *InverseArgs) {
	switch {
	case cpuid.AVX512():
		inverseAVX512(a)
	case cpuid.AVX2FMA():
		inverseAVX2(a)
	default:
		inverseGeneric(a)
	}
}
