package optim_test

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/optim"
)

// Gradient descent on (w − 3)², with the step as a graph function.
func Example() {
	w, lr := graph.State("w"), graph.Input("lr", tensor.Float32)
	loss := graph.Square(graph.AddScalar(w, -3))
	params := []*graph.Node{w}

	rule, err := optim.ByName("sgd", "")
	if err != nil {
		panic(err)
	}
	grads := graph.Grad(loss, params...)
	updates, slots := rule.Update(params, grads, lr)
	updates = optim.Guard(updates, loss, optim.GlobalNorm(grads))
	step, err := graph.NewFunc("step", []*graph.Node{lr}, []graph.Output{{Name: "loss", Value: loss}}, updates)
	if err != nil {
		panic(err)
	}

	env := graph.Env{
		Inputs: map[string]graph.Value{"lr": {0.25}},
		States: map[string]graph.Value{"w": {1}},
	}
	for _, s := range slots { // none here: SGD without momentum remembers nothing
		env.States[s.Name] = graph.Value{float64(s.Value)}
	}
	for range 3 {
		out, err := graph.Interp(step, env)
		if err != nil {
			panic(err)
		}
		fmt.Println("loss", out[0][0], "w", env.States["w"][0])
	}
	// Output:
	// loss 4 w 2
	// loss 1 w 2.5
	// loss 0.25 w 2.75
}
