//go:build (!amd64 && !arm64) || purego

package kernel

func outer(mr int, a *OuterArgs) { outerGeneric(mr, a) }
