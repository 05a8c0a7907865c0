// Package eval judges trained models by metrics whose names are their protocols.
//
// A metric is a row of the table in this file: its name says how it is measured
// down to the draws, so two numbers of one name can be compared. An Evaluator
// measures a state as often as asked: Evaluate what is cheap enough for every epoch
// of training, Measure what a Task asks for. Images are compared by what is on them
// with a net of package feature.
//
// The package knows no concrete model and no run.
package eval

import (
	"context"
	"fmt"
	"strings"

	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/analysis/probe"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/model"
)

// N images, H×W×C pixels, Z latent units, k samples, in every comment of this package.

// A Metric is a number that judges a model on images it was not trained on.
type Metric struct {
	Name      string // the whole protocol: change the protocol, change the name
	Unit      string // "nats/image"; "" for a pure number
	Up        bool   // larger is better
	EachEpoch bool   // cheap enough to be measured after every epoch of training
	About     string // the protocol in words

	// measure gives the value, or why the model has no such number.
	measure func(ctx context.Context, s *evaluation) (result, error)
}

// A result is a value and what stands beside it in a Score, or why there is none.
type result struct {
	value, stdErr float64
	units         []float64
	images        int
	note          string
	absent        string // not "": there is no value
}

func absent(format string, args ...any) (result, error) {
	return result{absent: fmt.Sprintf(format, args...)}, nil
}

// A Protocol is what the names of the metrics depend on.
type Protocol struct {
	NLLSamples int // importance samples an image, k ≥ 1
	Generated  int // images made, and test images they are compared with, ≥ 2
	Images     int // judged by the first so many test images; 0 = all

	netTag      string // feature.Tag of the set that is judged on; "" before there is one
	modesTag    string // that of the net that tells modes apart
	modesImages int    // images whose modes are counted
}

// On returns the protocol on a set: as many images as it has test images at most, and the
// net that sees them in the names.
func (p Protocol) On(set *data.Set) Protocol {
	n := set.Test.Len()
	if p.Images >= n {
		p.Images = 0
	}
	if p.Images > 0 {
		n = p.Images
	}
	made := p.Generated
	p.Generated, p.netTag = min(p.Generated, n), feature.Tag(set)
	p.modesTag, p.modesImages = p.netTag, p.Generated
	if set.Channels != nil {
		p.modesTag, p.modesImages = feature.Tag(set.Channels), made*stackedModes/10
	}
	return p
}

// DefaultProtocol returns that of published numbers.
func DefaultProtocol() Protocol { return Protocol{NLLSamples: 5000, Generated: 10_000} }

