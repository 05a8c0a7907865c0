package graphtest_test

import (
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/graph/graphtest"
)

func TestSweep(t *testing.T) { graphtest.Sweep(t) }

func TestSweepDevice(t *testing.T) { graphtest.SweepDevice(t, float32Device{}, 1e-6) }

// CheckGrad reports a wrong first or second derivative. The wrong ones come from StopGradient, which hides a part of the
// graph from Grad.
func TestCheckGradFindsFaults(t *testing.T) {
	operands := []graphtest.Operand{graphtest.Vector(0.3, -1.2, 2)}
	for _, c := range []struct {
		name string
		f    func(x ...*graph.Node) *graph.Node
		want string // the start of the message; empty if the derivatives are right
	}{
		{"right", func(x ...*graph.Node) *graph.Node { return graph.Mul(x[0], graph.Exp(x[0])) }, ""},
		{"first order", func(x ...*graph.Node) *graph.Node {
			return graph.Mul(x[0], graph.Exp(graph.StopGradient(graph.Scale(x[0], 0.01))))
		}, "order 1"},
		{"one element in first order", func(x ...*graph.Node) *graph.Node {
			last := graph.ConstOf([]float32{0, 0, 1}, 3)
			return graph.Select(last, graph.Square(graph.StopGradient(x[0])), graph.Square(x[0]))
		}, "order 1"},
		// x²/2, written so that the first derivative is right at the point and the second is wrong.
		{"second order", func(x ...*graph.Node) *graph.Node {
			s := graph.StopGradient(x[0])
			return graph.Add(graph.Mul(s, graph.Sub(x[0], s)), graph.Scale(graph.Square(s), 0.5))
		}, "order 2"},
	} {
		msg := failureMessage(t, func(t testing.TB) { graphtest.CheckGrad(t, c.f, operands, 2) })
		if c.want == "" && msg != "" || !strings.HasPrefix(msg, c.want) {
			t.Errorf("%s: the message is %q, want %q", c.name, msg, c.want)
		}
	}
}
