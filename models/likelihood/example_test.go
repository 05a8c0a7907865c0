package likelihood_test

import (
	"fmt"
	"math"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/prob"
)

// A likelihood of your own is a value: Laplace pixels whose scale is learned.
func Example() {
	laplace := likelihood.Likelihood{
		Name: "laplace", About: "Laplace pixels, scale learned",
		Formula: "Σ_pixels |x − x̂|/s + ln s", Unit: "nats per image (a density: it may be negative)",
		Measure: model.Density, Constant: math.Ln2,
		NLL: func(dec *nn.Builder, x, logits *graph.Node) *graph.Node {
			logS := likelihood.LogScale(dec, "log_s", logits)
			size := float64(x.Shape()[1:].Size())
			off := prob.AbsoluteError(x, graph.Sigmoid(logits))
			return graph.Add(graph.Mul(off, graph.Exp(graph.Neg(logS))), graph.Scale(logS, size))
		},
		Mean: graph.Sigmoid,
	}
	fmt.Println(laplace.Formula, "in", laplace.Unit)
	// Output: Σ_pixels |x − x̂|/s + ln s in nats per image (a density: it may be negative)
}

// A configuration chooses one of the table.
func ExampleOptions() {
	l, err := likelihood.Options{Loss: "gaussian", Sigma: 0.2}.Likelihood()
	fmt.Println(l.Formula, err)
	_, err = likelihood.DefaultOptions("huber").Likelihood()
	fmt.Println(err)
	// Output:
	// Σ_pixels −ln N(x; x̂, 0.2²) <nil>
	// likelihood: Loss "huber": want bce or mse or mae or cb or gaussian or sigma or logistic
}
