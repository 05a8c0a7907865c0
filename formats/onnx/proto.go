package onnx

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// Types of elements, as in TensorProto.DataType.
const (
	typeFloat = 1
	typeInt64 = 7
	typeBool  = 9
	typeHalf  = 10
)

// A message is the bytes of a message of protocol buffers. Its methods append a field.
type message []byte

func (m *message) text(field protowire.Number, s string) {
	*m = protowire.AppendString(protowire.AppendTag(*m, field, protowire.BytesType), s)
}

// optionalText appends a text unless it is empty.
func (m *message) optionalText(field protowire.Number, s string) {
	if s != "" {
		m.text(field, s)
	}
}

func (m *message) sub(field protowire.Number, b message) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, field, protowire.BytesType), b)
}

// open appends the tag and the length of a field whose n bytes follow.
func (m *message) open(field protowire.Number, n int) {
	*m = protowire.AppendVarint(protowire.AppendTag(*m, field, protowire.BytesType), uint64(n))
}

func (m *message) number(field protowire.Number, v int64) {
	*m = protowire.AppendVarint(protowire.AppendTag(*m, field, protowire.VarintType), uint64(v))
}

func (m *message) float(field protowire.Number, bits uint32) {
	*m = protowire.AppendFixed32(protowire.AppendTag(*m, field, protowire.Fixed32Type), bits)
}
