//go:build !purego

package kernel

// pauseAMD64 executes n PAUSE instructions, which every amd64 processor has.
func pauseAMD64(n uint32)

func pause(n uint32) { pauseAMD64(n) }
