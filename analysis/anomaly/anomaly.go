// Package anomaly scores how much an image differs from the training images of a model: by
// its reconstruction error, by the evidence bound, by the density of its code among the
// codes of the training images, and by code and reconstruction together.
//
//	d, err := anomaly.Fit(ctx, session, train, anomaly.Options{Draws: 16, Components: 10, Key: rng.New(1)})
//	scores, err := d.Score(ctx, images) // the higher, the more anomalous
//
// Everything random has a key, so the same weights, images and options give the same
// scores. The package knows no concrete model, no run and no file, and no labels: package
// probe measures how well a score separates anomalous images from normal ones.
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

// The names of scores. Each is higher for an image that is less like the training images.
const (
	Reconstruction = "reconstruction" // −ln p(x|z) in nats or the distance in its place, mean over draws of z
	ELBO           = "elbo"           // −ELBO: that plus KL(q(z|x) ‖ p(z))
	Density        = "density"        // −ln p̂(μ) in nats, of the mean of q(z|x) under a mixture over those of the training images
	Combined       = "combined"       // −ln p̂(μ, ln r) in nats, of mean and reconstruction score r under a mixture over both
)

// Options are the settings of a Detector.
type Options struct {
	Draws      int     // posterior draws an image for Reconstruction and ELBO, ≥ 1
	Components int     // Gaussians of a mixture, ≥ 1; fewer where the images are too few for so many
	Key        rng.Key // of the draws and of the starts of the mixtures
}

// Validate returns an error if an option is out of range.
func (o Options) Validate() error {
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
	session           *latent.Session
	score             *exec.Func // model.Model.Score
	opt               Options
	density, joint    *mixture.Mixture // of codes, of codes and reconstruction scores; nil of a model without codes
	minReconstruction float64          // least reconstruction score of the training images
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
	d := &Detector{session: s, score: s.Func(s.Model().Score), opt: opt}
	if s.Model().Encode == nil {
		return d, nil
	}
	f, err := d.features(ctx, train, opt.Key.Split("train"))
	if err != nil {
		return nil, err
	}
	if d.density, err = fitMixture(ctx, f.codes, f.units, opt); err != nil {
		return nil, err
	}
	d.minReconstruction = slices.Min(f.reconstruction)
	d.joint, err = fitMixture(ctx, d.jointPoints(f), f.units+1, opt)
	return d, err
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
// a KL, Density and Combined of one with codes. They depend on the Key of the Options alone.
//
// images (N, H, W, C).
func (d *Detector) Score(ctx context.Context, images data.Items) ([]Score, error) {
	f, err := d.features(ctx, images, d.opt.Key.Split("score"))
	if err != nil {
		return nil, err
	}
	scores := []Score{{Reconstruction, f.reconstruction}}
	if f.kl != nil {
		bound := make([]float64, len(f.kl))
		for i, v := range f.kl {
			bound[i] = f.reconstruction[i] + v
		}
		scores = append(scores, Score{ELBO, bound})
	}
	if d.density == nil {
		return scores, nil
	}
	for _, by := range []struct {
		name   string
		points []float32
		*mixture.Mixture
	}{{Density, f.codes, d.density}, {Combined, d.jointPoints(f), d.joint}} {
		v, err := by.LogDensity(by.points)
		if err != nil {
			return nil, fmt.Errorf("anomaly: %w", err)
		}
		for i := range v {
			v[i] = -v[i]
		}
		scores = append(scores, Score{by.name, v})
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
		draws = d.opt.Draws
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
		if d.minReconstruction > 0 {
			r = math.Log(max(r, d.minReconstruction))
		}
		out = append(append(out, f.codes[i*f.units:(i+1)*f.units]...), float32(r))
	}
	return out
}
