//go:build !purego

package cpuid

const neon impl = 1

var names = []string{"generic", "neon"}

// Every arm64 processor has vectors and fused multiply-adds, and compiled Go code uses them.
const available = neon

// NEON reports whether kernels use arm64 assembly.
func NEON() bool { return active >= neon }
