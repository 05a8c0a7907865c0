package cpu

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/kernel"
)

// A matmul computes rows of the matrix product C = A·B or C = Aᵀ·B from panels of B.
//
// A is read in place: by rows (kernel.Rows), or by columns if it is transposed, as a sum of outer products (kernel.Outer). If
// C has one column, the results are inner products of rows of A with the column of B (kernel.Dot).
//
// With leading axes there are several products, whose matrices lie one after the other.
type matmul struct {
	a, b, out   *buffer
	count       int // of products
	m, n, k     int
	lda         int
	ldb         int // the distance between rows of a panel
	panelStride int // the distance between panels
	matrixB     int // the distance between the matrices of B
	transA      bool
	dot         bool
	sparse      *zeroSkipper // not nil if A is an input, which may have many zeros
	srcOffs     []int32      // of rows of A: see rowOffsets
	dstOffs     []int32      // of rows of C
}

// unpackedRows is the largest number of rows of C for which B is read in place. For more rows, packing B costs less than
// reading it with large strides.
const unpackedRows = 1024

// stridedRows is the number of rows of C from which B is packed if its rows lie 4 KiB apart, or 2 KiB and are many: then they
// share a few sets of the caches, and reading B in place takes twice the time of the product.
const stridedRows = 32

// strided reports whether the rows of a B of (k, n) share a few sets of the caches.
func strided(k, n int) bool { return n%1024 == 0 && k >= 64 || n%512 == 0 && k >= 512 }

// largeB is the number of elements of a B that no cache of a core holds, 2 MiB. Its rows lie far apart, so it is packed even
// for few rows, and a task has largeBRows rows at least where four tasks are left: each task reads all of B.
const (
	largeB     = 1 << 19
	largeBRows = 64
)

// outerBlock is the number of rows of A and B of a product with a transposed A that are added at a time, if there are more
// than twice as many: the part of a panel stays in the L1 cache, and that of A in L2.
const outerBlock = 512

// repeatedB is the number of products with one B for which it is packed: the steps of a sequence share it.
const repeatedB = 4

// productsOf returns the number of products whose right operand is b, not transposed.
func (c *compiler) productsOf(b *graph.Node) int {
	n := 0
	for _, u := range c.uses[base(b)] {
		if u.user.Op() == graph.OpMatMul && base(u.user.In()[1]) == base(b) && !u.user.Attr().TransB {
			n++
		}
	}
	return n
}

// packFloats is the smallest number of elements of a task that packs.
const packFloats = 1 << 14

// lowerMatMul returns the root for a matrix product.
func (c *compiler) lowerMatMul(n *graph.Node, s *stage) root {
	a, b, attr, lead := n.In()[0], n.In()[1], n.Attr(), len(n.Shape())-2
	mm := &matmul{
		a: c.operand(a, s), out: c.bufs[n], count: n.Shape()[:lead].Size(),
		m: n.Shape()[lead], n: n.Shape()[lead+1], k: a.Shape()[lead+1], lda: a.Shape()[lead+1], transA: attr.TransA,
	}
	if attr.TransA {
		mm.k = a.Shape()[lead]
	}
	ldb := b.Shape()[lead+1]
	s.cost = 2 * float64(mm.count) * float64(mm.m) * float64(mm.n) * float64(mm.k) / 16
	mm.ldb, mm.panelStride, mm.matrixB = kernel.PanelCols, mm.k*kernel.PanelCols, mm.k*mm.n
	switch {
	case mm.n == 1 && !mm.transA: // a column and its transpose have the same elements in order
		mm.dot, mm.b = true, c.operand(b, s)
	case !attr.TransB && mm.m <= unpackedRows && !(mm.k*mm.n > largeB && mm.m >= largeBRows) && !(strided(mm.k, mm.n) && mm.m >= stridedRows) && c.productsOf(b) < repeatedB:
		mm.b, mm.ldb, mm.panelStride = c.operand(b, s), ldb, kernel.PanelCols
	default:
		mm.matrixB = kernel.PackedLen(mm.k, mm.n)
		form, units, pack := "B", mm.k, mm.packRows // of a matrix
		if attr.TransB {
			form, units, pack = "BT", (mm.n+kernel.PanelCols-1)/kernel.PanelCols, mm.packColumns
		}
		tasks := max(1, min(units*mm.count, mm.count*mm.k*mm.n/packFloats))
		mm.b = c.packedTasks(packKey{c.bufs[base(b)], fmt.Sprint(form, b.Shape())}, mm.count*mm.matrixB, tasks, s, infoOf(b),
			func(_ *worker, task int, dst, src []float32) {
				for u, end := units*mm.count*task/tasks, units*mm.count*(task+1)/tasks; u < end; {
					q, first := u/units, u%units
					last := min(units, first+end-u)
					pack(dst[q*mm.matrixB:], src[q*mm.k*mm.n:], first, last)
					u += last - first
				}
			})
	}
	mm.srcOffs, mm.dstOffs = rowOffsets(mm.lda), rowOffsets(mm.n)
	if base(a).Op() == graph.OpInput && lead == 0 && c.parent == nil && !c.check && mm.n >= minSparseColumns {
		mm.sparse = &zeroSkipper{a: mm.a, transA: mm.transA, lda: mm.lda, k: mm.k, ldb: mm.ldb}
		c.reserveScratch(mm.sparse.scratch())
	}
	return mm
}

