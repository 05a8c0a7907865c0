package onnx

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/imago-ml/imago/engine/tensor"
)

// Fields of the messages of onnx.proto3 that are written.
const (
	modelIRVersion, modelProducer, modelProducerVersion, modelDoc, modelGraph, modelOpset, modelMetadata = 1, 2, 3, 6, 7, 8, 14
	graphNode, graphName, graphInitializer, graphDoc, graphInput, graphOutput                            = 1, 2, 5, 10, 11, 12
	nodeInput, nodeOutput, nodeName, nodeOp, nodeAttribute                                               = 1, 2, 3, 4, 5
	attributeName, attributeFloat, attributeInt, attributeIntList, attributeType                         = 1, 2, 3, 8, 20
	tensorDims, tensorType, tensorName, tensorRaw                                                        = 1, 2, 8, 9
	valueName, valueType, valueDoc                                                                       = 1, 2, 3
)

const (
	irVersion  = 8
	opset      = 17
	maxMessage = math.MaxInt32 // bytes: what readers of protocol buffers take
)

// A modelWriter writes the file of a lowered function.
type modelWriter struct {
	Options
	lowered *lowerer
	outputs []*value

	nodes        message
	initializers []initializer
	names        map[*value]string // of values in their own type
	casts        map[string]string // of values in another type, by name and type
	taken        map[string]bool
	half         map[*value]bool
	batchName    string // the value that holds the size of a batch; "" = not yet needed
}

// An initializer is a constant array of the file.
type initializer struct {
	head message // all fields but the elements
	size int     // bytes of the elements
	put  func(dst []byte, from int) int
}

// write writes the file.
func (m *modelWriter) write(w io.Writer) error {
	m.names, m.casts, m.taken = map[*value]string{}, map[string]string{}, map[string]bool{}
	order := m.order()
	if m.Precision == Float16 {
		m.half = halves(order)
	}
	var ports message
	for _, in := range m.lowered.inputs {
		m.names[in] = in.name
		m.taken[in.name] = true
		ports.sub(graphInput, m.port(in.name, in.shape))
	}
	for i, v := range m.outputs {
		name := m.lowered.f.Outputs[i].Name
		if m.taken[name] {
			return unsupported("%s: an input and an output have the name %q", m.Name, name)
		}
		m.taken[name] = true
		ports.sub(graphOutput, m.port(name, v.shape))
	}
	for _, v := range order {
		out := "" // a value in 32 bits that is an output has its name
		if i := slices.Index(m.outputs, v); i >= 0 && !m.half[v] {
			out = m.lowered.f.Outputs[i].Name
		}
		if err := m.node(v, out); err != nil {
			return err
		}
	}
	for i, v := range m.outputs {
		if m.names[v] == m.lowered.f.Outputs[i].Name && v.op != opInput {
			continue
		}
		from, err := m.use(v, false)
		if err != nil {
			return err
		}
		m.operator("Identity", "", m.lowered.f.Outputs[i].Name, []string{from})
	}

	var name message
	name.text(graphName, m.Name)
	name.optionalText(graphDoc, m.About)
	size := len(m.nodes) + len(name) + len(ports)
	for _, t := range m.initializers {
		size += t.length()
	}
	if size > maxMessage-1<<20 {
		return unsupported("%s takes %d bytes, and a file holds %d: write float16, or fewer networks", m.Name, size, maxMessage)
	}
	var head message
	head.number(modelIRVersion, irVersion)
	head.text(modelProducer, "imago")
	head.optionalText(modelProducerVersion, m.Producer)
	head.optionalText(modelDoc, m.About)
	var version message
	version.number(2, opset)
	head.sub(modelOpset, version)
	for _, pair := range m.Metadata {
		var entry message
		entry.text(1, pair[0])
		entry.text(2, pair[1])
		head.sub(modelMetadata, entry)
	}
	head.open(modelGraph, size)
	for _, part := range []message{head, m.nodes, name} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	for _, t := range m.initializers {
		if err := t.write(w); err != nil {
			return err
		}
	}
	_, err := w.Write(ports)
	return err
}

