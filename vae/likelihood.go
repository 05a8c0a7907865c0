package vae

import (
	"fmt"
	"strings"

	"github.com/imago-ml/imago/graph"
	"github.com/imago-ml/imago/prob"
)

// A likelihood is a row of the table of losses: how far the decoder's logits are
// from the image.
type likelihood struct {
	name    string
	formula string
	unit    string
	nll     func(x, logits *graph.Node) *graph.Node // (B,H,W,C) twice → (B), nats
}

// With D = H·W·C, mse is D times Keras' mean squared error, the published 784·MSE
// of MNIST. What mse and mae leave out is the same for every image.
var likelihoods = []likelihood{
	{"bce", "Σ_pixels BCE(x, x̂)", "nats per image", prob.BernoulliLogits},
	{"mse", "Σ_pixels (x − x̂)²", "nats per image (Gaussian pixels of σ² = ½, constant left out)",
		func(x, l *graph.Node) *graph.Node { return prob.SquaredError(x, graph.Sigmoid(l)) }},
	{"mae", "Σ_pixels |x − x̂|", "nats per image (Laplace pixels of scale 1, constant left out)",
		func(x, l *graph.Node) *graph.Node { return prob.AbsoluteError(x, graph.Sigmoid(l)) }},
}

// likelihoodOf finds a row by name among those that a kind allows.
func likelihoodOf(name string, allowed []string) (likelihood, error) {
	for _, a := range allowed {
		for _, l := range likelihoods {
			if l.name == name && a == name {
				return l, nil
			}
		}
	}
	return likelihood{}, fmt.Errorf("vae: --loss %q: want %s", name, strings.Join(allowed, " or "))
}
