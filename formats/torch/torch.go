// Package torch reads the tensors of a file that torch.save of PyTorch wrote, and executes nothing of it.
//
// Such a file is a zip. Its entry data.pkl is a pickle: a program for a small stack machine, which in Python may import
// any module and call any function. Its other entries, data/0, data/1, …, are the storages: the elements, little-endian.
// Several tensors may lie in one storage, each with an offset and a stride for each axis.
//
// This package runs the pickle on a machine of its own that knows the operations and the few names which dictionaries of
// tensors use: collections.OrderedDict, the functions that join a storage and a shape to a tensor, and the classes of
// storages. It has no functions to call: each name stands for a case in the code. Every other name is an error that tells
// it, as are a whole model (its class is code), a file of PyTorch before 1.6, which is no zip, and a TorchScript archive.
//
// Open reads the pickle, and checks that each tensor lies within its storage; Tensor reads one. float32, float64, float16
// and bfloat16 are read, as float32; the other element types are listed and refused. Dictionaries within dictionaries
// ({"state_dict": …, "epoch": 3}) are found: see Open. What a file claims is checked against its size and the budget of
// package memory before anything is allocated. The specification of pickle is Python's module pickletools.
//
// This package must not know what the tensors are for.
package torch

import "errors"

var (
	// ErrFormat marks content that is malformed, in contrast to a file that could not be read. Test with errors.Is.
	ErrFormat = errors.New("not a well-formed file of torch.save")
	// ErrUnsupported marks a file that may be well formed and holds what this package does not read: code, other formats,
	// other element types.
	ErrUnsupported = errors.New("unsupported")
)

const (
	maxPickle  = 256 << 20 // bytes of data.pkl; that of a network of 10,000 tensors has 2 MB
	maxTensors = 1 << 16   // of a file
	maxRank    = 64        // axes of a tensor
	maxDepth   = 32        // of dictionaries in dictionaries
)

// A dtype is an element type.
type dtype struct {
	name  string // in PyTorch: "float32"
	bytes int
}

// storages are the classes of storages, all of module torch.
var storages = map[string]dtype{
	"DoubleStorage": {"float64", 8}, "FloatStorage": {"float32", 4}, "HalfStorage": {"float16", 2}, "BFloat16Storage": {"bfloat16", 2},
	"LongStorage": {"int64", 8}, "IntStorage": {"int32", 4}, "ShortStorage": {"int16", 2}, "CharStorage": {"int8", 1}, "ByteStorage": {"uint8", 1}, "BoolStorage": {"bool", 1},
	"ComplexDoubleStorage": {"complex128", 16}, "ComplexFloatStorage": {"complex64", 8},
	"QInt8Storage": {"qint8", 1}, "QUInt8Storage": {"quint8", 1}, "QInt32Storage": {"qint32", 4},
}
