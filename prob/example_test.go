package prob_test

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/prob"
)

// evaluate returns the value of y in float64.
func evaluate(y *graph.Node) graph.Value {
	f, err := graph.NewFunc("example", nil, []graph.Output{{Name: "y", Value: y}}, nil)
	if err != nil {
		panic(err)
	}
	out, err := graph.Interp(f, graph.Env{})
	if err != nil {
		panic(err)
	}
	return out[0]
}

// The negative ELBO of two images of three pixels, with two latent units.
func Example() {
	x := graph.ConstOf([]float32{1, 0, 1, 0, 0, 1}, 2, 3)
	logits := graph.ConstOf([]float32{2, -1, 3, 0, 0, 0}, 2, 3)
	mu := graph.ConstOf([]float32{1, -1, 0, 0}, 2, 2)
	logVar := graph.ConstOf([]float32{0, 0, 0, 0}, 2, 2)

	nll := prob.BernoulliNLL(x, logits)
	kl := prob.GaussianKL(mu, logVar)
	fmt.Printf("NLL  %.3f nats\n", evaluate(nll))
	fmt.Printf("KL   %.3f nats\n", evaluate(kl))
	fmt.Printf("loss %.3f nats\n", evaluate(graph.Mean(graph.Add(nll, kl))))
	// Output:
	// NLL  [0.489 2.079] nats
	// KL   [1.000 0.000] nats
	// loss [1.784] nats
}

func ExampleGaussianKL() {
	mu, logVar := graph.ConstOf([]float32{1}, 1, 1), graph.ConstOf([]float32{0}, 1, 1)
	fmt.Printf("%.1f nats", evaluate(prob.GaussianKL(mu, logVar))[0])
	// Output: 0.5 nats
}
