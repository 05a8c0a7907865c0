//go:build !amd64 || purego

package cpuid

const hasAVX2FMA = false
