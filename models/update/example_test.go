package update_test

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/update"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

// Two networks of one parameter each learn against each other: a generator that adds
// θ to noise, and a critic D(x) = w·x that separates what is generated from data of
// mean 3. The critic minimises D(fake) − D(real) + w²/2, the generator −D(fake).
func ExampleNew() {
	b := nn.NewBuilder()
	key, lr := graph.Input("key", tensor.Int32, 4), graph.Input("lr", tensor.Float32)
	theta, w := b.Network("generator").Param("theta", nn.Zeros), b.Network("critic").Param("w", nn.Zeros)

	real := graph.AddScalar(graph.Normal(key, "data", 64), 3)
	fake := graph.Add(graph.Normal(key, "noise", 64), theta)
	critic := func(x *graph.Node) *graph.Node { return graph.Mean(graph.Mul(w, x)) }
	criticLoss := graph.Add(graph.Sub(critic(fake), critic(real)), graph.Scale(graph.Square(w), 0.5))
	generatorLoss := graph.Neg(critic(fake))

	adam := func(name string) optim.Rule { return optim.Adam{Name: name, Beta1: 0.5, Beta2: 0.9, Epsilon: 1e-8} }
	step := update.New(b, lr,
		update.Update{Name: "critic", Loss: criticLoss, Params: update.Params(b, "critic"), Optimizer: adam("adam/critic"), Rate: 4},
		update.Update{Name: "generator", Loss: generatorLoss, Params: update.Params(b, "generator"), Optimizer: adam("adam/generator")},
	)
	f, err := graph.NewFunc("step", []*graph.Node{key, lr}, step.Metrics, step.Updates)
	if err != nil {
		panic(err)
	}

	states := map[string]graph.Value{"generator/theta": {0}, "critic/w": {0}}
	for _, s := range step.Slots {
		states[s.Name] = graph.Value{float64(s.Value)}
	}
	for i := range 1000 {
		var words graph.Value
		for _, word := range rng.New(uint64(i)).Words() {
			words = append(words, float64(word))
		}
		rate := graph.Value{0.05 * float64(1000-i) / 1000}
		if _, err := graph.Interp(f, graph.Env{Inputs: map[string]graph.Value{"key": words, "lr": rate}, States: states}); err != nil {
			panic(err)
		}
	}
	fmt.Printf("the generator adds %.1f\n", states["generator/theta"][0])
	// Output: the generator adds 3.0
}
