//go:build !amd64 || purego

package cpuid

const has = generic
