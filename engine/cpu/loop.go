package cpu

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/kernel"
)

// A loop runs a list of element-wise instructions over a flat range of elements, and computes sums. It runs block by block;
// a block stays in the L1 cache. The range is divided into chunks, which are the tasks of the stage. If there is a root, it
// computes its elements of a chunk before the instructions read them.
type loop struct {
	root   root
	chunks []int // the boundaries in elements: chunk i is [chunks[i], chunks[i+1])
	piece  int   // the number of elements that the root computes at a time; 0 = the whole chunk
	block  int   // the number of elements of a block
	slots  []slot
	instrs []instr
	sums   []loopSum
}

// A root is the matrix product or convolution of a group.
type root interface {
	// split returns the boundaries of tasks, which are multiples of align elements.
	split(align int) []int
	// pieceSize returns the number of elements of a task that run should compute at a time, so that the loop finds them
	// in the L1 cache. 0 means the whole task.
	pieceSize() int
	// run computes elements [lo, hi) of the result, for boundaries of split or of pieces.
	run(w *worker, lo, hi int)
}

// blockFloats is the usual length of a block. A register then has 4 KiB, so the few registers that are in use at a time stay
// in the L1 cache.
const blockFloats = 1024

// A slotKind is where the elements of a slot are.
type slotKind uint8

const (
	slotWhole  slotKind = iota // the elements of the block in buf
	slotReg                    // a register: scratch memory of the worker
	slotTile                   // a repeated operand that is expanded to a block once for each chunk
	slotRepeat                 // a repeated operand that is found in buf, or expanded, for each block
)

// A slot is an operand or a result of instructions.
type slot struct {
	kind   slotKind
	buf    *buffer
	pat    readPattern // of a repeated operand
	offset int         // in scratch memory, except of slotWhole
}

// An instr applies one kernel to slots: unary, binary, ternary or combined.
type instr struct {
	unary   func(dst, x []float32)
	binary  func(dst, a, b []float32)
	ternary func(dst, a, b, c []float32)
	// combined computes several primitives at once. It also has scalar operands.
	combined func(dst, a, b, c []float32, s [3]float32)
	scalars  [3]*buffer
	dst      int
	in       [3]int
}

// copyOp is the primitive of an instruction that copies. An input is never computed by an instruction, so OpInput is free.
const copyOp = graph.OpInput

// A loopSum adds up a slot: all elements (mod = 1), elements i with equal i % mod (div = 1), or rows of div elements.
type loopSum struct {
	src       int
	pat       readPattern
	out       *buffer
	partial   *buffer // the sums of each task, (tasks, mod); nil for rows, because a row lies within one task
	accOffset int     // the offset in scratch memory of an accumulator for a block; −1 if blocks do not cover whole periods
}

func (l *loop) tasks() int { return len(l.chunks) - 1 }

// run executes one chunk, which is a task.
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
	for start := lo; start < hi; start += piece {
		end := min(start+piece, hi)
		if l.root != nil {
			l.root.run(w, start, end)
		}
		l.runBlocks(w, task, start, end)
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

// runBlocks executes the instructions and the sums on elements [lo, hi), block by block.
func (l *loop) runBlocks(w *worker, task, lo, hi int) {
	for start := lo; start < hi; start += l.block {
		end := min(start+l.block, hi)
		for i := range l.slots {
			s := &l.slots[i]
			switch s.kind {
			case slotWhole:
				w.regs[i] = s.buf.data[start:end]
			case slotReg:
				w.regs[i] = w.scratch[s.offset : s.offset+end-start]
			case slotRepeat:
				if c := s.pat.mod; s.pat.div == 1 && start%c+end-start <= c {
					w.regs[i] = s.buf.data[start%c : start%c+end-start]
				} else {
					w.regs[i] = w.scratch[s.offset : s.offset+end-start]
					l.fillRepeated(w.regs[i], *s, start)
				}
			}
		}
		for i := range l.instrs {
			l.instrs[i].exec(w.regs)
		}
		for i := range l.sums {
			s := &l.sums[i]
			s.addBlock(w, task, start, w.regs[s.src][:end-start])
		}
	}
}

// fillRepeated expands a repeated operand to dst, from element start of the range on.
func (l *loop) fillRepeated(dst []float32, s slot, start int) {
	src, p := s.buf.data, s.pat
	if p.mod == 1 {
		kernel.Fill(dst, src[0])
		return
	}
	if p.div == 1 {
		for j := start % p.mod; len(dst) > 0; j = 0 {
			n := copy(dst, src[j:p.mod])
			dst = dst[n:]
		}
		return
	}
	for len(dst) > 0 {
		n := min(p.div-start%p.div, len(dst))
		kernel.Fill(dst[:n], src[start/p.div%p.mod])
		dst, start = dst[n:], start+n
	}
}

// addBlock adds the block x, which starts at element start.
func (s *loopSum) addBlock(w *worker, task, start int, x []float32) {
	c := s.pat.mod
	switch {
	case s.partial == nil:
		for len(x) > 0 {
			n := min(s.pat.div-start%s.pat.div, len(x))
			v := kernel.Sum(x[:n])
			if start%s.pat.div == 0 {
				s.out.data[start/s.pat.div] = v
			} else {
				s.out.data[start/s.pat.div] += v
			}
			x, start = x[n:], start+n
		}
	case c == 1:
		s.partial.data[task] += kernel.Sum(x)
	case s.accOffset >= 0:
		kernel.AddTo(w.scratch[s.accOffset:s.accOffset+len(x)], x)
	default:
		p := s.partial.data[task*c : (task+1)*c]
		for len(x) > 0 {
			j := start % c
			n := min(c-j, len(x))
			kernel.AddTo(p[j:j+n], x[:n])
			x, start = x[n:], start+n
		}
	}
}

// finish adds the partial sums of all tasks, in the order of the tasks.
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

// The kernels of the element-wise primitives, by the number of operands.
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

// newInstr returns the instruction of a primitive, without operands.
func newInstr(op graph.Op) instr {
	i := instr{unary: unaryKernels[op], binary: binaryKernels[op], ternary: ternaryKernels[op]}
	if i.unary == nil && i.binary == nil && i.ternary == nil {
		panic("cpu: no kernel for " + op.String())
	}
	return i
}

// exec runs the instruction on a block, whose slots are in regs.
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
