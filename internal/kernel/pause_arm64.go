//go:build !purego

package kernel

// pauseARM64 executes n ISB instructions, which every arm64 processor has.
func pauseARM64(n uint32)

func pause(n uint32) { pauseARM64(n) }
