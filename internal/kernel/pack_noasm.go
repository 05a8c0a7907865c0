//go:build (!amd64 && !arm64) || purego

package kernel

func packPanel(dst, src []float32, k, ld int) { packPanelGeneric(dst, src, k, ld) }
func packT8(dst, src []float32, k, ld int)    { packT8Generic(dst, src, k, ld) }
