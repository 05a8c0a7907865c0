package mixture_test

import (
	"context"
	"fmt"

	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/prob/mixture"
)

// A mixture of two components, fitted to points that are drawn from a known one.
func Example() {
	known := &mixture.Mixture{
		Dim:     2,
		Weights: []float64{0.75, 0.25},
		Means:   []float64{0, 0, 10, -10},
		Covs:    []float64{1, 4, 1, 1}, // diagonals
	}
	points, err := known.Draw(rng.New(1), 10_000)
	if err != nil {
		panic(err)
	}

	m, err := mixture.Fit(context.Background(), points, 10_000, 2, 2, mixture.Options{Key: rng.New(2)})
	if err != nil {
		panic(err)
	}
	logp, err := m.LogDensity([]float32{0, 0, 5, -5})
	if err != nil {
		panic(err)
	}
	fmt.Printf("components: %d\n", m.Components())
	fmt.Printf("ln p(0, 0) = %.1f nats\n", logp[0])
	fmt.Println("(5, −5) is less likely:", logp[1] < logp[0]-5)
	// Output:
	// components: 2
	// ln p(0, 0) = -2.8 nats
	// (5, −5) is less likely: true
}