// order returns the values that the outputs depend on, but for inputs and constants, operands before their users.
func (m *modelWriter) order() []*value {
	var order []*value
	seen := map[*value]bool{}
	var visit func(v *value)
	visit = func(v *value) {
		if seen[v] {
			return
		}
		seen[v] = true
		for _, x := range v.in {
			visit(x)
		}
		if v.op != opConst && v.op != opInput {
			order = append(order, v)
		}
	}
	for _, v := range m.outputs {
		visit(v)
	}
	return order
}

// unique returns a name that nothing has yet.
func (m *modelWriter) unique(name string) string {
	base := name
	for k := 2; m.taken[name]; k++ {
		name = fmt.Sprintf("%s_%d", base, k)
	}
	m.taken[name] = true
	return name
}

// operator appends a node with one result, which it returns: out, or a new name after the label and the operator.
func (m *modelWriter) operator(op, label, out string, in []string, attrs ...attribute) string {
	if out == "" {
		out = m.unique(strings.TrimPrefix(label+"/"+op, "/"))
	}
	var n message
	for _, x := range in {
		n.text(nodeInput, x)
	}
	n.text(nodeOutput, out)
	n.text(nodeName, out)
	n.text(nodeOp, op)
	for _, a := range attrs {
		n.sub(nodeAttribute, a.message())
	}
	m.nodes.sub(graphNode, n)
	return out
}

// node appends the node of a value: out is its name, "" for a new one.
func (m *modelWriter) node(v *value, out string) error {
	var in []string
	for _, x := range v.in {
		// A comparison is in the type of its operands, 32 bits; a cast takes them as they are.
		name, err := m.use(x, m.half[v])
		if err != nil {
			return err
		}
		in = append(in, name)
	}
	switch v.op {
	case "Reshape", "Expand":
		shape, err := m.shape(v)
		if err != nil {
			return err
		}
		in = append(in, shape)
	}
	m.names[v] = m.operator(v.op, v.label, out, in, v.attrs...)
	return nil
}

// use returns the name of a value in 16 or in 32 bits.
func (m *modelWriter) use(v *value, half bool) (string, error) {
	if v.op == opConst {
		return m.constant(v, half)
	}
	name := m.names[v]
	if v.kind != float || m.half[v] == half {
		return name, nil
	}
	to := typeFloat
	if half {
		to = typeHalf
	}
	key := fmt.Sprint(name, " ", to)
	if m.casts[key] == "" {
		m.casts[key] = m.operator("Cast", name, "", []string{name}, attrInt("to", to))
	}
	return m.casts[key], nil
}

// constant returns the name of the initializer of a constant.
func (m *modelWriter) constant(v *value, half bool) (string, error) {
	half = half && v.kind == float
	key := fmt.Sprintf("%p %v", v, half)
	if name := m.casts[key]; name != "" {
		return name, nil
	}
	name := m.unique(cmp.Or(v.name, "constant"))
	shape, _ := sizes(v.shape)
	var t initializer
	for _, d := range shape {
		t.head.number(tensorDims, int64(d))
	}
	switch {
	case v.kind == integer:
		t.head.number(tensorType, typeInt64)
		t.size, t.put = 8*len(v.ints), func(dst []byte, i int) int {
			binary.LittleEndian.PutUint64(dst, uint64(v.ints[i/8]))
			return 8
		}
	case half:
		for i, x := range v.data {
			if !(math.Abs(float64(x)) <= tensor.MaxHalf) {
				return "", unsupported("%s: value %d is %v, and float16 holds numbers up to %d: write float32", name, i, x, tensor.MaxHalf)
			}
		}
		t.head.number(tensorType, typeHalf)
		t.size, t.put = 2*len(v.data), func(dst []byte, i int) int {
			binary.LittleEndian.PutUint16(dst, tensor.Half(v.data[i/2]))
			return 2
		}
	default:
		t.head.number(tensorType, typeFloat)
		t.size, t.put = 4*len(v.data), func(dst []byte, i int) int {
			binary.LittleEndian.PutUint32(dst, math.Float32bits(v.data[i/4]))
			return 4
		}
	}
	t.head.text(tensorName, name)
	t.head.open(tensorRaw, t.size)
	m.initializers = append(m.initializers, t)
	m.casts[key] = name
	return name, nil
}

