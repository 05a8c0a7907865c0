// Package safetensors reads and writes the safetensors format: named arrays behind a JSON header, with no code in it.
//
// Offset, size and meaning; every number is little-endian:
//
//	0      8  n, the length of the header
//	8      n  the header: one JSON object in UTF-8, from its '{', then any number of spaces
//	8+n    …  the data, to the end of the file
//
// The header maps each tensor's name to
//
//	{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}
//
// where the offsets, begin and end, count from the start of the data, and elements are row major. The name
// __metadata__ is kept for a map from string to string.
//
// Read reads a whole file, Open one tensor after another, Write and WriteFile write.
//
// Refused as ErrFormat: a header above 100 MB or longer than the file, more than 65,536 tensors, a name or key given twice, an unknown key, a
// shape whose size is not that of its bytes, and data with holes, overlaps, or bytes of no tensor. So memory is bounded
// by the size of the file, and by the budget of package memory. Refused as ErrUnsupported: element types this package does not know, or that a tensor.Tensor
// cannot hold; F64, F16 and BF16 are read as float32 (F64 rounds to nearest), and only F32, I32 and U8 are written.
//
// The specification and its first implementation, whose order of tensors (and bytes) Write keeps, are at
// https://github.com/huggingface/safetensors. This package must not know what the tensors are for.
package safetensors

import (
	"errors"

	"github.com/imago-ml/imago/engine/tensor"
)

var (
	// ErrFormat marks malformed content, in contrast to a file that could not be read.
	// Test with errors.Is.
	ErrFormat = errors.New("not a well-formed safetensors file")

	// ErrUnsupported marks a file that may be well formed but holds what imago cannot: element types, sizes.
	ErrUnsupported = errors.New("unsupported")
)

// maxHeader is the longest header in bytes, the limit of the first implementation.
const maxHeader = 100_000_000

// maxTensors bounds the tensors of a file, and the keys of its metadata: a file of a large language model has some
// thousands. maxRank bounds the axes of a tensor, as NumPy does.
const (
	maxTensors = 1 << 16
	maxRank    = 64
)

const metadataKey = "__metadata__"

// Info describes a tensor of a file.
type Info struct {
	Name  string
	DType string       // the name in the file: F32, BF16
	Shape tensor.Shape // axes of length 0 are possible
	Begin int64        // first byte, counted from the start of the file
	End   int64        // one after the last
}

// A dtype is an element type of the format.
type dtype struct {
	name  string
	bytes int64
	as    tensor.DType // what it is read as, if decode is there
	// decode turns the bytes of len(dst) elements into elements; the field is nil for types that are not read.
	decode func(t *tensor.Tensor, at int, b []byte) int
}

// dtypes holds the types in the order of the first implementation, whose files are sorted by it, last first.
var dtypes = []dtype{
	{name: "BOOL", bytes: 1},
	{name: "U8", bytes: 1, as: tensor.Uint8, decode: decodeU8},
	{name: "I8", bytes: 1},
	{name: "F8_E5M2", bytes: 1},
	{name: "F8_E4M3", bytes: 1},
	{name: "I16", bytes: 2},
	{name: "U16", bytes: 2},
	{name: "F16", bytes: 2, as: tensor.Float32, decode: decodeF16},
	{name: "BF16", bytes: 2, as: tensor.Float32, decode: decodeBF16},
	{name: "I32", bytes: 4, as: tensor.Int32, decode: decodeI32},
	{name: "U32", bytes: 4},
	{name: "F32", bytes: 4, as: tensor.Float32, decode: decodeF32},
	{name: "F64", bytes: 8, as: tensor.Float32, decode: decodeF64},
	{name: "I64", bytes: 8},
	{name: "U64", bytes: 8},
}

func findDType(name string) *dtype {
	for i := range dtypes {
		if dtypes[i].name == name {
			return &dtypes[i]
		}
	}
	return nil
}

// written returns the name of an element type in the file, and its rank in the order of
// tensors: wide types first, so that the bytes of each tensor are aligned to its
// elements.
func written(t tensor.DType) (name string, rank int) {
	switch t {
	case tensor.Float32:
		return "F32", 0
	case tensor.Int32:
		return "I32", 1
	case tensor.Uint8:
		return "U8", 2
	}
	return "", 0
}
