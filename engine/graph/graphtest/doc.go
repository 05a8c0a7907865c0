// Package graphtest checks graphs: gradients against central differences, every
// primitive of the table in turn, and devices against the float64 interpreter.
//
// It is public so that whoever writes a layer or a device checks it with the
// project's own tools:
//
//	func TestSwish(t *testing.T) {
//		graphtest.CheckGrad(t, func(x ...*graph.Node) *graph.Node {
//			return graph.Mul(x[0], graph.Sigmoid(x[0]))
//		}, []graphtest.Operand{graphtest.Of(-1, 0.5, 2)}, 2)
//	}
//
// Every comparison has the form !(difference <= tolerance), so NaN fails. The
// package knows no device: Agree takes whatever has the methods it needs, which
// a backend.Backend has.
package graphtest
