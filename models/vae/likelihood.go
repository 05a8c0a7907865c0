package vae

import (
	"fmt"
	"math"
	"strings"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/prob"
)

// A likelihood is a row of the table of losses: how far the decoder's logits are
// from the image, and what picture they are.
type likelihood struct {
	name    string
	formula string
	unit    string
	measure model.Measure
	// constant is what nll leaves out of −ln p, nats a value of an image.
	constant float64
	// nll is −ln p(x|z): x and logits (B,H,W,C) → (B). What it learns besides the
	// logits is a parameter of the network dec.
	nll func(dec *nn.Builder, x, logits *graph.Node) *graph.Node
	// mean is E[x|z] of logits.
	mean func(logits *graph.Node) *graph.Node
	// binarize says that x is a draw of the image's pixels, anew in each batch.
	binarize bool
}

const densityUnit = "nats per image (a density: it may be negative)"

// With D = H·W·C, mse is D times Keras' mean squared error, the published 784·MSE
// of MNIST. What mse and mae leave out is the same for every image.
var likelihoods = []likelihood{
	{name: "bce", formula: "Σ_pixels BCE(x, x̂)", unit: "nats per image", measure: model.Binary,
		nll: unlearned(prob.BernoulliNLL), mean: graph.Sigmoid},
	{name: "mse", formula: "Σ_pixels (x − x̂)²", unit: "nats per image (Gaussian pixels of σ² = ½, constant left out)", measure: model.Density,
		constant: math.Log(math.Pi) / 2, nll: unlearned(ofPictures(prob.SquaredError)), mean: graph.Sigmoid},
	{name: "mae", formula: "Σ_pixels |x − x̂|", unit: "nats per image (Laplace pixels of scale 1, constant left out)", measure: model.Density,
		constant: math.Ln2, nll: unlearned(ofPictures(prob.AbsoluteError)), mean: graph.Sigmoid},
	{name: "cb", formula: "Σ_pixels −ln CB(x; x̂)", unit: densityUnit, measure: model.Density,
		nll: unlearned(prob.ContinuousBernoulliNLL), mean: prob.ContinuousBernoulliMean},
	{name: "gaussian", unit: densityUnit, measure: model.Density, mean: graph.Sigmoid}, // formula and nll: see gaussian
	{name: "sigma", formula: "Σ_pixels −ln N(x; x̂, σ²), σ learned", unit: densityUnit, measure: model.Density, nll: sigmaError, mean: graph.Sigmoid},
	{name: "logistic", formula: "Σ_pixels −ln P(x; x̂, s), 256 levels, scale s learned", unit: "nats per image", measure: model.Levels,
		nll: logisticError, mean: graph.Sigmoid},
}

func unlearned(f func(x, logits *graph.Node) *graph.Node) func(dec *nn.Builder, x, logits *graph.Node) *graph.Node {
	return func(_ *nn.Builder, x, logits *graph.Node) *graph.Node { return f(x, logits) }
}

func ofPictures(f func(x, y *graph.Node) *graph.Node) func(x, logits *graph.Node) *graph.Node {
	return func(x, l *graph.Node) *graph.Node { return f(x, graph.Sigmoid(l)) }
}

// gaussian returns the row of that name with its σ.
func (l likelihood) gaussian(sigma float64) likelihood {
	l.formula = fmt.Sprintf("Σ_pixels −ln N(x; x̂, %g²)", sigma)
	l.nll = func(_ *nn.Builder, x, logits *graph.Node) *graph.Node {
		return prob.GaussianNLL(x, graph.Sigmoid(logits), graph.Const(math.Log(sigma)))
	}
	return l
}

// sigmaError has one σ for all pixels of all images, learned with the networks: the
// σ-VAE of Rybkin, Daniilidis & Levine, arXiv:2006.13202.
func sigmaError(dec *nn.Builder, x, logits *graph.Node) *graph.Node {
	return prob.GaussianNLL(x, graph.Sigmoid(logits), logScale(dec, "log_sigma", logits))
}

// logisticError has one scale for all pixels of all images, as Kingma et al.,
// arXiv:1606.04934.
func logisticError(dec *nn.Builder, x, logits *graph.Node) *graph.Node {
	return prob.DiscretizedLogisticNLL(x, graph.Sigmoid(logits), logScale(dec, "log_scale", logits))
}

// logScale returns ln of a learned scale. Its parameter is a tenth of it: a step of Adam
// is about as long as the learning rate whatever the gradient, and ln σ goes from 0
// to −3 or so while a weight moves by a tenth.
func logScale(dec *nn.Builder, name string, logits *graph.Node) *graph.Node {
	p := dec.Param("pixels/"+name, nn.Zeros)
	dec.Layer("pixels", "Scale", logits, logits)
	return graph.Scale(p, 10)
}

func (l likelihood) row() likelihood { return l }

// seen returns the scene with the images as the model is to see them.
func (l likelihood) seen(s *scene) *scene {
	if !l.binarize {
		return s
	}
	t := *s
	t.x = graph.Tag(prob.Binarize(s.x, s.key, "pixels"), "binarize")
	return &t
}

// error returns −ln p(x|z) of the scene's images, (B), with the logits of each.
func (l likelihood) error(s *scene, logits *graph.Node) *graph.Node {
	return graph.Tag(l.nll(s.b.Network("decoder"), s.x, logits), model.Reconstruction)
}

// Pixels are the options of a likelihood, beside its name.
type Pixels struct {
	Sigma    float64 `json:"sigma" flag:"sigma" help:"standard deviation of the pixels with --loss gaussian"`                                               // > 0
	Binarize bool    `json:"binarize" flag:"binarize" help:"draw each pixel as 0 or 1, with its grey for probability, anew in each batch; with --loss bce"` // bce
}

// defaultSigma is Pixels.Sigma unless told otherwise.
const defaultSigma = 0.1

func (p Pixels) validate(loss string) []error {
	var faults []error
	switch {
	case !(p.Sigma > 0) || math.IsInf(p.Sigma, 0):
		faults = append(faults, option.Errorf("vae: {Sigma} %v: want a number above 0, of pixels from 0 to 1", p.Sigma))
	case p.Sigma != defaultSigma && loss != "gaussian":
		faults = append(faults, option.Errorf("vae: {Sigma} %v has no part in {Loss} %s: use {Loss} gaussian", p.Sigma, loss))
	}
	if p.Binarize && loss != "bce" {
		faults = append(faults, option.Errorf("vae: {Binarize} makes pixels of 0 and 1, and {Loss} %s is not of such: use {Loss} bce", loss))
	}
	return faults
}

// of returns the row of that name with the options.
func (p Pixels) of(loss string) likelihood {
	l, _ := likelihoodOf(loss, []string{loss})
	l.binarize = p.Binarize
	if loss == "gaussian" {
		l = l.gaussian(p.Sigma)
	}
	return l
}

// losses returns the names of all rows.
func losses() []string {
	var names []string
	for _, l := range likelihoods {
		names = append(names, l.name)
	}
	return names
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
	return likelihood{}, option.Errorf("vae: {Loss} %q: want %s", name, strings.Join(allowed, " or "))
}
