package graph

import (
	"strings"
	"testing"
)

// A new primitive is a constant and a row; a row with an empty column fails here.
func TestOpTable(t *testing.T) {
	names := map[string]Op{}
	for _, op := range Ops() {
		d := ops[op]
		if d.name == "" || d.hlo == "" || d.infer == nil || d.vjp == nil {
			t.Errorf("op %d (%q): empty column in the op table", op, d.name)
		}
		if given := op == OpInput || op == OpState; d.eval == nil != given {
			t.Errorf("%s: reference evaluation is missing, or is one of a value that is given", d.name)
		}
		if other, dup := names[d.name]; dup {
			t.Errorf("ops %d and %d are both called %q", other, op, d.name)
		}
		names[d.name] = op
		if d.name != op.String() || strings.ContainsAny(d.name, " \t\n%=") {
			t.Errorf("%q is not a word, or String says %q", d.name, op)
		}
	}
	if len(names) != int(numOps) {
		t.Errorf("Ops lists %d primitives, want %d", len(names), numOps)
	}
	if got := numOps.String(); got != "op(36)" {
		t.Errorf("one past the last primitive prints %q", got)
	}
}

// A gradient must have the shape of its operand; the vjp rows are held to it on
// whatever Sweep builds, this only on what it cannot: the primitives that are
// element-wise are so for every shape.
func TestElementwise(t *testing.T) {
	for _, op := range Ops() {
		if !op.Elementwise() {
			continue
		}
		in := make([]*Node, ops[op].arity)
		for i := range in {
			in[i] = State(string(rune('a'+i)), 2, 3)
		}
		if y := newNode(op, Attr{}, in...); !y.shape.Equal(Shape{2, 3}) {
			t.Errorf("%v of operands [2,3] has shape %v", op, y.shape)
		}
	}
}
