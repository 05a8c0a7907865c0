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
		dst[i] = tensor.FromHalf(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return len(dst)
}
