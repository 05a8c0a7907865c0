package cpu

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/kernel"
)

// A loop runs a list of element-wise instructions over blocks of a flat range of
// elements, each block small enough to stay in L1, and adds up reductions. Its
// range is cut into chunks, which are the stage's tasks; an anchor fills its
// part of the range at the start of each chunk.
type loop struct {
	root   root
	chunks []int // boundaries in elements: chunk i is [chunks[i], chunks[i+1])
	piece  int   // elements of a chunk that the anchor computes at a time; 0 = all
	block  int
	slots  []slot
	instrs []instr
	sums   []loopSum
}

// An anchor computes elements [lo, hi) of its result, for boundaries that it
// proposed itself.
type root interface {
	// split gives the boundaries of tasks, multiples of align elements.
	split(align int) []int
	// step is how many elements of a task run should compute at a time, so that
	// the loop finds them in L1; 0 is the whole task.
	pieceSize() int
	run(w *worker, lo, hi int)
}

// blockFloats is the usual length of a block: a register is 4 KiB, so that the
// few that an instruction list keeps alive fit L1.
const blockFloats = 1024

type slotKind uint8

const (
	slotWhole  slotKind = iota // buf at the block's own place
	slotReg                    // scratch of the worker
	slotTile                   // a repeated operand, laid out for a block once a chunk
	slotRepeat                 // a repeated operand, found or laid out for each block
)

// A slot is an operand of the instructions.
type slot struct {
	kind   slotKind
	buf    *buffer
	pat    readPattern // element i of the range is buf[(i/l) % c]
	offset int         // in scratch; of slotWhole none
}

// An instr applies the kernel of a primitive, one of the three, to slots.
type instr struct {
	unary   func(dst, x []float32)
	binary  func(dst, a, b []float32)
	ternary func(dst, a, b, c []float32)
	// combined is a few primitives at once; it has scalar operands too.
	combined func(dst, a, b, c []float32, s [3]float32)
	scalars  [3]*buffer
	dst      int
	in       [3]int
}

// copyOp marks an instruction that moves: no leaf is ever an instruction.
const copyOp = graph.OpInput

// A sink adds up a slot: everything (c = 1), by place i % c (l = 1), or rows of l.
type loopSum struct {
	src       int
	pat       readPattern
	out       *buffer
	partial   *buffer // (tasks, c); nil for rows, which no two tasks share
	accOffset int     // offset in scratch of a block-long accumulator; -1 if blocks do not align with c
}

func (l *loop) tasks() int { return len(l.chunks) - 1 }

// run executes one chunk.
func (l *loop) run(w *worker, task int) {
	lo, hi := l.chunks[task], l.chunks[task+1]
	if len(l.instrs) == 0 && len(l.sums) == 0 {
		l.root.run(w, lo, hi)
		return
	}
	for i, s := range l.slots {
		if s.kind == slotTile {
			l.fillRepeated(w.scratch[s.offset:s.offset+l.block], s, lo)
			w.regs[i] = w.scratch[s.offset : s.offset+l.block]
		}
	}
	for _, s := range l.sums {
		if s.partial == nil {
			continue
		}
		clear(s.partial.data[task*s.pat.mod : (task+1)*s.pat.mod])
		if s.accOffset >= 0 {
			clear(w.scratch[s.accOffset : s.accOffset+l.block])
		}
	}
	piece := l.piece
	if piece == 0 {
		piece = hi - lo
	}
	for at := lo; at < hi; at += piece {
		end := min(at+piece, hi)
		if l.root != nil {
			l.root.run(w, at, end)
		}
		l.runBlocks(w, task, at, end)
	}
	for _, s := range l.sums {
		if s.partial != nil && s.accOffset >= 0 {
			p := s.partial.data[task*s.pat.mod : (task+1)*s.pat.mod]
			for j, v := range w.scratch[s.accOffset : s.accOffset+l.block] {
				p[j%s.pat.mod] += v
			}
		}
	}
}

// follow executes the instructions on elements [lo, hi), block by block.
func (l *loop) runBlocks(w *worker, task, lo, hi int) {
	for at := lo; at < hi; at += l.block {
		end := min(at+l.block, hi)
		for i := range l.slots {
			s := &l.slots[i]
			switch s.kind {
			case slotWhole:
				w.regs[i] = s.buf.data[at:end]
			case slotReg:
				w.regs[i] = w.scratch[s.offset : s.offset+end-at]
			case slotRepeat:
				if c := s.pat.mod; s.pat.div == 1 && at%c+end-at <= c {
					w.regs[i] = s.buf.data[at%c : at%c+end-at]
				} else {
					w.regs[i] = w.scratch[s.offset : s.offset+end-at]
					l.fillRepeated(w.regs[i], *s, at)
				}
			}
		}
		for i := range l.instrs {
			l.instrs[i].exec(w.regs)
		}
		for i := range l.sums {
			s := &l.sums[i]
			s.addBlock(w, task, at, w.regs[s.src][:end-at])
		}
	}
}

