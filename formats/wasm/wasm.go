// Package wasm writes modules of WebAssembly in the binary format: functions over one imported memory, with the vector
// instructions of 128 bits and the relaxed ones.
//
//	var m wasm.Module
//	f := m.Func("double", wasm.I32) // exported; its parameter is an address
//	f.Get(0)
//	f.Get(0)
//	f.Load(wasm.V128Load, 0)
//	f.Get(0)
//	f.Load(wasm.V128Load, 0)
//	f.Op(wasm.F32x4Add)
//	f.Store(wasm.V128Store, 0)
//	b := m.Bytes()
//
// A module has, in this order, the magic bytes and the version, the section of types (1), of the import of the memory (2),
// of functions (3), of exports (7) and of code (10). Sizes and indices are unsigned numbers of seven bits a byte, the least
// significant first (LEB128), constants signed ones. See https://webassembly.github.io/spec/core/binary.
//
// Nothing is checked: what is wrong with a module, WebAssembly.validate reports. The package must not know models, graphs or
// kernels.
package wasm

// A Type is the type of a value.
type Type byte

// The types of values.
const (
	I32  Type = 0x7f
	F32  Type = 0x7d
	V128 Type = 0x7b
)

// An Op is an instruction without immediate operands but an address: its code, below 0x100, or the code after the byte 0xfd
// of vector instructions plus 0xfd00.
type Op uint32

// Instructions. See the index of instructions of the specification.
const (
	I32Load    Op = 0x28
	F32Load    Op = 0x2a
	F32Store   Op = 0x38
	I32Eqz     Op = 0x45
	I32LtU     Op = 0x49
	I32Add     Op = 0x6a
	I32Sub     Op = 0x6b
	I32Mul     Op = 0x6c
	F32FromI32 Op = 0xbe // reinterprets the bits

	V128Load        Op = 0xfd00
	V128Load32Splat Op = 0xfd09
	V128Store       Op = 0xfd0b
	F32x4Splat      Op = 0xfd13
	F32x4Abs        Op = 0xfde0
	F32x4Neg        Op = 0xfde1
	F32x4Add        Op = 0xfde4
	F32x4Sub        Op = 0xfde5
	F32x4Mul        Op = 0xfde6
	F32x4Div        Op = 0xfde7
	F32x4Min        Op = 0xfde8
	F32x4Max        Op = 0xfde9
	F32x4Nearest    Op = 0xfd6a
	F32x4Gt         Op = 0xfd44
	V128Bitselect   Op = 0xfd52
	I32x4Add        Op = 0xfdae
	I32x4Shl        Op = 0xfdab
	I32x4TruncSat   Op = 0xfdf8 // from f32x4, signed

	// F32x4RelaxedMadd is a·b + c, rounded once or twice, as the processor can.
	F32x4RelaxedMadd Op = vector + 0x105
)

// vector is what is added to the code of a vector instruction.
const vector = 0xfd00

// A Module is a module under construction. Its zero value has no functions.
type Module struct{ funcs []*Func }

// A Func is a function of a module. Its methods append instructions to it.
type Func struct {
	name   string
	params []Type
	locals []Type
	code   []byte
}

// Func adds a function with the given parameters and no result, exported under name.
func (m *Module) Func(name string, params ...Type) *Func {
	f := &Func{name: name, params: params}
	m.funcs = append(m.funcs, f)
	return f
}

// Local adds a local variable, which is 0 at first, and returns its index. Those of the parameters come first.
func (f *Func) Local(t Type) int {
	f.locals = append(f.locals, t)
	return len(f.params) + len(f.locals) - 1
}

// Op appends an instruction.
func (f *Func) Op(ops ...Op) {
	for _, op := range ops {
		if op < vector {
			f.code = append(f.code, byte(op))
			continue
		}
		f.code = unsigned(append(f.code, 0xfd), uint64(op-vector))
	}
}

// Get, Set and Tee append the reading of a local variable, its setting, and its setting with the value left on the stack.
func (f *Func) Get(local int) { f.code = unsigned(append(f.code, 0x20), uint64(local)) }

// Set appends the setting of a local variable: see Get.
func (f *Func) Set(local int) { f.code = unsigned(append(f.code, 0x21), uint64(local)) }

// Const appends an i32 constant.
func (f *Func) Const(v int32) { f.code = signed(append(f.code, 0x41), int64(v)) }

// Increase appends local += by.
func (f *Func) Increase(local int, by int32) {
	f.Get(local)
	f.Const(by)
	f.Op(I32Add)
	f.Set(local)
}

// Load appends a load from the address on the stack plus a constant offset.
func (f *Func) Load(op Op, offset int) { f.access(op, offset) }

// Store appends a store of the value on the stack to the address below it plus a constant offset.
func (f *Func) Store(op Op, offset int) { f.access(op, offset) }

func (f *Func) access(op Op, offset int) {
	f.Op(op)
	f.code = unsigned(append(f.code, 2), uint64(offset)) // addresses are multiples of 1<<2
}

// Loop appends a loop whose body, made by body, is repeated while the i32 that it leaves on the stack is not 0.
func (f *Func) Loop(body func()) {
	f.code = append(f.code, 0x03, 0x40)
	body()
	f.code = append(f.code, 0x0d, 0) // br_if to the loop
	f.code = append(f.code, 0x0b)
}

// If appends a block that runs if the i32 on the stack is not 0.
func (f *Func) If(body func()) {
	f.code = append(f.code, 0x04, 0x40)
	body()
	f.code = append(f.code, 0x0b)
}

// Bytes returns the module. It imports its memory as memory of the module "imago".
func (m *Module) Bytes() []byte {
	var types, funcs, exports, code [][]byte
	for i, f := range m.funcs {
		t := unsigned([]byte{0x60}, uint64(len(f.params)))
		for _, p := range f.params {
			t = append(t, byte(p))
		}
		types = append(types, append(t, 0))
		funcs = append(funcs, unsigned(nil, uint64(i)))
		exports = append(exports, unsigned(append(text(f.name), 0), uint64(i)))
		body := unsigned(nil, uint64(len(f.locals)))
		for _, l := range f.locals {
			body = append(body, 1, byte(l))
		}
		body = append(append(body, f.code...), 0x0b)
		code = append(code, append(unsigned(nil, uint64(len(body))), body...))
	}
	memory := append(append(text("imago"), text("memory")...), 0x02, 0x00, 0x01)
	b := []byte{0, 'a', 's', 'm', 1, 0, 0, 0}
	for _, s := range []struct {
		id    byte
		items [][]byte
	}{{1, types}, {2, [][]byte{memory}}, {3, funcs}, {7, exports}, {10, code}} {
		content := unsigned(nil, uint64(len(s.items)))
		for _, it := range s.items {
			content = append(content, it...)
		}
		b = append(unsigned(append(b, s.id), uint64(len(content))), content...)
	}
	return b
}

// text returns a name with its length before it.
func text(s string) []byte { return append(unsigned(nil, uint64(len(s))), s...) }

// unsigned appends an unsigned number.
func unsigned(b []byte, v uint64) []byte {
	for ; v >= 0x80; v >>= 7 {
		b = append(b, byte(v)|0x80)
	}
	return append(b, byte(v))
}

// signed appends a signed number.
func signed(b []byte, v int64) []byte {
	for ; v >= 0x40 || v < -0x40; v >>= 7 {
		b = append(b, byte(v)&0x7f|0x80)
	}
	return append(b, byte(v)&0x7f)
}
