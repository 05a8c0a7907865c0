package eval

import (
	"context"
	"fmt"

	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/analysis/probe"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/models/model"
)

// A Metric is a number that measures how good a model is on images it was not trained
// on.
type Metric struct {
	Name      string // the whole protocol: change the protocol, change the name
	Unit      string // "nats/image"; "" for a pure number
	Up        bool   // larger is better
	Describes bool   // it says what a model is like; which of two models is better cannot be told by it
	EachEpoch bool   // cheap enough to be measured after every epoch of training
	About     string // the protocol in words

	// measure returns the value, or why the model has no such number.
	measure func(ctx context.Context, s *evaluation) (result, error)
}

// A result is a value with what a Score says of it, or the reason why there is none.
type result struct {
	value, stdErr float64
	units         []float64
	images        int
	note          string
	absent        string // reason why there is no value; "" = there is one
}

// absent returns a result without a value, and the reason.
func absent(format string, args ...any) (result, error) {
	return result{absent: fmt.Sprintf(format, args...)}, nil
}

// dividedOnly returns a measure that is absent where the test images are the training images.
func dividedOnly(measure func(ctx context.Context, s *evaluation) (result, error)) func(ctx context.Context, s *evaluation) (result, error) {
	return func(ctx context.Context, s *evaluation) (result, error) {
		if s.task.Undivided {
			return absent("%s has no test part, and a comparison of its images with themselves means nothing", s.task.Set.Name)
		}
		return measure(ctx, s)
	}
}

// A Protocol is what the names of the metrics depend on.
type Protocol struct {
	NLLSamples int // importance samples an image, k ≥ 1
	NLLImages  int // ln p(x) is estimated on so many of the test images, drawn at random; 0 = on all
	Generated  int // generated images, and test images they are compared with, ≥ 2
	Images     int // the first so many test images are used; 0 = all

	asked       int    // Generated before a set limited it; 0 before a set is chosen
	netTag      string // feature.Tag of the set; "" before a set is chosen
	modesTag    string // feature.Tag of the set whose classes are the modes
	modesImages int    // generated images whose modes are counted
	tokens      bool   // the items are sequences of tokens
	recognised  int    // images drawn under labels, whose labels the feature net names
}

// fewRecognised is the least number of images of recognised: of a small test part, a share of as many
// as that would have a large error.
const fewRecognised = 1000

// tiedComponents is the number of Gaussians of a class that have one covariance: with more, few
// training codes of a class of hundreds belong to each.
const tiedComponents = 32

// On returns the protocol for a set: with no more images than the set has test images,
// and with the tag of its feature net in the names.
func (p Protocol) On(set *data.Set) Protocol {
	n := set.Test.Len()
	if p.Images >= n {
		p.Images = 0
	}
	if p.Images > 0 {
		n = p.Images
	}
	if p.NLLImages >= n {
		p.NLLImages = 0
	}
	if p.asked == 0 {
		p.asked = p.Generated
	}
	p.Generated, p.netTag = min(p.asked, n), feature.Tag(set)
	p.modesTag, p.modesImages, p.recognised = p.netTag, p.Generated, max(p.Generated, min(p.asked, fewRecognised))
	p.tokens = set.Item().Element == medium.Tokens
	if set.Channels != nil {
		p.modesTag, p.modesImages = feature.Tag(set.Channels), p.asked*stackedModes/10
	}
	return p
}

// DefaultProtocol returns one that takes seconds for images of 28x28: its standard errors are
// in the scores. With PublishedProtocol the likelihood alone takes a thousand times as long.
func DefaultProtocol() Protocol { return Protocol{NLLSamples: 100, NLLImages: 500, Generated: 10_000} }

// PublishedProtocol returns that of published numbers.
func PublishedProtocol() Protocol { return Protocol{NLLSamples: 5000, Generated: 10_000} }

// Metrics returns the table of metrics under the default protocol.
func Metrics() []Metric { return DefaultProtocol().Metrics() }

