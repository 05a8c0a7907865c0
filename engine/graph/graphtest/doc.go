// Package graphtest tests graphs and devices. It compares gradients with central differences, and devices with the float64
// interpreter, on samples of every primitive and on random functions.
//
// To test a layer of your own, check the gradient of its function:
//
//	func TestSwish(t *testing.T) {
//		graphtest.CheckGrad(t, func(x ...*graph.Node) *graph.Node {
//			return graph.Mul(x[0], graph.Sigmoid(x[0]))
//		}, []graphtest.Operand{graphtest.Vector(-1, 0.5, 2)}, 2)
//	}
//
// To test a device of your own, run every primitive and many random functions on it:
//
//	func TestDevice(t *testing.T) {
//		d := newDevice()
//		graphtest.SweepDevice(t, d, 1e-6)
//		for seed := range uint64(100) {
//			key := rng.New(seed)
//			f := graphtest.RandomFunc(key)
//			graphtest.Agree(t, d, f, graphtest.RandomEnv(key, f), 1e-6)
//		}
//	}
//
// Every comparison has the form !(difference <= tolerance), so NaN fails. The package must not know a concrete device:
// Device lists the methods that it needs, which a backend.Backend has. Only tests may import it.
package graphtest
