//go:build (!amd64 && !arm64) || purego

package kernel

func pause(n uint32) { pauseGeneric(n) }