// Metrics returns the table of metrics under the protocol, in the order in which they are
// measured and shown: what costs little comes first.
func (p Protocol) Metrics() []Metric {
	test := "test_"
	if p.Images > 0 {
		test = fmt.Sprintf("test%d_", p.Images)
	}
	is, which := fmt.Sprintf("is_%d", p.NLLSamples), "test images"
	if p.NLLImages > 0 {
		is += fmt.Sprintf("_on_%d", p.NLLImages)
		which = fmt.Sprintf("%d test images drawn at random", p.NLLImages)
	}
	if p.netTag == "" {
		p.netTag, p.modesTag, p.modesImages, p.recognised = feature.Tag(nil), feature.Tag(nil), p.Generated, p.Generated
	}
	tied := fmt.Sprintf("_classes_tied%d", tiedComponents)
	net, modesNet := fmt.Sprintf("%s_%d", p.netTag, p.Generated), fmt.Sprintf("%s_%d", p.modesTag, p.modesImages)
	all := []Metric{
		{Name: test + "loss", Unit: "nats/image", EachEpoch: true,
			About: "what is minimised in training, " + aboutPosteriorSample, measure: modelTerm(model.Loss)},
		{Name: test + "reconstruction", Unit: "nats/image", EachEpoch: true,
			About: "−ln p(x|z) or the distance in its place, " + aboutPosteriorSample, measure: modelTerm(model.Reconstruction)},
		{Name: test + "kl", Unit: "nats/image", Describes: true, EachEpoch: true,
			About: "KL(q(z|x) ‖ p(z)), unweighted, in closed form where the model has one, " + aboutPosteriorSample, measure: modelTerm(model.KL)},
		{Name: test + "tc", Unit: "nats", Describes: true, EachEpoch: true,
			About: "total correlation of the codes, KL(q(z) ‖ Π q(z_j)), as the discriminator of FactorVAE estimates it (Kim & Mnih 2018, eq. 3), " + aboutPosteriorSample, measure: modelTerm(model.TotalCorrelation)},
		{Name: test + "d_loss", Unit: "nats/image", Describes: true, EachEpoch: true,
			About: "discriminator loss, half the sum of that of a test image and that of a generated one, " + aboutAdversarial, measure: modelTerm(model.DLoss)},
		{Name: test + "d_accuracy", Unit: "share", Up: true, Describes: true, EachEpoch: true,
			About: "share of test images and of generated ones that the discriminator classifies correctly, " + aboutAdversarial, measure: modelTerm(model.DAccuracy)},
		{Name: test + "g_loss", Unit: "nats/image", Describes: true, EachEpoch: true,
			About: "generator loss of a generated image, " + aboutAdversarial, measure: modelTerm(model.GLoss)},

		{Name: test + "nats_per_step", Unit: "nats/step", EachEpoch: true,
			About: "−ln p(x), or the bound in its place, of all test sequences together over the number of their steps (as of Boulanger-Lewandowski et al. 2012), " + aboutPosteriorSample, measure: perStep},
		{Name: test + "perplexity", EachEpoch: true,
			About: "e to the power of nats_per_step, of tokens", measure: perplexity},

		{Name: test + "active_units", Unit: "units", Up: true, Describes: true, EachEpoch: true,
			About: "latent units whose mean code E[z|x] varies over the test images by a variance of 0.01 or more (Burda et al. 2016)", measure: activeUnits},
		{Name: test + "mean_sigma", Describes: true, EachEpoch: true,
			About: "standard deviation σ of q(z|x), mean over test images and latent units", measure: meanSigma},
		{Name: test + "kl_per_unit", Unit: "nats/unit", Describes: true, EachEpoch: true,
			About: "KL(q(z|x) ‖ N(0, I)) in closed form, mean over test images and latent units; each unit's in per_unit", measure: klPerUnit},

		{Name: test + "mse",
			About: "mean over values of (x − x̂)², in [0, 1], x̂ decoded from the mean of q(z|x)", measure: reconstructionMetric(0)},
		{Name: test + "psnr", Unit: "dB", Up: true,
			About: "−10 lg of each image's mse, mean over images; x̂ as in mse", measure: reconstructionMetric(1)},
		{Name: test + "ssim", Up: true,
			About: "structural similarity of x and x̂ as in mse (Wang et al. 2004: 11×11 Gaussian window of σ = 1.5, C₁ = 0.01², C₂ = 0.03²), mean over places, channels and images", measure: reconstructionMetric(2)},

		{Name: fmt.Sprintf("%sinterpolation_gain_%d", test, pairs), Unit: "nats/token", Up: true,
			About: fmt.Sprintf("cost of a mixture of two test sequences, token by token, less that of the sequence decoded in the middle between their codes, mean over %d pairs; −ln p of a model of pairs of tokens, fitted to the training part (Roberts et al. 2018, sec. 5.2)", pairs), measure: interpolationGain},
		{Name: fmt.Sprintf("%ssteered_%d", test, pairs), Unit: "share", Up: true,
			About: fmt.Sprintf("share of %d test images whose measure, such as the density of notes, rises and never falls while their code moves by −2, −1, 0, 1 and 2 standard deviations along the direction of the attribute of that name; each measure's in per_unit", pairs), measure: steered},

		{Name: test + "elbo", Unit: "nats/image", Up: true,
			About: "E[ln p(x, z) − ln q(z|x)], a lower bound of ln p(x), one z ~ q(z|x) an image; " + aboutLikelihood, measure: elbo},
		{Name: test + "elbo_bits_per_dim", Unit: "bits/dim",
			About: "−elbo/(D ln 2), D values an image; " + aboutLikelihood, measure: elboBits},

		{Name: test + "fid_" + net,
			About: p.aboutFID("images drawn from the model's prior"), measure: distanceFromPrior(fid)},
		{Name: test + "fid_" + net + "_gaussian",
			About: p.aboutFID("images decoded from a Gaussian with the mean and the variance of each unit's training codes"), measure: distanceFromSource(fromCodes(gaussian), fid)},
		{Name: test + "fid_" + net + "_mixture1",
			About: p.aboutFID("images decoded from a Gaussian with the mean and the covariance of the training codes"), measure: distanceFromSource(fromCodes(mixtureOf(1)), fid)},
		{Name: test + "fid_" + net + "_mixture10",
			About: p.aboutFID("images decoded from 10 Gaussians fitted to the training codes by EM (Ghosh et al. 2020)"), measure: distanceFromSource(fromCodes(mixtureOf(10)), fid)},
		{Name: test + "fid_" + net + "_classes",
			About: p.aboutFID("images decoded, of a conditional model, from a Gaussian with the mean and the covariance of the training codes of the class"), measure: distanceFromSource(fromClassCodes(1), fid)},
		{Name: test + "fid_" + net + tied,
			About: p.aboutFID(fmt.Sprintf("images decoded, of a conditional model, from %d Gaussians fitted to the training codes of the class, of one covariance for all classes (Hastie & Tibshirani 1996)", tiedComponents)), measure: distanceFromSource(fromClassCodes(tiedComponents), fid)},
		{Name: test + "fid_" + net + "_reconstruction",
			About: p.aboutFID("the reconstructions of those test images"), measure: distanceFromSource(fromReconstruction, fid)},
		{Name: test + "fid_" + net + "_train",
			About: p.aboutFID("training images: the value of a perfect model"), measure: dividedOnly(distanceFromSource(fromTraining, fid))},
		{Name: test + "kid_" + net,
			About: p.aboutKID(), measure: distanceFromPrior(kid)},
		{Name: test + "precision_" + net, Unit: "share", Up: true,
			About: p.aboutManifolds("share of generated images no farther from a test image than its third nearest test image is (Kynkäänniemi et al. 2019): the quality of single images"), measure: distanceFromPrior(precision)},
		{Name: test + "recall_" + net, Unit: "share", Up: true,
			About: p.aboutManifolds("share of test images no farther from a generated one than its third nearest generated image is (Kynkäänniemi et al. 2019): the variety of the images"), measure: distanceFromPrior(recall)},
		{Name: test + "density_" + net, Up: true,
			About: p.aboutManifolds("number of test images whose fifth nearest test image is no nearer than the generated image is, mean over generated images, over 5; 1 of a perfect model (Naeem et al. 2020)"), measure: distanceFromPrior(ballDensity)},
		{Name: test + "coverage_" + net, Unit: "share", Up: true,
			About: p.aboutManifolds("share of test images to which a generated image is no farther than the fifth nearest test image (Naeem et al. 2020)"), measure: distanceFromPrior(ballCoverage)},
		{Name: test + "memorised_" + net, Unit: "share",
			About: p.aboutMemorised(p.Generated, "features"), measure: dividedOnly(distanceFromPrior(memorised))},
		{Name: test + "memorised_" + net + tied, Unit: "share",
			About: fmt.Sprintf("the same of images that are decoded as those of fid%s are", tied), measure: dividedOnly(distanceFromSource(fromClassCodes(tiedComponents), memorised))},
		{Name: fmt.Sprintf("%smemorised_pixels_%d", test, p.memorisedPixelImages()), Unit: "share",
			About: p.aboutMemorised(p.memorisedPixelImages(), "pixels"), measure: dividedOnly(memorisedPixels)},
		{Name: "modes_" + modesNet, Unit: "modes", Up: true,
			About: p.aboutModes("number of modes that have an image; the number of images of each in per_unit"), measure: modesFound},
		{Name: "mode_kl_" + modesNet, Unit: "nats",
			About: p.aboutModes("KL of the shares of the modes from those of the training labels, or from uniform where a mode is the classes of several channels"), measure: modeMetric((*modes).kl)},
		{Name: "mode_most_" + modesNet, Unit: "of uniform",
			About: p.aboutModes("share of the most frequent mode, times the number of modes"), measure: modeMetric(modeMost)},
		{Name: "mode_least_" + modesNet, Unit: "of uniform", Up: true,
			About: p.aboutModes("share of the rarest mode, times the number of modes"), measure: modeMetric(modeLeast)},
		{Name: test + "cluster_accuracy", Unit: "share", Up: true,
			About: "share of test images whose label is the one that the best one-to-one assignment gives to their cluster, a class found by the model (Xie et al. 2016)", measure: clusterMetric(clusterAccuracy)},
		{Name: test + "cluster_nmi", Up: true,
			About: "normalised mutual information of the classes found by the model in the test images and their labels, over the mean of both entropies", measure: clusterMetric(probe.NMI)},
		{Name: "cluster_made_" + net, Unit: "share", Up: true,
			About: fmt.Sprintf("as cluster_accuracy, of %d images drawn from the model's prior and the labels that the feature net gives them", p.Generated), measure: clusterGenerated},
		{Name: fmt.Sprintf("recognised_%s_%d", p.netTag, p.recognised), Unit: "share", Up: true,
			About: fmt.Sprintf("share of %d images, drawn under the labels of the test images in turn, that the feature net gives these labels", p.recognised), measure: labelAgreement},

		{Name: fmt.Sprintf("recognised_%s_%d_classes", p.netTag, p.recognised), Unit: "share", Up: true,
			About: fmt.Sprintf("the same of %d images that are decoded from a Gaussian with the mean and the covariance of the training codes of their class", p.recognised), measure: classCodeAgreement(1)},

		{Name: fmt.Sprintf("recognised_%s_%d", p.netTag, p.recognised) + tied, Unit: "share", Up: true,
			About: fmt.Sprintf("the same of %d images that are decoded from %d Gaussians fitted to the training codes of their class, of one covariance for all classes", p.recognised, tiedComponents), measure: classCodeAgreement(tiedComponents)},

		{Name: test + "nll_" + is, Unit: "nats/image",
			About: fmt.Sprintf("−ln 1/k Σ p(x, z)/q(z|x), k = %d draws z ~ q(z|x) an image (Burda et al. 2016, eq. 8), mean over %s; %s", p.NLLSamples, which, aboutLikelihood), measure: nll},
		{Name: test + "bits_per_dim_" + is, Unit: "bits/dim",
			About: fmt.Sprintf("nll_%s/(D ln 2), D values an image; %s", is, aboutLikelihood), measure: nllBits},
	}
	if p.tokens {
		return p.ofTokens(all, test, is, which)
	}
	return all
}

// TestLoss is the name of the metric by which checkpoints are compared.
const TestLoss = "test_loss"

// The names of the metrics of a posterior that training watches.
const (
	ActiveUnits = "test_active_units"
	MeanSigma   = "test_mean_sigma"
	KLPerUnit   = "test_kl_per_unit"
)
