//go:build !purego

package cpuid

import "golang.org/x/sys/cpu"

const (
	avx2 impl = 1 + iota
	avx512
)

var names = []string{"generic", "avx2", "avx512"}

// available is the largest set of this processor. Package cpu also checks that the operating system saves the registers.
var available = func() impl {
	switch x := &cpu.X86; {
	case x.HasAVX512F && x.HasAVX512VL && x.HasAVX512BW && x.HasAVX512DQ && x.HasBMI2 && x.HasAVX2 && x.HasFMA:
		return avx512
	case x.HasAVX2 && x.HasFMA:
		return avx2
	}
	return generic
}()

// AVX2FMA reports whether kernels use assembly that needs AVX2 and FMA.
func AVX2FMA() bool { return active >= avx2 }

// AVX512 reports whether kernels use assembly that needs AVX-512 F, VL, BW and DQ.
func AVX512() bool { return active >= avx512 }