// packRows packs rows [from, to) of a matrix B.
func (mm *matmul) packRows(dst, src []float32, from, to int) {
	kernel.PackBRows(dst, src, mm.k, mm.n, mm.n, from, to)
}

// packColumns packs panels [from, to) of a matrix B, the transpose of which is src.
func (mm *matmul) packColumns(dst, src []float32, from, to int) {
	from *= kernel.PanelCols
	kernel.PackBT(dst[from*mm.k:], src[from*mm.k:], mm.k, min(to*kernel.PanelCols, mm.n)-from, mm.k)
}

// taskFlops is the approximate number of floating-point operations of a task: a few hundred microseconds of work.
const taskFlops = 8 << 20

// split returns tasks of equal numbers of rows. The number is a multiple of the tile only if a task has few rows, so that a
// partial tile would cost much.
func (mm *matmul) split(align int) []int {
	all := mm.count * mm.m // rows
	flops := 2 * all * mm.n * mm.k
	tasks := max(1, min(max(flops/taskFlops, min(4, flops>>16)), 64))
	if mm.k*mm.n > largeB {
		if most := max(4, all/largeBRows&^3); tasks > most {
			tasks = most
		}
	}
	step := lcm(align, mm.n)
	rows := step / mm.n
	if rows%kernel.MaxRows != 0 && rows < all/8 && all < 2*kernel.MaxRows*tasks {
		step *= kernel.MaxRows / gcd(rows, kernel.MaxRows)
	}
	return evenSplit(all*mm.n, step, step, 1, tasks)
}

func (*matmul) pieceSize() int { return 0 }

func (mm *matmul) run(w *worker, lo, hi int) {
	for r0, r1 := lo/mm.n, hi/mm.n; r0 < r1; {
		q := r0 / mm.m
		end := min(r1, (q+1)*mm.m)
		switch first, last := r0-q*mm.m, end-q*mm.m; {
		case mm.dot:
			mm.runDot(w, q, first, last)
		case mm.sparse != nil:
			mm.runSparse(w, first, last)
		default:
			mm.runDense(w, q, first, last)
		}
		r0 = end
	}
}

// runDense computes rows [r0, r1) of the C of product q.
func (mm *matmul) runDense(w *worker, q, r0, r1 int) {
	a, b, c := q*mm.m*mm.k, q*mm.matrixB, q*mm.m*mm.n
	if mm.transA {
		step := mm.k
		if mm.k > 2*outerBlock {
			step = outerBlock
		}
		for p := 0; p < mm.k; p += step {
			for i := r0; i < r1; {
				r := nextTileRun(r1 - i)
				w.outer = kernel.OuterArgs{A: mm.a.ptr(a + p*mm.lda + i), LdA: mm.lda, B: mm.b.ptr(b + p*mm.ldb), LdB: mm.ldb, LdPanel: mm.panelStride,
					C: mm.out.ptr(c + i*mm.n), LdC: mm.n, P: min(step, mm.k-p), Cols: mm.n, Tiles: r.tiles, Accumulate: p > 0}
				kernel.Outer(r.mr, &w.outer)
				i += r.mr * r.tiles
			}
		}
		return
	}
	for i := r0; i < r1; {
		r := nextTileRun(r1 - i)
		w.rows = kernel.RowsArgs{Base: mm.a.ptr(a + i*mm.lda), Offs: &mm.srcOffs[0], W: mm.b.ptr(b), LdW: mm.ldb, LdPanel: mm.panelStride,
			C: mm.out.ptr(c + i*mm.n), COffs: &mm.dstOffs[0], Taps: 1, K: mm.k, Cols: mm.n, Tiles: r.tiles}
		kernel.Rows(r.mr, &w.rows)
		i += r.mr * r.tiles
	}
}

// runDot computes rows [r0, r1) of the C of product q, which has one column.
func (mm *matmul) runDot(w *worker, q, r0, r1 int) {
	a, b, c := q*mm.m*mm.k, mm.b.ptr(q*mm.matrixB), q*mm.m
	for i := r0; i < r1; {
		r := nextTileRun(r1 - i)
		w.dot = kernel.DotArgs{Base: mm.a.ptr(a + i*mm.lda), Offs: &mm.srcOffs[0], W: b,
			C: mm.out.ptr(c + i), COffs: &mm.dstOffs[0], Taps: 1, K: mm.k, Tiles: r.tiles}
		kernel.Dot(r.mr, &w.dot)
		i += r.mr * r.tiles
	}
}
