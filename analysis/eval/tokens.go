package eval

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
)

// ofTokens returns the metrics of a table that sequences of tokens have: those that take
// differences of values are left out, and those of tokens are added. is and which say how the
// likelihood is estimated, as in the table.
func (p Protocol) ofTokens(all []Metric, test, is, which string) []Metric {
	all = slices.DeleteFunc(all, func(m Metric) bool {
		name := strings.TrimPrefix(m.Name, test)
		return name == "mse" || name == "psnr" || name == "ssim" || strings.HasPrefix(name, "memorised_pixels")
	})
	const decoded = "x̂ decoded from the mean of q(z|x), at each step the most likely token"
	return append(all,
		Metric{Name: test + "token_accuracy", Unit: "share", Up: true,
			About: "share of the tokens of x, its end included, that x̂ has at the same place; " + decoded, measure: tokenMetric(0)},
		Metric{Name: test + "token_accuracy_sampled", Unit: "share", Up: true,
			About: "the same share, x̂ decoded from one z ~ q(z|x) for each of the test images, at each step the most likely token; so it falls with what the code does not hold, as the KL does", measure: sampledTokenAccuracy},
		Metric{Name: test + "exact_reconstructions", Unit: "share", Up: true,
			About: "share of test images that x̂ is equal to; " + decoded, measure: tokenMetric(1)},
		Metric{Name: test + "perplexity_" + is,
			About: fmt.Sprintf("e^(nll_%s of all/tokens of all), the end of x being a token, over %s", is, which), measure: sampledPerplexity})
}

// tokens returns how many tokens an item has, its end included.
func tokens(item medium.Item, x []float32) int {
	if end, ok := medium.End(item); ok {
		if i := slices.Index(x, float32(end)); i >= 0 {
			return i + 1
		}
	}
	return len(x)
}

// tokenMetric returns the measure function of token_accuracy (0) or exact_reconstructions (1).
func tokenMetric(which int) func(context.Context, *evaluation) (result, error) {
	return func(ctx context.Context, s *evaluation) (result, error) {
		if s.model.Reconstruct == nil {
			return absent("the model does not reconstruct")
		}
		if s.tokenHits == nil {
			if err := s.compareTokens(ctx); err != nil {
				return result{}, err
			}
		}
		h := s.tokenHits
		if which == 0 {
			return result{value: float64(h.tokens) / float64(h.of), images: h.exact.n}, nil
		}
		return result{value: h.exact.value(), stdErr: h.exact.stdErr(), images: h.exact.n}, nil
	}
}

// A tokenHits counts the tokens of test items that reconstructions have.
type tokenHits struct {
	tokens, of int
	exact      mean // 1 of an item that is reconstructed exactly
}

// compareTokens reconstructs the test items.
func (s *evaluation) compareTokens(ctx context.Context) error {
	h := &tokenHits{}
	err := s.eachReconstruction(ctx, func(_ int, x, decoded []float32) error {
		h.compare(s.img, x, decoded)
		return nil
	})
	s.tokenHits = h
	return err
}

// compare counts the tokens of items x that decoded has.
func (h *tokenHits) compare(item medium.Item, x, decoded []float32) {
	size := item.Size()
	for at := 0; at < len(x); at += size {
		a, b := x[at:at+size], decoded[at:at+size]
		length, hits := tokens(item, a), 0
		for k, v := range a[:length] {
			if v == b[k] {
				hits++
			}
		}
		h.tokens, h.of = h.tokens+hits, h.of+length
		exact := 0.0
		if hits == length {
			exact = 1
		}
		h.exact.add(exact)
	}
}

// sampledTokenAccuracy returns the share of tokens that are decoded from draws of q(z|x).
func sampledTokenAccuracy(ctx context.Context, s *evaluation) (result, error) {
	if s.model.Encode == nil || s.model.Decode == nil || s.model.Deterministic || s.session.DecodeLabels() > 0 {
		return absent("the model has no posterior q(z|x) of codes that are decoded without labels")
	}
	h := &tokenHits{}
	err := eachChunk(s.images, func(at int, part data.Items) error {
		mean, logVar, err := s.session.EncodeMeans(ctx, part)
		if err != nil {
			return err
		}
		made, err := s.session.Decode(ctx, latent.SamplePosterior(mean, logVar, s.key.Split("codes of tokens").At(uint64(at))))
		if err != nil {
			return err
		}
		x, err := data.AllFloats(ctx, part)
		if err != nil {
			return err
		}
		h.compare(s.img, x, made)
		s.progress(at+part.Len(), s.images.Len())
		return nil
	})
	if err != nil {
		return result{}, err
	}
	return result{value: float64(h.tokens) / float64(h.of), images: h.exact.n}, nil
}

// sampledPerplexity returns e to the mean of −ln p of a token.
func sampledPerplexity(ctx context.Context, s *evaluation) (result, error) {
	how := s.task.likelihood()
	r, err := s.nats(ctx, how, -1)
	if err != nil || r.absent != "" {
		return r, err
	}
	size, n := s.img.Size(), 0
	x := make([]float32, size)
	for _, i := range s.drawImages(how.images) {
		if err := data.Floats(ctx, s.images, []int32{int32(i)}, x); err != nil {
			return result{}, err
		}
		n += tokens(s.img, x)
	}
	perItem := float64(n) / float64(r.images)
	r.value = math.Exp(r.value / perItem)
	r.stdErr *= r.value / perItem
	return r, nil
}
