//go:build !linux

package process

// Birth returns "": how to ask for it differs from system to system.
func Birth(int) string { return "" }
