package cpuid

import "github.com/klauspost/cpuid/v2"

// Caches returns the sizes in bytes of the caches of data that the processor has: L1 and L2, which each processor has of its
// own, and L3, which processors share. 0 is unknown or none. Results must never depend on them: they serve the division of work
// and measurements.
func Caches() [3]int {
	c := cpuid.CPU.Cache
	return [3]int{max(c.L1D, 0), max(c.L2, 0), max(c.L3, 0)}
}
