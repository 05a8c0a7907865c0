package eval

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/model"
)

// aboutLikelihood says what x is in the metrics of a likelihood. The note of the score says
// which of these it was.
const aboutLikelihood = "x has the values that the likelihood is a probability of: 0 or 1 pixels (each test image binarised once, a pixel being 1 with the probability of its grey level), 256 levels, or, of a density on [0, 1], the bytes p/255, with ln 255 a value added for bits; tokens are what they are"

// A likelihoodProtocol says how ln p(x) is estimated.
type likelihoodProtocol struct {
	samples int // k, of each image
	images  int // as Protocol.NLLImages
}

// bound is the protocol of the ELBO.
var bound = likelihoodProtocol{samples: 1}

// A likelihoodEstimate is the estimates of ln p(x) of the test images, in nats.
type likelihoodEstimate struct {
	mean
	note string
}

// codesPerBatch returns about how many codes are decoded at a time: enough for large matrix
// products, and few enough that their pixels stay in the processor's cache.
func codesPerBatch(img medium.Item) int { return min(max(1<<20/max(1, img.Size()), 16), 1024) }

// maxBatchSamples is the most samples of an image in a batch, for which the encoder is run
// once.
const maxBatchSamples = 64

// estimateLikelihood estimates ln p(x) of test images with k importance samples each,
//
//	ln p(x) ≈ ln 1/k Σ_k w,   w = p(x,z)/q(z|x),   z ~ q(z|x)
//
// whose expectation is a lower bound of ln p(x), for k = 1 the ELBO. The samples come in
// chunks, and a log-sum-exp in float64 runs over their log-weights. Chunk c of batch b is
// drawn at Split("weights").At(b).At(c). The result is nil if the model has no likelihood.
// Burda et al., arXiv:1509.00519, eq. 8.
func (s *evaluation) estimateLikelihood(ctx context.Context, how likelihoodProtocol) (*likelihoodEstimate, error) {
	if b := s.likelihoods[how]; b != nil || s.model.LogWeights == nil {
		return b, nil
	}
	images, note := s.likelihoodImages()
	if note == "" {
		return nil, nil
	}
	index := s.drawImages(how.images)
	images, err := data.Subset(images, index)
	if err != nil {
		return nil, err
	}
	k := how.samples
	chunks := (k + maxBatchSamples - 1) / maxBatchSamples
	each := (k + chunks - 1) / chunks
	batch := max(1, codesPerBatch(s.img)/each)
	f := s.session.Func(func(batch int) (*graph.Func, error) { return s.model.LogWeights(batch, each) })
	p, err := f.Program(batch)
	if err != nil {
		return nil, err
	}
	c := p.NewCall()
	if out := c.Outputs(); len(out) != 1 || out[0].Size() != batch*each {
		return nil, fmt.Errorf("the model's %s gives %v: want (%d, %d) log-weights", p.Name(), p.Outputs(), batch, each)
	}
	logWeights := c.Outputs()[0].F32()
	draws := k
	if !p.Takes(model.InputKey) { // nothing is random: all chunks are equal
		draws, chunks = each, 1
	}
	b := &likelihoodEstimate{note: note}
	sums := make([]logSumExp, batch)
	count := images.Len()
	for at, n := 0, 0; at < count; at += n {
		n = min(batch, count-at)
		if err := latent.FillImages(ctx, c, images, at, n); err != nil {
			return nil, err
		}
		clear(sums)
		for part := range chunks {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			if err := c.PutKey(model.InputKey, s.key.Split("weights").At(uint64(at/batch)).At(uint64(part))); err != nil {
				return nil, err
			}
			if err := c.Run(); err != nil {
				return nil, err
			}
			some := min(each, draws-part*each)
			for i := range n {
				for _, v := range logWeights[i*each : i*each+some] {
					if v := float64(v); math.IsNaN(v) || math.IsInf(v, 0) {
						return nil, &NonFiniteError{Metric: model.OutputLogWeight, Value: v, First: index[at+i], Last: index[at+i], Cause: c.FirstNonFinite()}
					}
					sums[i].add(float64(v))
				}
			}
		}
		for i := range n {
			b.add(sums[i].value() - math.Log(float64(draws)))
		}
		s.progress(at+n, count)
	}
	if s.likelihoods == nil {
		s.likelihoods = map[likelihoodProtocol]*likelihoodEstimate{}
	}
	s.likelihoods[how] = b
	return b, nil
}

// drawImages returns the numbers of n test images, drawn at random without repetition, in rising
// order; those of all if n is 0.
func (s *evaluation) drawImages(n int) []int {
	index := make([]int, s.images.Len())
	for i := range index {
		index[i] = i
	}
	if n == 0 {
		return index
	}
	for i, j := range s.key.Split("likelihood images").Perm(len(index))[:n] {
		index[i] = int(j)
	}
	slices.Sort(index[:n])
	return index[:n]
}

