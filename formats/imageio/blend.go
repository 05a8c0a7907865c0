package imageio

import "encoding/binary"

// A kernel is four files: this one holds xGeneric, which defines the result;
// x_amd64.go and x_amd64.s are the assembly; x_noasm.go forwards x to xGeneric
// elsewhere and under the purego tag. All give the same bytes.

const half = 1 << (weightBits - 1)

func clip(v int32) uint8 { return uint8(min(max(v>>weightBits, 0), 255)) }

// blendGeneric adds up len(w) rows of src, the first at its start and each stride bytes
// after the one before, times their weights, and rounds:
//
//	dst[x] = clip(half + Σ w[i]·src[i·stride + x])
//
// It computes 8 bytes at a time as 4 words of two 32-bit lanes. The product with a word
// is that of both lanes. A negative sum in the low lane borrows from the high lane;
// unlane adds the borrow back.
func blendGeneric(dst, src []uint8, stride int, w []int32) {
	const lanes = 0x000000ff_000000ff
	const halves = half<<32 | half
	x := 0
	for ; x+8 <= len(dst); x += 8 {
		s0, s1, s2, s3 := uint64(halves), uint64(halves), uint64(halves), uint64(halves)
		p := x
		for _, k := range w {
			v, k := binary.LittleEndian.Uint64(src[p:]), uint64(k)
			s0 += k * (v & lanes)
			s1 += k * (v >> 8 & lanes)
			s2 += k * (v >> 16 & lanes)
			s3 += k * (v >> 24 & lanes)
			p += stride
		}
		d := dst[x : x+8 : x+8]
		d[0], d[4] = unlane(s0)
		d[1], d[5] = unlane(s1)
		d[2], d[6] = unlane(s2)
		d[3], d[7] = unlane(s3)
	}
	for ; x < len(dst); x++ {
		sum := int32(half)
		for i, k := range w {
			sum += k * int32(src[i*stride+x])
		}
		dst[x] = clip(sum)
	}
}

// unlane returns the two sums in a word, clipped.
func unlane(s uint64) (low, high uint8) {
	l := int32(s)
	return clip(l), clip(int32((s - uint64(l)) >> 32))
}
