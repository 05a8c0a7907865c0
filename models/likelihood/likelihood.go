// Package likelihood is the table of reconstruction losses: p(x|z), the distribution
// of the pixels of an image given the output of a decoder.
//
// A Likelihood is a value: take one of the table by ByName or by its constructor, or
// write your own by setting NLL and Mean. Every model that reconstructs images, in
// packages vae and gan and outside, works with any Likelihood. Options are the fields
// by which a configuration chooses one.
//
// The package knows no encoder, no prior and no training loop.
package likelihood

import (
	"fmt"
	"math"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/prob"
)

// B images, H×W×C pixels in [0,1], in every comment of this package.

// A Likelihood is p(x|z), of images x given the logits that a decoder computes from
// codes z.
type Likelihood struct {
	Name    string // as in the option Loss
	About   string // the distribution of a pixel, a few words for a list
	Formula string // what NLL returns, as "Σ_pixels BCE(x, x̂)"
	Unit    string // of NLL, as "nats per image"
	Measure model.Measure

	// Constant is the part of −ln p that NLL leaves out, in nats for each number of an
	// image: the same for every image.
	Constant float64

	// NLL returns −ln p(x|z) − H·W·C·Constant of each image, summed over pixels, in nats:
	// x and logits (B,H,W,C) → (B). A parameter that it learns, such as a scale, it
	// declares in dec, the network of the decoder.
	NLL func(dec *nn.Builder, x, logits *graph.Node) *graph.Node

	// Mean returns E[x|z], the image that logits stand for: (B,H,W,C) → (B,H,W,C) in [0,1].
	Mean func(logits *graph.Node) *graph.Node

	// Binarize declares that images are replaced by draws: each pixel is 1 with its grey
	// value as probability, else 0, drawn anew in each batch. See Target.
	Binarize bool
}

// Target returns the images whose likelihood is computed: x (B,H,W,C) itself, or with
// Binarize a draw of 0 or 1 for each pixel. key is the random key of the batch.
func (l Likelihood) Target(x, key *graph.Node) *graph.Node {
	if !l.Binarize {
		return x
	}
	return graph.Tag(prob.Binarize(x, key, "pixels"), "binarize")
}

// Describe returns the description of the likelihood for images of that shape.
func (l Likelihood) Describe(img medium.Item) *model.Likelihood {
	return &model.Likelihood{Name: l.Name, Measure: l.Measure, Constant: l.Constant * float64(img.Size())}
}

const (
	nats        = "nats per image"
	densityUnit = nats + " (a density: it may be negative)"
)

// Bernoulli returns the likelihood of pixels that are 0 or 1, bce:
//
//	NLL = Σ −x ln x̂ − (1−x) ln(1−x̂),   x̂ = σ(logits)
//
// It is the binary cross-entropy also of grey pixels. Kingma & Welling,
// arXiv:1312.6114, app. C.1.
func Bernoulli() Likelihood {
	return Likelihood{Name: "bce", About: "Bernoulli pixels", Formula: "Σ_pixels BCE(x, x̂)", Unit: nats, Measure: model.Binary,
		NLL: fromLogits(prob.BernoulliNLL), Mean: graph.Sigmoid}
}

// SquaredError returns the likelihood of Gaussian pixels of σ² = ½, mse:
//
//	NLL = Σ (x − x̂)²,   x̂ = σ(logits)
//
// It is H·W·C times the mean squared error of Keras. Its Constant is ½ ln π.
func SquaredError() Likelihood {
	return Likelihood{Name: "mse", About: "Gaussian pixels of σ² = ½", Formula: "Σ_pixels (x − x̂)²",
		Unit: nats + " (Gaussian pixels of σ² = ½, constant left out)", Measure: model.Density,
		Constant: math.Log(math.Pi) / 2, NLL: fromImages(prob.SquaredError), Mean: graph.Sigmoid}
}