// fill lays out a repeated operand from element at of the range on.
func (l *loop) fillRepeated(dst []float32, s slot, at int) {
	src, p := s.buf.data, s.pat
	if p.mod == 1 {
		kernel.Fill(dst, src[0])
		return
	}
	if p.div == 1 {
		for j := at % p.mod; len(dst) > 0; j = 0 {
			n := copy(dst, src[j:p.mod])
			dst = dst[n:]
		}
		return
	}
	for len(dst) > 0 {
		n := min(p.div-at%p.div, len(dst))
		kernel.Fill(dst[:n], src[at/p.div%p.mod])
		dst, at = dst[n:], at+n
	}
}

// add takes in the block that starts at element at.
func (s *loopSum) addBlock(w *worker, task, at int, x []float32) {
	c := s.pat.mod
	switch {
	case s.partial == nil:
		for len(x) > 0 {
			n := min(s.pat.div-at%s.pat.div, len(x))
			v := kernel.Sum(x[:n])
			if at%s.pat.div == 0 {
				s.out.data[at/s.pat.div] = v
			} else {
				s.out.data[at/s.pat.div] += v
			}
			x, at = x[n:], at+n
		}
	case c == 1:
		s.partial.data[task] += kernel.Sum(x)
	case s.accOffset >= 0:
		kernel.AddTo(w.scratch[s.accOffset:s.accOffset+len(x)], x)
	default:
		p := s.partial.data[task*c : (task+1)*c]
		for len(x) > 0 {
			j := at % c
			n := min(c-j, len(x))
			kernel.AddTo(p[j:j+n], x[:n])
			x, at = x[n:], at+n
		}
	}
}

// finish adds the partial sums of all tasks, in their order.
func (l *loop) finish() {
	for _, s := range l.sums {
		if s.partial == nil {
			continue
		}
		for j := range s.pat.mod {
			var sum float64
			for t := range l.tasks() {
				sum += float64(s.partial.data[t*s.pat.mod+j])
			}
			s.out.data[j] = float32(sum)
		}
	}
}

// The kernel of each element-wise primitive, by its number of operands.
var (
	unaryKernels = map[graph.Op]func(dst, x []float32){
		copyOp: func(dst, x []float32) { copy(dst, x) }, graph.OpNeg: kernel.Neg, graph.OpExp: kernel.Exp, graph.OpLog: kernel.Log,
		graph.OpTanh: kernel.Tanh, graph.OpSigmoid: kernel.Sigmoid, graph.OpSoftplus: kernel.Softplus,
		graph.OpSqrt: kernel.Sqrt, graph.OpAbs: kernel.Abs, graph.OpSign: kernel.Sign,
	}
	binaryKernels = map[graph.Op]func(dst, a, b []float32){
		graph.OpAdd: kernel.Add, graph.OpSub: kernel.Sub, graph.OpMul: kernel.Mul, graph.OpDiv: kernel.Div,
		graph.OpMax: kernel.Max, graph.OpMin: kernel.Min, graph.OpGreater: kernel.Greater, graph.OpEqual: kernel.Equal,
	}
	ternaryKernels = map[graph.Op]func(dst, a, b, c []float32){graph.OpSelect: kernel.Select}
)

// newInstr looks up the kernel of an instruction once, at compile time.
func newInstr(op graph.Op) instr {
	i := instr{unary: unaryKernels[op], binary: binaryKernels[op], ternary: ternaryKernels[op]}
	if i.unary == nil && i.binary == nil && i.ternary == nil {
		panic("cpu: no kernel for " + op.String())
	}
	return i
}

func (i *instr) exec(regs [][]float32) {
	dst := regs[i.dst]
	n := len(dst)
	a := regs[i.in[0]][:n]
	switch {
	case i.unary != nil:
		i.unary(dst, a)
	case i.binary != nil:
		i.binary(dst, a, regs[i.in[1]][:n])
	case i.combined != nil:
		var s [3]float32
		for j, b := range i.scalars {
			if b != nil {
				s[j] = b.data[0]
			}
		}
		i.combined(dst, a, regs[i.in[1]][:n], regs[i.in[2]][:n], s)
	default:
		i.ternary(dst, a, regs[i.in[1]][:n], regs[i.in[2]][:n])
	}
}
