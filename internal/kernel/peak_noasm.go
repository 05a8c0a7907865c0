//go:build (!amd64 && !arm64) || purego

package kernel

func fmaUnits() []Unit { return []Unit{genericUnit} }
