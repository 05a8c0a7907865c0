//go:build !purego

package cpuid

import "golang.org/x/sys/cpu"

// x/sys/cpu also asks whether the operating system saves the YMM registers.
var hasAVX2FMA = cpu.X86.HasAVX2 && cpu.X86.HasFMA
