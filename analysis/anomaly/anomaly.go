// Package anomaly scores how much an image differs from the training images of a model: by
// its reconstruction error, by the evidence bound, by the density of its code among the
// codes of the training images, and by code and reconstruction together.
//
//	d, err := anomaly.Fit(ctx, session, train, anomaly.Options{Draws: 16, Components: 10, Key: rng.New(1)})
//	scores, err := d.Score(ctx, images) // the higher, the more anomalous
//
// A row of a table is also scored by how far its values lie beyond the range of the training
// rows. A Threshold says from which score on an image is called anomalous. A detector is
// saved by Write, and ReadDetector reads it without any training image.
//
// Everything random has a key, so the same weights, images and options give the same
// scores. The package knows no concrete model and no run, and no labels: package probe
// measures how well a score separates anomalous images from normal ones.
package anomaly

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/prob/mixture"
)

// N images, Z latent units, in every comment of this package.

// The names of scores. Each is higher for an image that is less like the training images. The
// range score of a table's row is part of its other scores, too.
const (
	Range          = "range"          // of a table: how far values lie beyond the training rows, in nats; see tails
	Reconstruction = "reconstruction" // −ln p(x|z) in nats or the distance in its place, mean over draws of z
	ELBO           = "elbo"           // −ELBO: that plus KL(q(z|x) ‖ p(z))
	Density        = "density"        // −ln p̂(μ) in nats, of the mean of q(z|x) under a mixture over those of the training images
	Combined       = "combined"       // −ln p̂(μ, ln r) in nats, of mean and reconstruction score r under a mixture over both
)

// Options are the settings of a Detector.
type Options struct {
	Draws      int     `json:"draws"`      // posterior draws an image for Reconstruction and ELBO, 1 to MaxDraws
	Components int     `json:"components"` // Gaussians of a mixture, ≥ 1; fewer where the images are too few for so many
	Key        rng.Key `json:"key"`        // of the draws and of the starts of the mixtures
}

// MaxDraws is the largest number of draws: its mean is as exact as float32 adds up, and a detector's file that asks for more, from a
// stranger, would hold the program for hours.
const MaxDraws = 1 << 16

// Validate returns an error if an option is out of range.
func (o Options) Validate() error {
	if o.Draws > MaxDraws {
		return fmt.Errorf("anomaly: %d draws: want at most %d", o.Draws, MaxDraws)
	}
	if o.Draws < 1 || o.Components < 1 {
		return fmt.Errorf("anomaly: %d draws, %d components: want 1 or more of each", o.Draws, o.Components)
	}
	return nil
}

// A Score is a number for each image: the higher, the more anomalous the image.
type Score struct {
	Name   string
	Values []float64 // (N)
}

// A Detector scores images by a model.
type Detector struct {
	// Set and Digest are those of the data set of the training images; the caller sets
	// them.
	Set, Digest string

	session *latent.Session
	score   *exec.Func // model.Model.Score
	fitted
}

// fitted is what Fit has found in the training images.
type fitted struct {
	Options
	Images            int              `json:"images"`            // number of training images
	Density           *mixture.Mixture `json:"density,omitempty"` // of codes; nil of a model without codes
	Joint             *mixture.Mixture `json:"joint,omitempty"`   // of codes and reconstruction scores
	MinReconstruction float64          `json:"min_reconstruction"`
	Tails             []tail           `json:"tails,omitempty"` // of each column of a table; nil of other data

	Quantiles  map[string][]float64 `json:"quantiles"`            // of each score of normal images, at 0, 1/1000, … 1
	Calibrated string               `json:"calibrated"`           // which images those are, in words
	Thresholds map[string]Threshold `json:"thresholds,omitempty"` // of scores, set by SetThreshold
}

// Fit returns a detector for a trained model. train are the images on which the model was
// trained, or some of them; they need no labels.
//
// Reconstruction is the score of An & Cho (2015). Combined is that of Zong et al. (DAGMM, ICLR
// 2018), with the mixture fitted after the training of the model instead of together with it:
// the reconstruction of an image is compared with what is usual for images of such codes. Fit
// fails if the model has no Score, or if there are no training images.
func Fit(ctx context.Context, s *latent.Session, train data.Items, opt Options) (*Detector, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	if s.Model().Score == nil {
		return nil, fmt.Errorf("anomaly: this model does not score images: choose one with an encoder and a decoder")
	}
	if train.Len() == 0 {
		return nil, fmt.Errorf("anomaly: no training images to compare with")
	}
	d := &Detector{session: s, score: s.Func(s.Model().Score), fitted: fitted{Options: opt, Images: train.Len(), Quantiles: map[string][]float64{}}}
	f, err := d.features(ctx, train, opt.Key.Split("train"))
	if err != nil {
		return nil, err
	}
	if d.Tails, err = fitTails(ctx, train); err != nil {
		return nil, err
	}
	d.MinReconstruction = slices.Min(f.reconstruction)
	if s.Model().Encode != nil {
		if d.Density, err = fitMixture(ctx, f.codes, f.units, opt); err != nil {
			return nil, err
		}
		if d.Joint, err = fitMixture(ctx, d.jointPoints(f), f.units+1, opt); err != nil {
			return nil, err
		}
	}
	return d, d.calibrateOnTraining(ctx, f, train)
}

