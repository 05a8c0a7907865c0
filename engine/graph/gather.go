package graph

import "fmt"

// Gather returns the rows of a table that ids name: table (V, …), ids (i…) → (i…, …), row ids[i…] at i…. Ids are whole
// numbers in float32, which is exact below 2²⁴. A row whose id is not one of 0 … V−1 is 0: use −1 for what is missing. The
// gradient of the table is ScatterAdd. Ids have no gradient.
func Gather(table, ids *Node) *Node { return newNode(OpGather, Attr{}, table, ids) }

// ScatterAdd returns a table of so many rows, of which each is the sum of those of x whose id it has: x (i…, …), ids (i…) →
// (rows, …). It is the adjoint of Gather: a row whose id is not one of 0 … rows−1 is left out, and a row that no id names
// is 0. The gradient of x is Gather.
func ScatterAdd(x, ids *Node, rows int) *Node {
	n := len(ids.shape)
	if len(x.shape) < n {
		panic(&ShapeError{ops[OpScatterAdd].name, []Shape{x.shape, ids.shape}, wantIDs})
	}
	return newNode(OpScatterAdd, Attr{Hi: append(Shape{rows}, x.shape[n:]...)}, x, ids)
}

const wantIDs = "want an id for each row: the leading axes of the first operand"

func inferGather(in []Shape, _ *Attr, fail func(string)) Shape {
	if len(in[0]) == 0 {
		fail("a table has rows: want an axis")
	}
	return append(in[1].Clone(), in[0][1:]...)
}

func inferScatterAdd(in []Shape, a *Attr, fail func(string)) Shape {
	s, n := inferFromAttr(in, a, fail), len(in[1])
	if len(in[0]) < n || !in[0][:n].Equal(in[1]) {
		fail(wantIDs)
	}
	if len(s) == 0 || !s[1:].Equal(in[0][n:]) {
		fail(fmt.Sprintf("%v is no table of rows of shape %v", s, in[0][n:]))
	}
	return s
}

// rowOf returns the row of a table that an id names, or −1 if there is none.
func rowOf(id float64, rows int) int {
	if id >= 0 && id < float64(rows) && id == float64(int(id)) {
		return int(id)
	}
	return -1
}

func evalGather(n *Node, in []Value) Value {
	rows, width := n.in[0].shape[0], n.in[0].shape[1:].Size()
	y := make(Value, n.shape.Size())
	for i, id := range in[1] {
		if r := rowOf(id, rows); r >= 0 {
			copy(y[i*width:(i+1)*width], in[0][r*width:])
		}
	}
	return y
}

func evalScatterAdd(n *Node, in []Value) Value {
	width := n.shape[1:].Size()
	y := make(Value, n.shape.Size())
	for i, id := range in[1] {
		if r := rowOf(id, n.shape[0]); r >= 0 {
			for j := range width {
				y[r*width+j] += in[0][i*width+j]
			}
		}
	}
	return y
}
