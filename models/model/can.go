package model

import "github.com/imago-ml/imago/engine/graph"

// A function of a conditional model takes InputLabels beside what is said here.

// An Encoder maps images to latent codes.
type Encoder interface {
	// Latent is Z.
	Latent() int
	// Encode takes InputX and gives OutputMean, and OutputLogVar unless the model
	// is deterministic.
	Encode(batch int) (*graph.Func, error)
}

// A Decoder maps latent codes to images.
type Decoder interface {
	// Latent is Z.
	Latent() int
	// Decode takes InputZ and gives OutputPicture.
	Decode(batch int) (*graph.Func, error)
}

// A Reconstructor maps an image to what the model makes of it.
type Reconstructor interface {
	// Reconstruct takes InputX and gives OutputPicture, decoded from the mean of
	// q(z|x): no noise is drawn.
	Reconstruct(batch int) (*graph.Func, error)
}

// A Sampler draws images itself: a model whose codes are not drawn from N(0, I), or
// a conditional one.
type Sampler interface {
	// Sample takes InputKey and gives OutputPicture.
	Sample(batch int) (*graph.Func, error)
}

// A Scorer measures image by image what Eval measures of all.
type Scorer interface {
	// Score takes InputX and InputKey, and gives each metric of Eval under its name
	// without SumSuffix: (B).
	Score(batch int) (*graph.Func, error)
}

// A Weigher has importance weights, from which the likelihood of an image is
// estimated: ln p(x) ≈ ln (1/k) Σ_k p(x,z)/q(z|x), z ~ q(z|x). Burda et al.,
// arXiv:1509.00519, eq. 8.
type Weigher interface {
	// LogWeights takes InputX and InputKey and gives OutputLogWeight of k draws, no
	// constant left out.
	LogWeights(batch, k int) (*graph.Func, error)
}

// A Classifier says of what class an image is.
type Classifier interface {
	// Classify takes InputX and gives OutputProbs: q(y|x), or the responsibilities of
	// the clusters.
	Classify(batch int) (*graph.Func, error)
}

// A Measure is what the probability of an image is a probability of.
type Measure int

// The measures.
const (
	Distance Measure = iota // none: the term is a distance, not a likelihood
	Binary                  // pixels that are 0 or 1
	Levels                  // pixels of 256 levels
	Density                 // pixels in [0,1]: a density
)

// Pixels is how a model scores an image given its code.
type Pixels struct {
	Name     string // as in --loss
	Measure  Measure
	Constant float64 // nats an image that the metrics leave out, and LogWeights do not
}

// A Likelihood is a model that has a p(x|z).
type Likelihood interface {
	Pixels() Pixels
}
