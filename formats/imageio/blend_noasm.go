//go:build !amd64 || purego

package imageio

func blend(dst, src []uint8, stride int, w []int32) { blendGeneric(dst, src, stride, w) }