// A logSumExp computes ln Σ e^v of numbers as they come, in float64. The zero value has no
// number.
type logSumExp struct {
	n        int
	top, sum float64 // the largest, and Σ e^(v − top)
}

// add takes one more number into account.
func (l *logSumExp) add(v float64) {
	l.n++
	switch {
	case l.n == 1:
		l.top, l.sum = v, 1
	case v <= l.top:
		l.sum += math.Exp(v - l.top)
	default:
		l.sum = l.sum*math.Exp(l.top-v) + 1
		l.top = v
	}
}

// value returns ln Σ e^v.
func (l *logSumExp) value() float64 { return l.top + math.Log(l.sum) }

// likelihoodImages returns the test images as the model's likelihood takes them, and what
// this is in words; "" if the model has no likelihood.
func (s *evaluation) likelihoodImages() (data.Items, string) {
	p := s.model.Likelihood
	if p == nil {
		return nil, ""
	}
	switch p.Measure {
	case model.Binary:
		return binarise(s.images, s.key.Split("binarised")), p.Name + medium.Reword(s.img, ": probability of 0 or 1 pixels, the test images binarised once")
	case model.Levels:
		return s.images, p.Name + ": probability of 256 levels, exact"
	case model.Density:
		return s.images, p.Name + medium.Reword(s.img, ": density of pixels in [0, 1]")
	case model.Discrete:
		return s.images, p.Name + ": probability, exact"
	}
	return nil, ""
}

// noLikelihood returns the reason why the model has no estimate of ln p(x).
func (s *evaluation) noLikelihood() (result, error) {
	if l := s.model.Likelihood; l != nil && l.Measure == model.Distance {
		return absent("the model has no likelihood: %s is a distance", l.Name)
	}
	return absent("the model has no p(x|z) and q(z|x) for importance weights")
}

// elbo returns the evidence lower bound, in nats an image.
func elbo(ctx context.Context, s *evaluation) (result, error) { return s.nats(ctx, bound, 1) }

// nll returns −ln p(x) estimated with the samples of the protocol, in nats an image.
func nll(ctx context.Context, s *evaluation) (result, error) {
	return s.nats(ctx, s.task.likelihood(), -1)
}

// elboBits returns −elbo in bits a value.
func elboBits(ctx context.Context, s *evaluation) (result, error) { return s.bits(ctx, bound) }

// nllBits returns nll in bits a value.
func nllBits(ctx context.Context, s *evaluation) (result, error) {
	return s.bits(ctx, s.task.likelihood())
}

// likelihood returns the protocol of the NLL.
func (p Protocol) likelihood() likelihoodProtocol {
	return likelihoodProtocol{samples: p.NLLSamples, images: p.NLLImages}
}

// nats returns sign times the estimate, in nats.
func (s *evaluation) nats(ctx context.Context, how likelihoodProtocol, sign float64) (result, error) {
	b, err := s.estimateLikelihood(ctx, how)
	if err != nil {
		return result{}, err
	}
	if b == nil {
		return s.noLikelihood()
	}
	return result{value: sign * b.value(), stdErr: b.stdErr(), images: b.n, note: b.note}, nil
}

// bits returns minus the estimate, in bits a value. A density on [0, 1]
// becomes the probability of a level when it is multiplied by the width of a level, 1/255.
func (s *evaluation) bits(ctx context.Context, how likelihoodProtocol) (result, error) {
	r, err := s.nats(ctx, how, -1)
	if err != nil || r.absent != "" {
		return r, err
	}
	dims := float64(s.img.Size())
	if s.model.Likelihood.Measure == model.Density {
		r.value += dims * math.Log(255)
		r.note += ", + ln 255 a value: one level is 1/255 wide"
	}
	r.value /= dims * math.Ln2
	r.stdErr /= dims * math.Ln2
	return r, nil
}

// binarised are images of 0 and 1 pixels.
type binarised struct {
	data.Items
	key rng.Key
}

// binarise draws each value of each image once: 1 with the probability of its level. Image i
// is drawn at key.At(i). The labels of the images are kept.
func binarise(images data.Items, key rng.Key) data.Items {
	b := binarised{images, key}
	if l, ok := images.(data.Labeller); ok {
		return labelledBinarised{b, l}
	}
	return b
}

// At writes 255 for 1.
func (b binarised) At(i int, dst []uint8) error {
	if err := b.Items.At(i, dst); err != nil {
		return err
	}
	u := make([]float32, b.Item().Size())
	b.key.At(uint64(i)).Uniform(u)
	for k := range u {
		if u[k]*255 < float32(dst[k]) {
			dst[k] = 255
		} else {
			dst[k] = 0
		}
	}
	return nil
}

type labelledBinarised struct {
	binarised
	labels data.Labeller
}

func (l labelledBinarised) LabelNames() []string          { return l.labels.LabelNames() }
func (l labelledBinarised) LabelsAt(i int, dst []float32) { l.labels.LabelsAt(i, dst) }
