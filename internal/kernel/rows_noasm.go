//go:build (!amd64 && !arm64) || purego

package kernel

func rows(mr int, a *RowsArgs) { rowsGeneric(mr, a) }
