//go:build !purego

package cpuid

const neon impl = 1

var names = []string{"generic", "neon"}

// Every arm64 has vectors and fused products; Go's own code uses them unasked.
const has = neon

// NEON reports whether to run arm64 assembly.
func NEON() bool { return on >= neon }
