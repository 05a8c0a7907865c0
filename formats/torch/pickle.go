package torch

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// The values of a pickle are nil, bool, int64, float64, string, []byte, tuple, and these.
type (
	tuple []any
	list  struct{ items []any }
	// A dict keeps the order of its keys.
	dict struct{ keys, values []any }
	// A global is the name of something in a module.
	global struct{ module, name string }
	// A storage is an entry of the zip, as elements.
	storage struct {
		dtype
		key  string
		size int64 // elements
	}
	// A view is a tensor: elements of a storage.
	view struct {
		storage       *storage
		offset        int64
		shape, stride []int64
	}
	mark struct{}
)

func (g global) String() string { return g.module + "." + g.name }

// known are the names that a dictionary of tensors may have, besides storages.
var known = map[global]bool{
	{"collections", "OrderedDict"}:         true,
	{"torch._utils", "_rebuild_tensor_v2"}: true,
	{"torch._utils", "_rebuild_parameter"}: true,
	{"torch.nn.parameter", "Parameter"}:    true,
	{"torch", "Size"}:                      true,
}

// A machine runs a pickle.
type machine struct {
	b     []byte
	at    int
	stack []any
	memo  map[uint32]any
}

// unpickle returns the value of a pickle. Memory is bounded by the length of b: an operation adds at most one value.
func unpickle(b []byte) (v any, err error) {
	m := &machine{b: b, memo: map[uint32]any{}}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *fault:
			v, err = nil, r.err
		default:
			panic(r)
		}
	}()
	for {
		start := m.at
		op := m.take(1)[0]
		if op == '.' {
			return m.pop(), nil
		}
		run := operations[op]
		if run == nil {
			m.fail(ErrUnsupported, "byte %d is the operation %q, which no dictionary of tensors needs", start, op)
		}
		run(m)
	}
}

// A fault ends unpickle with an error.
type fault struct{ err error }

func (m *machine) fail(class error, format string, args ...any) {
	panic(&fault{fmt.Errorf("data.pkl: byte %d: %w: %s", m.at, class, fmt.Sprintf(format, args...))})
}

// take returns the next n bytes.
func (m *machine) take(n int) []byte {
	if n < 0 || n > len(m.b)-m.at {
		m.fail(ErrFormat, "it ends early: %d bytes more are wanted", n)
	}
	b := m.b[m.at : m.at+n]
	m.at += n
	return b
}

func (m *machine) uint32() uint32 { return binary.LittleEndian.Uint32(m.take(4)) }

// counted returns the bytes whose number is in the n bytes before them.
func (m *machine) counted(n int) []byte {
	var word [8]byte
	copy(word[:], m.take(n))
	size := binary.LittleEndian.Uint64(word[:])
	if size > uint64(len(m.b)) {
		m.fail(ErrFormat, "a text of %d bytes in a pickle of %d", size, len(m.b))
	}
	return m.take(int(size))
}

func (m *machine) text(b []byte) string {
	if !utf8.Valid(b) {
		m.fail(ErrFormat, "a text that is not UTF-8")
	}
	return string(b)
}

// line returns the text up to the next line feed.
func (m *machine) line() string {
	rest := m.b[m.at:]
	n := strings.IndexByte(string(rest[:min(len(rest), 1000)]), '\n')
	if n < 0 {
		m.fail(ErrFormat, "a name without end")
	}
	s := m.text(m.take(n))
	m.take(1)
	return s
}

func (m *machine) push(v any) { m.stack = append(m.stack, v) }

func (m *machine) pop() any {
	if len(m.stack) == 0 {
		m.fail(ErrFormat, "it takes from an empty stack")
	}
	v := m.stack[len(m.stack)-1]
	if v == (mark{}) {
		m.fail(ErrFormat, "it takes a mark for a value")
	}
	m.stack = m.stack[:len(m.stack)-1]
	return v
}

// marked takes what lies above the last mark, and the mark.
func (m *machine) marked() []any {
	for i := len(m.stack) - 1; i >= 0; i-- {
		if _, is := m.stack[i].(mark); is {
			items := append([]any(nil), m.stack[i+1:]...)
			m.stack = m.stack[:i]
			return items
		}
	}
	m.fail(ErrFormat, "it goes back to a mark that is not there")
	return nil
}

// top returns the value on top, which must be of type T.
func top[T any](m *machine, want string) T {
	v := m.pop()
	t, ok := v.(T)
	if !ok {
		m.fail(ErrFormat, "it has %s where it wants %s", describe(v), want)
	}
	m.push(v)
	return t
}

