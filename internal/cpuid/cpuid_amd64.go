//go:build !purego

package cpuid

import "golang.org/x/sys/cpu"

// x/sys/cpu also asks whether the operating system saves the registers.
var has = func() impl {
	switch x := &cpu.X86; {
	case x.HasAVX512F && x.HasAVX512VL && x.HasAVX512BW && x.HasAVX512DQ && x.HasBMI2 && x.HasAVX2 && x.HasFMA:
		return avx512
	case x.HasAVX2 && x.HasFMA:
		return avx2
	}
	return generic
}()
