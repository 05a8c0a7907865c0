package graph

import (
	"fmt"
	"strconv"
	"strings"
)

// String returns the text form of f, which Parse reads:
//
//	func "step"
//	%0 = input f32[2,3] name="x"
//	%1 = state f32[3,1] name="w"
//	%2 = matmul f32[2,1] %0 %1
//	%3 = sum f32[] %2 axes=[0,1]
//	return "loss"=%3
//	update %1=%4
//
// A line is a node: its number, its primitive, its element type and shape, its operands, and its attributes by name.
func (f *Func) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "func %q\n", f.Name)
	nodes := f.Nodes()
	num := make(map[*Node]int, len(nodes))
	for i, n := range nodes {
		num[n] = i
		fmt.Fprintf(&b, "%%%d = %v %v%v", i, n.op, n.dtype, n.shape)
		for _, x := range n.in {
			fmt.Fprintf(&b, " %%%d", num[x])
		}
		n.attr.print(&b, n.op)
		b.WriteByte('\n')
	}
	for _, o := range f.Outputs {
		fmt.Fprintf(&b, "return %q=%%%d\n", o.Name, num[o.Value])
	}
	for _, u := range f.Updates {
		fmt.Fprintf(&b, "update %%%d=%%%d\n", num[u.State], num[u.Value])
	}
	return b.String()
}

// print writes the attributes of a node of the primitive op.
func (a Attr) print(b *strings.Builder, op Op) {
	if a.Name != "" {
		fmt.Fprintf(b, " name=%q", a.Name)
	}
	if a.Data != nil {
		b.WriteString(" data=[")
		for i, v := range a.Data {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.FormatFloat(float64(v), 'g', -1, 32))
		}
		b.WriteByte(']')
	}
	ints := func(name string, v []int) {
		if v != nil {
			fmt.Fprintf(b, " %s=%v", name, Shape(v))
		}
	}
	ints("axes", a.Axes)
	if !op.hasShapeAttr() {
		ints("lo", a.Lo)
		ints("hi", a.Hi)
		ints("step", a.Step)
	}
	if a.Conv != (ConvConfig{}) {
		fmt.Fprintf(b, " stride=%v padding=%v", Shape(a.Conv.Stride[:]), a.Conv.Padding)
	}
	if a.TransA {
		b.WriteString(" transA")
	}
	if a.TransB {
		b.WriteString(" transB")
	}
}
