// Package compare compares runs. Overview puts any number of runs of any kinds on one
// page. Measure compares two trained autoencoders, as a deterministic and a variational
// one: their codes, images decoded from random codes, reconstructions, interpolations and
// the course of training.
//
//	c, err := compare.Measure(ctx, [2]compare.Side{a, b}, set, compare.Options{})
//	fmt.Println(c.Summary())       // what the numbers mean, in words
//	err = c.Page(ctx, w, "footer") // one HTML page with pictures
//
// Both models are measured on the same images, with the same random draws, and distances
// between images are measured in the same space.
//
// The package knows no concrete model and no data set.
package compare

import (
	"context"
	"fmt"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
)

// N images or codes, Z latent units, F features, in every comment of this package.

// A Side is one of the two models.
type Side struct {
	Name    string // as the user calls it
	Session *latent.Session
	Config  runlog.Config
	Beta    float64       // weight of the KL in the loss; NaN if the model has none
	Log     []runlog.Line // log of its training; may be empty
	Thinned string        // which lines of epochs Log has, as runlog.Share says; "" = all
}

// Options are the settings of a comparison. The zero value is ready for use.
type Options struct {
	Seed uint64
	Net  *feature.Net // its features are compared; nil = pixels are
	// Progress is called with how far a piece of the work is; may be nil.
	Progress func(what string, done, total int)
}

// The sizes of what is measured and shown.
const (
	generatedImages      = 2000 // images a model generates, and test images they are compared with
	poolImages           = 5000 // training images among which the nearest is searched
	sheetImages          = 64   // images of a sheet
	shownReconstructions = 20   // reconstructions shown
	pathCount            = 200
	pathSteps            = 20 // of each
	pathShown            = 6
	pathCols             = 11   // images of each that is shown
	scatterCodes         = 4000 // codes of a scatter
	priorDots            = 400  // draws of N(0, I) among them
)

// pageMetrics are words in the names of the metrics that the page shows.
var pageMetrics = []string{"test_loss", "test_reconstruction", "test_kl", "unit", "sigma", "mse", "psnr", "ssim", "fid"}

// A Comparison is the measurements of two models on one set.
type Comparison struct {
	Sides [2]Measurements
	Space string // the space of distances between images, in words
	Data  string // the set

	set  *data.Set
	test data.Items
	item medium.Item // of the set, for words
}

// Measurements are the numbers and pictures of one model.
type Measurements struct {
	Side
	Scores eval.Scores

	Spread float64 // standard deviation of the training codes, mean over units
	Prior  bool    // codes drawn from N(0, I) are codes it was trained to decode

	// Of images decoded from N(0, I), and from a Gaussian fitted to the codes:
	PriorSamples, GaussianSamples SampleQuality
	Smoothness                    Smoothness

	priorPixels, gaussianPixels []float32 // (shown,H,W,C)
	mean, logVar                []float32 // (N,Z), of test images
}

// Measure measures both models on the test images of a set. It fails if a model does not
// both encode and decode, or the set has fewer than two test images.
func Measure(ctx context.Context, sides [2]Side, set *data.Set, opt Options) (*Comparison, error) {
	if opt.Progress == nil {
		opt.Progress = func(string, int, int) {}
	}
	if set.Test.Len() < 2 {
		return nil, fmt.Errorf("compare: %s has %d test images: want two or more", set.Name, set.Test.Len())
	}
	for _, s := range sides {
		if !Autoencodes(s.Session.Model()) {
			return nil, fmt.Errorf("compare: %s: a %s does not both encode and decode: want autoencoders", s.Name, s.Config.Recipe)
		}
	}
	c := &Comparison{Data: set.Name, set: set, test: set.Labelled(set.Test), item: set.Item()}
	v, err := newDistanceSpace(ctx, set, opt, sides[0].Session.Item())
	if err != nil {
		return nil, err
	}
	c.Space = v.name
	for i, s := range sides {
		if c.Sides[i], err = c.measure(ctx, s, v, opt); err != nil {
			return nil, fmt.Errorf("compare: %s: %w", s.Name, err)
		}
	}
	return c, nil
}

// reword returns text about images as text about the items of the set.
func (c *Comparison) reword(text string) string {
	return medium.Reword(c.item, text)
}

// Autoencodes reports whether a model both encodes and decodes, as Measure wants it.
func Autoencodes(m *model.Model) bool {
	return m.Encode != nil && m.Decode != nil && m.Reconstruct != nil
}

// measure returns the measurements of one model.
func (c *Comparison) measure(ctx context.Context, s Side, v *distanceSpace, opt Options) (Measurements, error) {
	m := Measurements{Side: s, Prior: s.Session.HasPrior()}
	e, err := eval.New(s.Session)
	if err != nil {
		return m, err
	}
	task := eval.Task{
		Protocol: eval.Protocol{NLLSamples: 1, Generated: generatedImages}, Set: c.set, Seed: opt.Seed, Only: pageMetrics,
		Progress: func(metric string, done, total int) { opt.Progress(s.Name+": "+metric, done, total) },
	}
	if v.net != nil {
		task.Net = func(context.Context, *data.Set) (*feature.Net, error) { return v.net, nil }
	}
	if m.Scores, _, err = e.Measure(ctx, task); err != nil {
		return m, err
	}
	if m.mean, m.logVar, err = s.Session.EncodeMeans(ctx, c.test); err != nil {
		return m, err
	}
	key := rng.New(opt.Seed).Split("compare")
	if err := m.decodeSamples(ctx, c, v, key, opt); err != nil {
		return m, err
	}
	return m, m.smoothness(ctx, c, v, key, opt)
}

// labels returns labels for n generated images, image i those of test image at(i); nil for
// an unconditional model.
func (m *Measurements) labels(test data.Items, n int, at func(i int) int) ([]float32, error) {
	k := m.Session.SampleLabels()
	if k == 0 {
		return nil, nil
	}
	l, ok := test.(data.Labeller)
	if !ok || len(l.LabelNames()) != k {
		return nil, fmt.Errorf("the model wants %d labels an image, and the set does not have them", k)
	}
	y := make([]float32, n*k)
	for i := range n {
		l.LabelsAt(at(i), y[i*k:(i+1)*k])
	}
	return y, nil
}
