package graphtest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
)

// A sample is a small function that uses a primitive, and operands at which it is smooth.
type sample struct {
	name     string
	f        func(x ...*graph.Node) *graph.Node
	operands []Operand
}

// Sweep checks the gradients of every primitive of package graph to second order, on a table of samples with odd shapes, all
// strides and paddings, and operands away from kinks. It fails t for a primitive without a sample, and for a sample that
// does not use its primitive. For StopGradient it checks that the gradient is 0.
func Sweep(t *testing.T) {
	forEachSample(t, func(t *testing.T, op graph.Op, s sample) {
		if op != graph.OpStop {
			CheckGrad(t, s.f, s.operands, 2)
			return
		}
		p := newCheckedGraph(s.operands)
		for i, g := range graph.Grad(p.randomProjection("weights", s.f(p.leaves...)), p.differentiable()...) {
			d, err := p.eval(graph.Sum(graph.Abs(g)), nil, 0)
			if err != nil || d != 0 {
				t.Errorf("the magnitude of the gradient in operand %d is %v (%v), want 0", i, d, err)
			}
		}
	})
}

// SweepDevice runs the same samples on d, each with its first and second derivatives, and compares them with the interpreter
// as Agree does. Use tol = 1e-6.
func SweepDevice[S State, O any, P Program](t *testing.T, d Device[S, O, P], tol float64) {
	forEachSample(t, func(t *testing.T, _ graph.Op, s sample) {
		p := newCheckedGraph(s.operands)
		y := s.f(p.leaves...)
		outs := []graph.Output{{Name: "y", Value: y}}
		loss := p.randomProjection("weights", y)
		for k := 1; k <= 2; k++ {
			directions := p.randomDirections(k)
			derivative := graph.Const(0)
			for i, g := range graph.Grad(loss, p.differentiable()...) {
				outs = append(outs, graph.Output{Name: fmt.Sprintf("gradient %d of order %d", i, k), Value: g})
				derivative = graph.Add(derivative, graph.Sum(graph.Mul(g, roundedConst(directions[i], g.Shape()))))
			}
			loss = derivative
		}
		f, err := graph.NewFunc(s.name, p.inputs(), outs, nil)
		if err != nil {
			t.Fatal(err)
		}
		Agree(t, d, f, p.env(nil, 0), tol)
	})
}

// forEachSample calls check in a subtest for each sample of each primitive.
func forEachSample(t *testing.T, check func(t *testing.T, op graph.Op, s sample)) {
	all := samples()
	for _, op := range graph.Ops() {
		if len(all[op]) == 0 {
			t.Errorf("%v has no sample in graphtest/samples.go", op)
		}
		for i, s := range all[op] {
			t.Run(fmt.Sprintf("%v/%d %s", op, i, s.name), func(t *testing.T) {
				p := newCheckedGraph(s.operands)
				f, err := graph.NewFunc(s.name, p.inputs(), []graph.Output{{Name: "y", Value: s.f(p.leaves...)}}, nil)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.ContainsFunc(f.Nodes(), func(n *graph.Node) bool { return n.Op() == op }) {
					t.Fatalf("the sample does not use its primitive:\n%v", f)
				}
				check(t, op, s)
			})
		}
	}
}
