package safetensors

import (
	"encoding/binary"
	"math"

	"github.com/imago-ml/imago/engine/tensor"
)

// The decoders convert the elements in b to the elements of t from at on, and return their number.

func decodeU8(t *tensor.Tensor, at int, b []byte) int { return copy(t.U8()[at:], b) }

func decodeI32(t *tensor.Tensor, at int, b []byte) int {
	dst := t.I32()[at : at+len(b)/4]
	for i := range dst {
		dst[i] = int32(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return len(dst)
}

func decodeF32(t *tensor.Tensor, at int, b []byte) int {
	dst := t.F32()[at : at+len(b)/4]
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return len(dst)
}

func decodeF64(t *tensor.Tensor, at int, b []byte) int {
	dst := t.F32()[at : at+len(b)/8]
	for i := range dst {
		dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:])))
	}
	return len(dst)
}

// A bfloat16 is the upper half of a float32.
func decodeBF16(t *tensor.Tensor, at int, b []byte) int {
	dst := t.F32()[at : at+len(b)/2]
	for i := range dst {
		dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(b[2*i:])) << 16)
	}
	return len(dst)
}

func decodeF16(t *tensor.Tensor, at int, b []byte) int {
	dst := t.F32()[at : at+len(b)/2]
	for i := range dst {
		dst[i] = half(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return len(dst)
}

// half returns the value of an IEEE 754 binary16: sign 1 bit, exponent 5 (bias 15), fraction 10. Every one is exact in
// float32.
func half(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exp, frac := uint32(h>>10)&31, uint32(h)&1023
	switch exp {
	case 0: // zero or subnormal: frac · 2⁻²⁴
		return math.Float32frombits(sign | math.Float32bits(float32(frac)*(1.0/(1<<24))))
	case 31: // infinity, NaN
		return math.Float32frombits(sign | 0xff<<23 | frac<<13)
	}
	return math.Float32frombits(sign | (exp-15+127)<<23 | frac<<13)
}
