package prob_test

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/prob"
)

func ExampleGaussianKL() {
	mu, logVar := graph.ConstOf([]float32{1}, 1, 1), graph.ConstOf([]float32{0}, 1, 1)
	f, err := graph.NewFunc("kl", nil, []graph.Output{{Name: "kl", Value: prob.GaussianKL(mu, logVar)}}, nil)
	if err != nil {
		panic(err)
	}
	out, err := graph.Interp(f, graph.Env{})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.1f nats", out[0][0])
	// Output: 0.5 nats
}
