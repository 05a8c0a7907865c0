package main

import "fmt"

// Operands are in the order of Arm: the destination is first. The assembler of Go lacks most vector instructions for floating
// point. They are written as words, from the Arm Architecture Reference Manual (DDI 0487), chapter C7.2, with the instruction
// in a comment.

// word writes an instruction as a word, with its text as a comment.
func (g *gen) word(w uint32, format string, args ...any) {
	g.emit("WORD $%#08x // %s", w, fmt.Sprintf(format, args...))
}

// three holds the instructions with three registers of four float32, d = n op m.
var three = map[string]uint32{
	"fadd":  0x4e20d400,
	"fsub":  0x4ea0d400,
	"fmul":  0x6e20dc00,
	"fdiv":  0x6e20fc00,
	"fmax":  0x4e20f400, // NaN if one of them is NaN
	"fmin":  0x4ea0f400,
	"fcmeq": 0x4e20e400, // ones where n = m, and 0 elsewhere
	"fcmgt": 0x6ea0e400,
	"facgt": 0x6ea0ec00, // |n| > |m|
}

func (g *gen) op3(op string, d, n, m vreg) {
	g.word(three[op]|uint32(m)<<16|uint32(n)<<5|uint32(d), "%s v%d.4s, v%d.4s, v%d.4s", op, d, n, m)
}

func (g *gen) fadd(d, n, m vreg)  { g.op3("fadd", d, n, m) }
func (g *gen) fsub(d, n, m vreg)  { g.op3("fsub", d, n, m) }
func (g *gen) fmul(d, n, m vreg)  { g.op3("fmul", d, n, m) }
func (g *gen) fdiv(d, n, m vreg)  { g.op3("fdiv", d, n, m) }
func (g *gen) fmax(d, n, m vreg)  { g.op3("fmax", d, n, m) }
func (g *gen) fmin(d, n, m vreg)  { g.op3("fmin", d, n, m) }
func (g *gen) fcmeq(d, n, m vreg) { g.op3("fcmeq", d, n, m) }
func (g *gen) fcmgt(d, n, m vreg) { g.op3("fcmgt", d, n, m) }
func (g *gen) facgt(d, n, m vreg) { g.op3("facgt", d, n, m) }

// two holds the instructions with two registers of four words, d = op n.
var two = map[string]uint32{
	"fsqrt":  0x6ea1f800,
	"fneg":   0x6ea0f800,
	"fabs":   0x4ea0f800,
	"frintn": 0x4e218800, // to the nearest integer, ties to even
	"fcvtns": 0x4e21a800, // the same, as int32
	"scvtf":  0x4e21d800, // from int32
}

func (g *gen) op2(op string, d, n vreg) {
	g.word(two[op]|uint32(n)<<5|uint32(d), "%s v%d.4s, v%d.4s", op, d, n)
}

// withZero holds the comparisons with 0, which give ones where they hold.
var withZero = map[string]uint32{
	"fcmeq": 0x4ea0d800,
	"fcmlt": 0x4ea0e800,
}

func (g *gen) opZero(op string, d, n vreg) {
	g.word(withZero[op]|uint32(n)<<5|uint32(d), "%s v%d.4s, v%d.4s, #0.0", op, d, n)
}

// fmlaLane adds n·m[lane] to d, fused.
func (g *gen) fmlaLane(d, n, m vreg, lane int) {
	w := 0x4f801000 | uint32(lane&1)<<21 | uint32(lane>>1)<<11 | uint32(m)<<16 | uint32(n)<<5 | uint32(d)
	g.word(w, "fmla v%d.4s, v%d.4s, v%d.s[%d]", d, n, m, lane)
}

// faddp sets d[0] = n[0] + n[1], and the other lanes to 0.
func (g *gen) faddp(d, n vreg) {
	g.word(0x7e30d800|uint32(n)<<5|uint32(d), "faddp s%d, v%d.2s", d, n)
}

// fmaxv sets d[0] to the largest lane of n, or to NaN if there is one.
func (g *gen) fmaxv(d, n vreg) {
	g.word(0x6e30f800|uint32(n)<<5|uint32(d), "fmaxv s%d, v%d.4s", d, n)
}

// sshr shifts int32 right.
func (g *gen) sshr(d, n vreg, by int) {
	g.word(0x4f000400|uint32(64-by)<<16|uint32(n)<<5|uint32(d), "sshr v%d.4s, v%d.4s, #%d", d, n, by)
}

// The instructions that the assembler of Go has.

func (g *gen) fmla(d, n, m vreg) { g.emit("VFMLA %s, %s, %s", m.s4(), n.s4(), d.s4()) } // d += n·m, fused
func (g *gen) fmls(d, n, m vreg) { g.emit("VFMLS %s, %s, %s", m.s4(), n.s4(), d.s4()) } // d −= n·m, fused
func (g *gen) iadd(d, n, m vreg) { g.emit("VADD %s, %s, %s", m.s4(), n.s4(), d.s4()) }
func (g *gen) isub(d, n, m vreg) { g.emit("VSUB %s, %s, %s", m.s4(), n.s4(), d.s4()) }
func (g *gen) shl(d, n vreg, by int) {
	g.emit("VSHL $%d, %s, %s", by, n.s4(), d.s4())
}
func (g *gen) and(d, n, m vreg) { g.emit("VAND %s, %s, %s", m.b16(), n.b16(), d.b16()) }
func (g *gen) or(d, n, m vreg)  { g.emit("VORR %s, %s, %s", m.b16(), n.b16(), d.b16()) }
func (g *gen) mov(d, n vreg)    { g.emit("VMOV %s, %s", n.b16(), d.b16()) }

// bsl sets d to n where d is ones, and to m elsewhere.
func (g *gen) bsl(d, n, m vreg) { g.emit("VBSL %s, %s, %s", m.b16(), n.b16(), d.b16()) }

// bit sets d to n where mask is ones.
func (g *gen) bit(d, n, mask vreg) { g.emit("VBIT %s, %s, %s", mask.b16(), n.b16(), d.b16()) }

// fold moves the upper half of n to the lower half of d.
func (g *gen) fold(d, n vreg) { g.emit("VEXT $8, %s, %s, %s", n.b16(), n.b16(), d.b16()) }