// tupleOf makes a tuple of the n values on top.
func tupleOf(n int) func(*machine) {
	return func(m *machine) {
		t := make(tuple, n)
		for i := n - 1; i >= 0; i-- {
			t[i] = m.pop()
		}
		m.push(t)
	}
}

// constant pushes a value.
func constant(v any) func(*machine) { return func(m *machine) { m.push(v) } }

// operations are those that this machine has, by their byte.
var operations = [256]func(*machine){
	0x80: func(m *machine) { // the number of the protocol
		if v := m.take(1)[0]; v > 5 {
			m.fail(ErrUnsupported, "protocol %d of pickle, want at most 5", v)
		}
	},
	0x95: func(m *machine) { m.take(8) }, // the length of a frame
	'N':  constant(nil),
	0x88: constant(true),
	0x89: constant(false),
	'(':  constant(mark{}),
	')':  func(m *machine) { m.push(tuple{}) },
	']':  func(m *machine) { m.push(&list{}) },
	'}':  func(m *machine) { m.push(&dict{}) },
	0x85: tupleOf(1),
	0x86: tupleOf(2),
	0x87: tupleOf(3),
	't':  func(m *machine) { m.push(tuple(m.marked())) },
	'K':  func(m *machine) { m.push(int64(m.take(1)[0])) },
	'M':  func(m *machine) { m.push(int64(binary.LittleEndian.Uint16(m.take(2)))) },
	'J':  func(m *machine) { m.push(int64(int32(m.uint32()))) },
	0x8a: (*machine).long,
	'G':  func(m *machine) { m.push(math.Float64frombits(binary.BigEndian.Uint64(m.take(8)))) },
	'X':  func(m *machine) { m.push(m.text(m.counted(4))) },
	0x8c: func(m *machine) { m.push(m.text(m.counted(1))) },
	0x8d: func(m *machine) { m.push(m.text(m.counted(8))) },
	'U':  func(m *machine) { m.push(m.text(m.counted(1))) },
	'C':  func(m *machine) { m.push(m.counted(1)) },
	'B':  func(m *machine) { m.push(m.counted(4)) },
	'q':  func(m *machine) { m.keep(uint32(m.take(1)[0])) },
	'r':  func(m *machine) { m.keep(m.uint32()) },
	0x94: func(m *machine) { m.keep(uint32(len(m.memo))) },
	'h':  func(m *machine) { m.recall(uint32(m.take(1)[0])) },
	'j':  func(m *machine) { m.recall(m.uint32()) },
	'c': func(m *machine) {
		module := m.line()
		m.name(global{module, m.line()})
	},
	0x93: func(m *machine) {
		name, module := m.pop(), m.pop()
		n, ok := name.(string)
		mod, both := module.(string)
		if !ok || !both {
			m.fail(ErrFormat, "a name that is %s of %s", describe(name), describe(module))
		}
		m.name(global{mod, n})
	},
	'Q': (*machine).persistent,
	'R': (*machine).reduce,
	'b': (*machine).build,
	's': func(m *machine) {
		v, k := m.pop(), m.pop()
		m.set(k, v)
	},
	'u': func(m *machine) {
		items := m.marked()
		if len(items)%2 != 0 {
			m.fail(ErrFormat, "a key without a value")
		}
		for i := 0; i < len(items); i += 2 {
			m.set(items[i], items[i+1])
		}
	},
	'a': func(m *machine) {
		v := m.pop()
		l := top[*list](m, "a list")
		l.items = append(l.items, v)
	},
	'e': func(m *machine) {
		items := m.marked()
		l := top[*list](m, "a list")
		l.items = append(l.items, items...)
	},
}

// long pushes an integer of any length; this machine has room for 64 bits.
func (m *machine) long() {
	b := m.counted(1)
	if len(b) > 8 {
		m.fail(ErrUnsupported, "an integer of %d bytes", len(b))
	}
	var v int64
	for i, d := range b {
		v |= int64(d) << (8 * i)
	}
	if n := len(b); n > 0 && n < 8 && b[n-1] >= 0x80 {
		v -= 1 << (8 * n)
	}
	m.push(v)
}

func (m *machine) keep(i uint32) {
	v := m.pop()
	m.push(v)
	m.memo[i] = v
}

func (m *machine) recall(i uint32) {
	v, ok := m.memo[i]
	if !ok {
		m.fail(ErrFormat, "it recalls value %d, which it has not kept", i)
	}
	m.push(v)
}

// set sets a key of the dictionary on top.
func (m *machine) set(k, v any) {
	d := top[*dict](m, "a dictionary")
	d.keys, d.values = append(d.keys, k), append(d.values, v)
}

