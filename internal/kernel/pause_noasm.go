//go:build !amd64 || purego

package kernel

func pause(n uint32) { pauseGeneric(n) }
