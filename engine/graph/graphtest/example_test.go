package graphtest_test

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/graph/graphtest"
	"github.com/imago-ml/imago/engine/rng"
)

// The gradient of a layer of your own: the swish activation x·sigmoid(x), to second order. In a test, pass the *testing.T.
func ExampleCheckGrad() {
	swish := func(x ...*graph.Node) *graph.Node {
		return graph.Mul(x[0], graph.Sigmoid(x[0]))
	}
	t := &recorder{}
	graphtest.CheckGrad(t, swish, []graphtest.Operand{graphtest.Vector(-1, 0.5, 2)}, 2)
	fmt.Println("failures:", len(t.failed))
	// Output: failures: 0
}

// A random function with random operands, for tests of devices and rewrites.
func ExampleRandomFunc() {
	key := rng.New(1)
	f := graphtest.RandomFunc(key)
	out, err := graph.Interp(f, graphtest.RandomEnv(key, f))
	if err != nil {
		panic(err)
	}
	fmt.Println(len(out) == len(f.Outputs))
	// Output: true
}