// name pushes a name, if it is one of those that this machine knows.
func (m *machine) name(g global) {
	if _, isStorage := storages[g.name]; !known[g] && (g.module != "torch" || !isStorage) {
		m.fail(ErrUnsupported, "it names %.200q, which is code, or the class of an object: imago executes nothing of a file. Save the tensors alone: torch.save(model.state_dict(), \"model.pth\")", g.String())
	}
	m.push(g)
}

// persistent makes a storage of ("storage", class, key, device, elements).
func (m *machine) persistent() {
	t, _ := m.pop().(tuple)
	if len(t) != 5 || t[0] != "storage" {
		m.fail(ErrFormat, "a reference to something else than a storage")
	}
	class, ok := t[1].(global)
	key, named := t[2].(string)
	size, counted := t[4].(int64)
	d, isStorage := storages[class.name]
	if !ok || !named || !counted || !isStorage || size < 0 {
		m.fail(ErrFormat, "a storage of class %s, key %s and size %s", describe(t[1]), describe(t[2]), describe(t[4]))
	}
	m.push(&storage{d, key, size})
}

// reduce calls a function in Python; here it has one case for each of the names.
func (m *machine) reduce() {
	args, ok := m.pop().(tuple)
	g, named := m.pop().(global)
	if !ok || !named {
		m.fail(ErrFormat, "a call of what is not a name")
	}
	switch g {
	case global{"collections", "OrderedDict"}:
		if len(args) != 0 {
			m.fail(ErrUnsupported, "an OrderedDict made with arguments")
		}
		m.push(&dict{})
	case global{"torch", "Size"}:
		m.push(args)
	case global{"torch._utils", "_rebuild_parameter"}, global{"torch.nn.parameter", "Parameter"}:
		v, ok := first(args).(*view)
		if !ok {
			m.fail(ErrFormat, "a parameter of %s", describe(first(args)))
		}
		m.push(v)
	case global{"torch._utils", "_rebuild_tensor_v2"}:
		m.push(m.tensor(args))
	default:
		m.fail(ErrUnsupported, "it makes an object of %s", g)
	}
}

func first(t tuple) any {
	if len(t) == 0 {
		return nil
	}
	return t[0]
}

// tensor returns the view (storage, offset, shape, stride, …).
func (m *machine) tensor(args tuple) *view {
	if len(args) < 4 {
		m.fail(ErrFormat, "a tensor of %d arguments", len(args))
	}
	s, ok := args[0].(*storage)
	offset, counted := args[1].(int64)
	if !ok || !counted || offset < 0 {
		m.fail(ErrFormat, "a tensor of %s from element %s on", describe(args[0]), describe(args[1]))
	}
	v := &view{s, offset, m.numbers(args[2]), m.numbers(args[3])}
	if len(v.shape) != len(v.stride) || len(v.shape) > maxRank {
		m.fail(ErrFormat, "a tensor of %d axes with %d strides, want at most %d of both", len(v.shape), len(v.stride), maxRank)
	}
	if end, ok := v.end(); !ok || end > s.size {
		m.fail(ErrFormat, "a tensor of shape %v and strides %v, from element %d on, is not within its storage of %d elements", v.shape, v.stride, v.offset, s.size)
	}
	return v
}

// end returns one more than the last element of the storage that the view has; ok is false if that is beyond what a
// file can have.
func (v *view) end() (end int64, ok bool) {
	const most = 1 << 50
	end = v.offset + 1
	for i, n := range v.shape {
		if n == 0 {
			return 0, true
		}
		if n > most || v.stride[i] > most || v.stride[i] > 0 && n-1 > most/v.stride[i] {
			return 0, false
		}
		end += (n - 1) * v.stride[i]
	}
	return end, end <= most
}

// numbers returns a tuple of integers of 0 or more.
func (m *machine) numbers(v any) []int64 {
	t, ok := v.(tuple)
	if !ok {
		m.fail(ErrFormat, "%s where it wants a shape", describe(v))
	}
	out := make([]int64, len(t))
	for i, x := range t {
		n, ok := x.(int64)
		if !ok || n < 0 {
			m.fail(ErrFormat, "%s in a shape or among strides", describe(x))
		}
		out[i] = n
	}
	return out
}

// build sets the attributes of an object: those of a dictionary (_metadata of a module) are passed over.
func (m *machine) build() {
	m.pop()
	top[*dict](m, "a dictionary")
}

// describe returns what a value is, for a message.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case *dict:
		return "a dictionary"
	case *list:
		return "a list"
	case tuple:
		return "a tuple"
	case *view:
		return "a tensor"
	case *storage:
		return "a storage"
	case global:
		return fmt.Sprintf("%.80q", v.String())
	case string:
		return fmt.Sprintf("%.40q", v)
	case []byte:
		return "bytes"
	}
	return fmt.Sprint(v)
}