// Metrics returns the rows of the table under the protocol, in the order in which they are
// shown. A new one is a file and a row.
func (p Protocol) Metrics() []Metric {
	test := "test_"
	if p.Images > 0 {
		test = fmt.Sprintf("test%d_", p.Images)
	}
	is := fmt.Sprintf("is_%d", p.NLLSamples)
	if p.netTag == "" {
		p.netTag, p.modesTag, p.modesImages = feature.Tag(nil), feature.Tag(nil), p.Generated
	}
	net, which := fmt.Sprintf("%s_%d", p.netTag, p.Generated), fmt.Sprintf("%s_%d", p.modesTag, p.modesImages)
	return []Metric{
		{test + "loss", "nats/image", false, true, "what is minimised in training, " + aboutPosteriorSample, modelTerm(model.Loss)},
		{test + "reconstruction", "nats/image", false, true, "−ln p(x|z) or the distance in its place, " + aboutPosteriorSample, modelTerm(model.Reconstruction)},
		{test + "kl", "nats/image", false, true, "KL(q(z|x) ‖ p(z)), unweighted, in closed form where the model has one, " + aboutPosteriorSample, modelTerm(model.KL)},
		{test + "d_loss", "nats/image", false, true, "what the discriminator pays for a test image and for a made one beside it, halved, " + aboutAdversarial, modelTerm(model.DLoss)},
		{test + "d_accuracy", "share", true, true, "share of test images and of made ones that the discriminator tells apart, " + aboutAdversarial, modelTerm(model.DAccuracy)},
		{test + "g_loss", "nats/image", false, true, "what the generator pays for a made image, " + aboutAdversarial, modelTerm(model.GLoss)},

		{test + "active_units", "units", true, true, "latent units whose mean code E[z|x] varies over the test images by a variance of 0.01 or more (Burda et al. 2016)", activeUnits},
		{test + "mean_sigma", "", false, true, "standard deviation σ of q(z|x), mean over test images and latent units", meanSigma},
		{test + "kl_per_unit", "nats/unit", false, true, "KL(q(z|x) ‖ N(0, I)) in closed form, mean over test images and latent units; each unit's in per_unit", klPerUnit},

		{test + "elbo", "nats/image", true, false, "E[ln p(x, z) − ln q(z|x)], a lower bound of ln p(x), one z ~ q(z|x) an image; " + aboutLikelihood, elbo},
		{test + "elbo_bits_per_dim", "bits/dim", false, false, "−elbo/(D ln 2), D values an image; " + aboutLikelihood, elboBits},
		{test + "nll_" + is, "nats/image", false, false, fmt.Sprintf("−ln 1/k Σ p(x, z)/q(z|x), k = %d draws z ~ q(z|x) an image (Burda et al. 2016, eq. 8); %s", p.NLLSamples, aboutLikelihood), nll},
		{test + "bits_per_dim_" + is, "bits/dim", false, false, fmt.Sprintf("nll_%s/(D ln 2), D values an image; %s", is, aboutLikelihood), nllBits},

		{test + "mse", "", false, false, "mean over values of (x − x̂)², in [0, 1], x̂ decoded from the mean of q(z|x)", reconstructionMetric(0)},
		{test + "psnr", "dB", true, false, "−10 lg of each image's mse, mean over images; x̂ as in mse", reconstructionMetric(1)},
		{test + "ssim", "", true, false, "structural similarity of x and x̂ as in mse (Wang et al. 2004: 11×11 Gaussian window of σ = 1.5, C₁ = 0.01², C₂ = 0.03²), mean over places, channels and images", reconstructionMetric(2)},

		{test + "fid_" + net, "", false, false, p.aboutFID("images drawn from the model's prior"), distanceFromPrior(fid)},
		{test + "fid_" + net + "_gaussian", "", false, false, p.aboutFID("images decoded from a Gaussian with the mean and the variance of each unit's training codes"), distanceFromSource(fromCodes(gaussian), fid)},
		{test + "fid_" + net + "_mixture1", "", false, false, p.aboutFID("images decoded from a Gaussian with the mean and the covariance of the training codes"), distanceFromSource(fromCodes(mixtureOf(1)), fid)},
		{test + "fid_" + net + "_mixture10", "", false, false, p.aboutFID("images decoded from 10 Gaussians fitted to the training codes by EM (Ghosh et al. 2020)"), distanceFromSource(fromCodes(mixtureOf(10)), fid)},
		{test + "fid_" + net + "_reconstruction", "", false, false, p.aboutFID("the reconstructions of those test images"), distanceFromSource(fromReconstruction, fid)},
		{test + "fid_" + net + "_train", "", false, false, p.aboutFID("training images: what a perfect model would come to"), distanceFromSource(fromTraining, fid)},
		{test + "kid_" + net, "", false, false, p.aboutKID(), distanceFromPrior(kid)},
		{test + "precision_" + net, "share", true, false, p.aboutManifolds("share of made images no farther from a test image than its third nearest test image is (Kynkäänniemi et al. 2019): are they good"), distanceFromPrior(precision)},
		{test + "recall_" + net, "share", true, false, p.aboutManifolds("share of test images no farther from a made one than its third nearest made image is (Kynkäänniemi et al. 2019): are they all there"), distanceFromPrior(recall)},
		{test + "density_" + net, "", true, false, p.aboutManifolds("test images whose fifth nearest test image is no nearer than the made image is, mean over made images, over 5; 1 of a perfect model (Naeem et al. 2020)"), distanceFromPrior(ballDensity)},
		{test + "coverage_" + net, "share", true, false, p.aboutManifolds("share of test images to which a made image is no farther than the fifth nearest test image (Naeem et al. 2020)"), distanceFromPrior(ballCoverage)},
		{test + "memorised_" + net, "share", false, false, p.aboutMemorised(p.Generated, "features"), distanceFromPrior(memorised)},
		{fmt.Sprintf("%smemorised_pixels_%d", test, p.memorisedPixelImages()), "share", false, false, p.aboutMemorised(p.memorisedPixelImages(), "pixels"), memorisedPixels},
		{"modes_" + which, "modes", true, false, p.aboutModes("modes that have an image; the images of each in per_unit"), modesFound},
		{"mode_kl_" + which, "nats", false, false, p.aboutModes("KL of the shares of the modes from those of the training labels, or from uniform where a mode is the classes of several channels"), modeMetric((*modes).kl)},
		{"mode_most_" + which, "of uniform", false, false, p.aboutModes("share of the most frequent mode, times the number of modes"), modeMetric(modeMost)},
		{"mode_least_" + which, "of uniform", true, false, p.aboutModes("share of the rarest mode, times the number of modes"), modeMetric(modeLeast)},
		{test + "cluster_accuracy", "share", true, false, "share of test images that are of the class that the class found by the model stands for, each standing for one label at most in the best way (Xie et al. 2016)", clusterMetric(clusterAccuracy)},
		{test + "cluster_nmi", "", true, false, "normalised mutual information of the classes found by the model in the test images and their labels, over the mean of both entropies", clusterMetric(probe.NMI)},
		{"cluster_made_" + net, "share", true, false, fmt.Sprintf("as cluster_accuracy, of %d images drawn from the model's prior and the labels that the feature net gives them", p.Generated), clusterGenerated},
		{"recognised_" + net, "share", true, false, fmt.Sprintf("share of %d images, drawn under the labels of the test images in turn, that the feature net gives these labels", p.Generated), labelAgreement},
	}
}

