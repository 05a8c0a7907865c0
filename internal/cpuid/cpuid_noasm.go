//go:build (!amd64 && !arm64) || purego

package cpuid

var names = []string{"generic"}

const available = generic
