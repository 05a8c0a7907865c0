package graph

import (
	"strings"
	"testing"
)

// Every row of the table is complete. A new primitive is a constant and a row.
func TestOpTable(t *testing.T) {
	names := map[string]Op{}
	for _, op := range Ops() {
		d := ops[op]
		if d.name == "" || d.hlo == "" || d.infer == nil || d.vjp == nil {
			t.Errorf("op %d (%q): empty column in the op table", op, d.name)
		}
		if external := op == OpInput || op == OpState; d.eval == nil != external {
			t.Errorf("%s: eval is missing, or is set for an input or state", d.name)
		}
		if other, dup := names[d.name]; dup {
			t.Errorf("ops %d and %d are both called %q", other, op, d.name)
		}
		names[d.name] = op
		if d.name != op.String() || strings.ContainsAny(d.name, " \t\n%=") {
			t.Errorf("%q is not one word, or String returns %q", d.name, op)
		}
	}
	if len(names) != int(numOps) {
		t.Errorf("Ops lists %d primitives, want %d", len(names), numOps)
	}
	if got := numOps.String(); got != "op(38)" {
		t.Errorf("one past the last primitive prints %q", got)
	}
}

// The primitives that Elementwise reports take operands of one shape to a result of that shape.
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