// TestLoss is the name of the metric by which checkpoints are compared.
const TestLoss = "test_loss"

// The names of the metrics of a posterior that training watches.
const (
	ActiveUnits = "test_active_units"
	MeanSigma   = "test_mean_sigma"
	KLPerUnit   = "test_kl_per_unit"
)

// Metrics returns the rows of the table under the default protocol.
func Metrics() []Metric { return DefaultProtocol().Metrics() }

// A Score is a metric and its value. Scores are finite.
type Score struct {
	Metric Metric
	Value  float64
	StdErr float64   // standard error of Value over the images it is a mean of; 0 = it has none
	Units  []float64 // of each latent unit, if the metric is a mean over them; of each mode
	Images int       // test images that it is measured on
	Note   string    // what of the protocol depends on model and data; "" = nothing
}

// Scores are the metrics that a model has, in the order of the table.
type Scores []Score

// Get returns the value of the metric of that name, and whether it is there.
func (s Scores) Get(name string) (value float64, ok bool) {
	for _, x := range s {
		if x.Metric.Name == name {
			return x.Value, true
		}
	}
	return 0, false
}

// Map returns the scores by name.
func (s Scores) Map() map[string]float64 {
	m := make(map[string]float64, len(s))
	for _, x := range s {
		m[x.Metric.Name] = x.Value
	}
	return m
}

// Units returns the values of each latent unit or mode, by name, of the metrics that are
// made of such.
func (s Scores) Units() map[string][]float64 {
	m := map[string][]float64{}
	for _, x := range s {
		if x.Units != nil {
			m[x.Metric.Name] = x.Units
		}
	}
	return m
}

