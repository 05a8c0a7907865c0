//go:build (!amd64 && !arm64) || purego

package kernel

func dot(mr int, a *DotArgs) { dotGeneric(mr, a) }