// AbsoluteError returns the likelihood of Laplace pixels of scale 1, mae:
//
//	NLL = Σ |x − x̂|,   x̂ = σ(logits)
//
// Its Constant is ln 2.
func AbsoluteError() Likelihood {
	return Likelihood{Name: "mae", About: "Laplace pixels", Formula: "Σ_pixels |x − x̂|",
		Unit: nats + " (Laplace pixels of scale 1, constant left out)", Measure: model.Density,
		Constant: math.Ln2, NLL: fromImages(prob.AbsoluteError), Mean: graph.Sigmoid}
}

// ContinuousBernoulli returns the likelihood of pixels in [0,1] with density
// C(x̂) x̂ˣ (1−x̂)¹⁻ˣ, cb. Loaiza-Ganem & Cunningham, arXiv:1907.06845.
func ContinuousBernoulli() Likelihood {
	return Likelihood{Name: "cb", About: "continuous Bernoulli", Formula: "Σ_pixels −ln CB(x; x̂)", Unit: densityUnit, Measure: model.Density,
		NLL: fromLogits(prob.ContinuousBernoulliNLL), Mean: prob.ContinuousBernoulliMean}
}

// Gaussian returns the likelihood of Gaussian pixels of standard deviation sigma > 0,
// gaussian: −ln N(x; x̂, sigma²) with x̂ = σ(logits).
func Gaussian(sigma float64) Likelihood {
	return Likelihood{Name: "gaussian", About: "with --sigma", Formula: fmt.Sprintf("Σ_pixels −ln N(x; x̂, %g²)", sigma), Unit: densityUnit, Measure: model.Density,
		NLL: func(_ *nn.Builder, x, logits *graph.Node) *graph.Node {
			return prob.GaussianNLL(x, graph.Sigmoid(logits), graph.Const(math.Log(sigma)))
		},
		Mean: graph.Sigmoid}
}

// LearnedGaussian returns the likelihood of Gaussian pixels with one standard deviation
// for all pixels of all images, learned with the networks, sigma: the σ-VAE of Rybkin,
// Daniilidis & Levine, arXiv:2006.13202.
func LearnedGaussian() Likelihood {
	return Likelihood{Name: "sigma", About: "one σ, learned", Formula: "Σ_pixels −ln N(x; x̂, σ²), σ learned", Unit: densityUnit, Measure: model.Density,
		NLL: func(dec *nn.Builder, x, logits *graph.Node) *graph.Node {
			return prob.GaussianNLL(x, graph.Sigmoid(logits), LogScale(dec, "log_sigma", logits))
		},
		Mean: graph.Sigmoid}
}

// DiscretizedLogistic returns the likelihood of pixels of 256 levels, each the integral
// of a logistic density over its level, with one learned scale for all pixels of all
// images, logistic. Kingma et al., arXiv:1606.04934.
func DiscretizedLogistic() Likelihood {
	return Likelihood{Name: "logistic", About: "256 levels, scale learned", Formula: "Σ_pixels −ln P(x; x̂, s), 256 levels, scale s learned", Unit: nats, Measure: model.Levels,
		NLL: func(dec *nn.Builder, x, logits *graph.Node) *graph.Node {
			return prob.DiscretizedLogisticNLL(x, graph.Sigmoid(logits), LogScale(dec, "log_scale", logits))
		},
		Mean: graph.Sigmoid}
}

func fromLogits(f func(x, logits *graph.Node) *graph.Node) func(dec *nn.Builder, x, logits *graph.Node) *graph.Node {
	return func(_ *nn.Builder, x, logits *graph.Node) *graph.Node { return f(x, logits) }
}

func fromImages(f func(x, y *graph.Node) *graph.Node) func(dec *nn.Builder, x, logits *graph.Node) *graph.Node {
	return func(_ *nn.Builder, x, logits *graph.Node) *graph.Node { return f(x, graph.Sigmoid(logits)) }
}

// LogScale returns the logarithm of a scale that is learned, a scalar that starts at 0:
// ten times the parameter pixels/name of dec. A step of Adam is about as long as the
// learning rate whatever the gradient is, and ln σ moves from 0 to −3 or so while a
// weight moves by a tenth.
func LogScale(dec *nn.Builder, name string, logits *graph.Node) *graph.Node {
	p := dec.Param("pixels/"+name, nn.Zeros)
	dec.Layer("pixels", "Scale", logits, logits)
	return graph.Scale(p, 10)
}
