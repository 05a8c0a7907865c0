package graph_test

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// Two steps of gradient descent on the mean squared error of a linear model.
func Example() {
	x, y := graph.Input("x", tensor.Float32, 2, 1), graph.Input("y", tensor.Float32, 2, 1)
	w := graph.State("w", 1, 1)
	loss := graph.Mean(graph.Square(graph.Sub(graph.MatMul(x, w), y)))
	grad := graph.Grad(loss, w)[0]
	step, err := graph.NewFunc("step", []*graph.Node{x, y},
		[]graph.Output{{Name: "loss", Value: loss}},
		[]graph.Update{{State: w, Value: graph.Sub(w, graph.Scale(grad, 0.25))}})
	if err != nil {
		panic(err)
	}

	env := graph.Env{
		Inputs: map[string]graph.Value{"x": {1, -1}, "y": {3, -3}},
		States: map[string]graph.Value{"w": {1}},
	}
	for range 2 {
		out, err := graph.Interp(step, env)
		if err != nil {
			panic(err)
		}
		fmt.Println("loss", out[0][0], "w", env.States["w"][0])
	}
	// Output:
	// loss 4 w 2
	// loss 1 w 2.5
}

// A builder panics if shapes do not fit; Try makes an error of it.
func ExampleTry() {
	err := graph.Try(func() {
		graph.MatMul(graph.State("a", 2, 3), graph.State("b", 4, 5))
	})
	fmt.Println(err)
	// Output: graph: matmul([2,3], [4,5]): inner lengths 3 and 4 differ
}

// A function prints as text, and Parse reads it back.
func ExampleParse() {
	f, err := graph.Parse(`func "double"
%0 = input f32[3] name="x"
%1 = const f32[] data=[2]
%2 = broadcast f32[3] %1
%3 = mul f32[3] %0 %2
return "y"=%3
`)
	if err != nil {
		panic(err)
	}
	out, err := graph.Interp(f, graph.Env{Inputs: map[string]graph.Value{"x": {1, 2, 3}}})
	if err != nil {
		panic(err)
	}
	fmt.Println(out[0])
	// Output: [2 4 6]
}
