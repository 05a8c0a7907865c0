//go:build (!amd64 && !arm64) || purego

package kernel

func fmaRounds(n int, x, y float32) float32 { return fmaRoundsGeneric(n, x, y) }
