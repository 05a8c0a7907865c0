package cpu

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/kernel"
)

// rowOf returns the row of a table that an id names, or −1 if there is none.
func rowOf(id float32, rows int) int {
	if id >= 0 && id < float32(rows) && id == float32(int(id)) {
		return int(id)
	}
	return -1
}

// lowerGather sets the tasks of s: each copies the rows of a range of ids.
func lowerGather(s *stage, n *graph.Node, table, ids, out *buffer) {
	rows, width := n.In()[0].Shape()[0], n.In()[0].Shape()[1:].Size()
	bounds := evenSplit(ids.size, 1, 1, 1, max(1, min(16, out.size>>14)))
	s.tasks = len(bounds) - 1
	s.run = func(_ *worker, task int) {
		for i := bounds[task]; i < bounds[task+1]; i++ {
			y := out.data[i*width : (i+1)*width]
			if r := rowOf(ids.data[i], rows); r >= 0 {
				copy(y, table.data[r*width:(r+1)*width])
			} else {
				clear(y)
			}
		}
	}
}

// lowerScatterAdd sets the tasks of s: each owns a range of rows of the table, and adds what belongs to them in the order of
// the ids. So no two tasks write to one row, and the bits do not depend on who runs a task.
func lowerScatterAdd(s *stage, n *graph.Node, x, ids, out *buffer) {
	rows, width := n.Shape()[0], n.Shape()[1:].Size()
	bounds := evenSplit(rows, 1, 1, 1, max(1, min(16, (out.size+x.size)>>14)))
	s.tasks = len(bounds) - 1
	s.cost = float64(out.size + x.size)
	s.run = func(_ *worker, task int) {
		lo, hi := bounds[task], bounds[task+1]
		clear(out.data[lo*width : hi*width])
		for i, id := range ids.data[:ids.size] {
			if r := rowOf(id, rows); r >= lo && r < hi {
				kernel.AddTo(out.data[r*width:(r+1)*width], x.data[i*width:(i+1)*width])
			}
		}
	}
}