// fitMixture returns a mixture over points (N, d), with at least ten points for each
// dimension of a component, and full covariances up to 65 dimensions.
func fitMixture(ctx context.Context, points []float32, d int, opt Options) (*mixture.Mixture, error) {
	n := len(points) / d
	fitted, err := mixture.Fit(ctx, points, n, d, max(1, min(opt.Components, n/(10*d))), mixture.Options{
		Full: d <= 65 && n >= 10*d, Iterations: 40, Tolerance: 1e-3, Key: opt.Key.Split("mixture")})
	if err != nil {
		return nil, fmt.Errorf("anomaly: %w", err)
	}
	return fitted, nil
}

// Score returns the scores of images that the model has: Reconstruction, ELBO of a model with
// a KL, Density and Combined of one with codes, Range of a table. They depend on the Key of
// the Options alone. It fails if a score is not a number, as of a model whose weights are not
// finite.
//
// images (N, H, W, C).
func (d *Detector) Score(ctx context.Context, images data.Items) ([]Score, error) {
	f, err := d.features(ctx, images, d.Options.Key.Split("score"))
	if err != nil {
		return nil, err
	}
	return d.scores(f, images)
}

// scores returns the scores of images with those features.
func (d *Detector) scores(f features, images data.Items) ([]Score, error) {
	scores := []Score{{Reconstruction, f.reconstruction}}
	if f.kl != nil {
		bound := make([]float64, len(f.kl))
		for i, v := range f.kl {
			bound[i] = f.reconstruction[i] + v
		}
		scores = append(scores, Score{ELBO, bound})
	}
	if d.Density != nil {
		for _, by := range []struct {
			name   string
			points []float32
			*mixture.Mixture
		}{{Density, f.codes, d.Density}, {Combined, d.jointPoints(f), d.Joint}} {
			v, err := by.LogDensity(by.points)
			if err != nil {
				return nil, fmt.Errorf("anomaly: %w", err)
			}
			for i := range v {
				v[i] = -v[i]
			}
			scores = append(scores, Score{by.name, v})
		}
	}
	if d.Tails != nil {
		beyond := d.beyond(images)
		for k, s := range scores {
			scores[k].Values = make([]float64, len(beyond))
			for i, v := range beyond {
				scores[k].Values[i] = s.Values[i] + v
			}
		}
		scores = append(scores, Score{Range, beyond})
	}
	for _, s := range scores {
		for i, v := range s.Values {
			if math.IsNaN(v) {
				return nil, fmt.Errorf("anomaly: the %s of item %d is not a number", s.Name, i)
			}
		}
	}
	return scores, nil
}

// features are the codes and the reconstruction scores of images.
type features struct {
	units          int
	codes          []float32 // (N, Z): means of q(z|x)
	reconstruction []float64 // (N)
	kl             []float64 // (N); nil of a deterministic model
}

// features returns those of images, with noise drawn at key.
func (d *Detector) features(ctx context.Context, images data.Items, key rng.Key) (f features, err error) {
	program, err := d.score.Program(latent.BatchSize(d.session.Item()))
	if err != nil {
		return f, fmt.Errorf("anomaly: %w", err)
	}
	draws := 1
	if program.Takes(model.InputKey) {
		draws = d.Options.Draws
	}
	for k := range draws {
		out, err := d.session.Rows(ctx, d.score, images, key.At(uint64(k)))
		if err != nil {
			return f, err
		}
		if out[model.Reconstruction] == nil {
			return f, fmt.Errorf("anomaly: this model has no reconstruction score")
		}
		f.reconstruction = addMean(f.reconstruction, out[model.Reconstruction], draws)
		f.kl = addMean(f.kl, out[model.KL], draws)
	}
	if d.session.Model().Encode != nil {
		f.units = d.session.Latent()
		f.codes, _, err = d.session.EncodeMeans(ctx, images)
	}
	return f, err
}

// addMean returns sum + v/n; nil if v is nil.
func addMean(sum []float64, v []float32, n int) []float64 {
	if sum == nil && v != nil {
		sum = make([]float64, len(v))
	}
	for i, x := range v {
		sum[i] += float64(x) / float64(n)
	}
	return sum
}

// jointPoints returns each code with the logarithm of its reconstruction score, (N, Z+1): the
// distribution of most losses has a long upper tail. A score below all scores of the training
// images counts as their minimum. If the minimum is not above 0, as for densities, scores stay
// as they are.
func (d *Detector) jointPoints(f features) []float32 {
	out := make([]float32, 0, len(f.reconstruction)*(f.units+1))
	for i, r := range f.reconstruction {
		if d.MinReconstruction > 0 {
			r = math.Log(max(r, d.MinReconstruction))
		}
		out = append(append(out, f.codes[i*f.units:(i+1)*f.units]...), float32(r))
	}
	return out
}