// length returns the bytes of the field of an initializer.
func (t *initializer) length() int {
	n := len(t.head) + t.size
	return protowire.SizeTag(graphInitializer) + protowire.SizeBytes(n)
}

// write writes the field of an initializer.
func (t *initializer) write(w io.Writer) error {
	var head message
	head.open(graphInitializer, len(t.head)+t.size)
	if _, err := w.Write(append(head, t.head...)); err != nil {
		return err
	}
	buf := make([]byte, 64<<10)
	for at := 0; at < t.size; {
		n := 0
		for n < len(buf) && at+n < t.size {
			n += t.put(buf[n:], at+n)
		}
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
		at += n
	}
	return nil
}

// shape returns the name of the shape of a reshape or a repetition, a list of whole numbers.
func (m *modelWriter) shape(v *value) (string, error) {
	list := make([]int64, len(v.shape))
	varying := 0
	for i, d := range v.shape {
		list[i] = int64(d.n)
		if d.batch {
			varying++
			list[i] = -1 // what is left of the elements
		}
	}
	switch {
	case varying == 0, varying == 1 && v.op == "Reshape":
		return m.constant(integers(list...), false)
	}
	var parts []string // lengths that are known, and those computed from the size of the batch
	for i := 0; i < len(list); {
		if v.shape[i].batch {
			part, err := m.batch()
			if err != nil {
				return "", err
			}
			if v.shape[i].n > 1 {
				times, err := m.constant(integers(int64(v.shape[i].n)), false)
				if err != nil {
					return "", err
				}
				part = m.operator("Mul", v.label, "", []string{part, times})
			}
			parts = append(parts, part)
			i++
			continue
		}
		from := i
		for i < len(list) && !v.shape[i].batch {
			i++
		}
		part, err := m.constant(integers(list[from:i]...), false)
		if err != nil {
			return "", err
		}
		parts = append(parts, part)
	}
	return m.operator("Concat", v.label, "", parts, attrInt("axis", 0)), nil
}

// batch returns the name of the size of the batch, as a list of one number: the length of an axis of an input.
func (m *modelWriter) batch() (string, error) {
	if m.batchName != "" {
		return m.batchName, nil
	}
	for _, in := range m.lowered.inputs {
		if axis := slices.Index(in.shape, dim{1, true}); axis >= 0 {
			m.batchName = m.operator("Shape", "batch", "", []string{in.name}, attrInt("start", axis), attrInt("end", axis+1))
			return m.batchName, nil
		}
	}
	return "", unsupported("%s: no input has the size of the batch as the length of an axis", m.Name)
}

// port returns the description of an input or output.
func (m *modelWriter) port(name string, dims []dim) message {
	var shape message
	for _, d := range dims {
		var axis message
		if d.batch {
			axis.text(2, d.String())
		} else {
			axis.number(1, int64(d.n))
		}
		shape.sub(1, axis)
	}
	var array message
	array.number(1, typeFloat)
	array.sub(2, shape)
	var ty message
	ty.sub(1, array)
	var v message
	v.text(valueName, name)
	v.sub(valueType, ty)
	v.optionalText(valueDoc, m.describe(name))
	return v
}

// describe says what an input or output holds.
func (m *modelWriter) describe(name string) string {
	for _, d := range m.lowered.draws {
		if d.Name == name {
			return "random numbers, drawn from " + d.Distribution
		}
	}
	if m.Describe == nil {
		return ""
	}
	return m.Describe(name)
}

// message returns the message of an attribute.
func (a attribute) message() message {
	var m message
	m.text(attributeName, a.name)
	switch a.kind {
	case floatAttribute:
		m.float(attributeFloat, math.Float32bits(a.f))
		m.number(attributeType, 1)
	case intAttribute:
		m.number(attributeInt, int64(a.i))
		m.number(attributeType, 2)
	case intsAttribute:
		for _, v := range a.ints {
			m.number(attributeIntList, int64(v))
		}
		m.number(attributeType, 7)
	}
	return m
}