// A Task is a measurement.
type Task struct {
	Protocol
	Set  *data.Set // judged by its test images; codes and feature nets are fitted to its training images
	Seed uint64    // of all that is drawn
	Only []string  // metrics of these names, or whose name has one of these in it; nil = all

	// Net is asked for the feature net of Set, or of Set.Channels, when a metric needs it.
	// nil = there is none.
	Net func(ctx context.Context, of *data.Set) (*feature.Net, error)
	// Progress is told how far a metric is; nil = nobody is.
	Progress func(metric string, done, total int)
}

// An Absent is a metric that a model does not have.
type Absent struct {
	Metric Metric
	Why    string
}

// Evaluate measures on images, a data.Labeller if the model takes labels, the
// metrics that are measured each epoch. Everything drawn is drawn at
// rng.New(seed).Split("eval"), so the same state and seed give the same scores.
func (e *Evaluator) Evaluate(ctx context.Context, images data.Items, seed uint64) (Scores, error) {
	if images == nil || images.Len() == 0 {
		return nil, fmt.Errorf("eval: there are no test images: hold some out")
	}
	var wanted []Metric
	for _, m := range Metrics() {
		if m.EachEpoch {
			wanted = append(wanted, m)
		}
	}
	scores, _, err := e.newEvaluation(images, seed).measure(ctx, wanted)
	return scores, err
}

// Measure measures what the task asks for, and says which of it the model does not
// have. What is drawn is drawn as by Evaluate.
func (e *Evaluator) Measure(ctx context.Context, t Task) (Scores, []Absent, error) {
	s, err := e.startTask(&t)
	if err != nil {
		return nil, nil, err
	}
	wanted, err := selectMetrics(t.Metrics(), t.Only)
	if err != nil {
		return nil, nil, err
	}
	return s.measure(ctx, wanted)
}

// begin returns the subject of a task, the protocol of which is put on its set.
func (e *Evaluator) startTask(t *Task) (*evaluation, error) {
	switch {
	case t.NLLSamples < 1 || t.Generated < 2 || t.Images < 0:
		return nil, fmt.Errorf("eval: %d importance samples, %d made images, %d test images: want 1 or more, 2 or more, 0 (all) or more", t.NLLSamples, t.Generated, t.Images)
	case t.Set == nil || t.Set.Test.Len() == 0:
		return nil, fmt.Errorf("eval: there are no test images: hold some out")
	}
	t.Protocol = t.On(t.Set)
	test := t.Set.Labelled(t.Set.Test)
	if t.Images > 0 {
		var err error
		if test, err = imageRange(test, 0, t.Images); err != nil {
			return nil, fmt.Errorf("eval: %w", err)
		}
	}
	s := e.newEvaluation(test, t.Seed)
	s.task = t
	return s, nil
}

// choose returns the metrics whose name has one of the words in it; a word that is a whole
// name is that one alone.
func selectMetrics(all []Metric, words []string) ([]Metric, error) {
	if words == nil {
		return all, nil
	}
	var some []Metric
	used := make([]bool, len(words))
	names := map[string]bool{}
	for _, m := range all {
		names[m.Name] = true
	}
	for _, m := range all {
		in := false
		for i, w := range words {
			if w != "" && (m.Name == w || !names[w] && strings.Contains(m.Name, w)) {
				in, used[i] = true, true
			}
		}
		if in {
			some = append(some, m)
		}
	}
	for i, w := range words {
		if !used[i] {
			var have []string
			for _, m := range all {
				have = append(have, m.Name)
			}
			return nil, fmt.Errorf("eval: no metric with %q in its name; have %s", w, strings.Join(have, ", "))
		}
	}
	return some, nil
}

func (e *Evaluator) newEvaluation(images data.Items, seed uint64) *evaluation {
	return &evaluation{Evaluator: e, images: images, key: rng.New(seed).Split("eval")}
}
