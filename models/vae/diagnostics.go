package vae

import (
	"math"
	"strconv"

	"github.com/imago-ml/imago/models/diagnose"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
)

// diagnosis has the rules of autoencoders for a configuration. An option that a kind
// does not have is the zero diagnose.Option.
type diagnosis struct {
	beta   float64 // weight of the KL, if the loss has one
	mmd    float64 // weight of other regularisers of the codes
	warmup float64 // epochs over which the weight of the KL rises
	loss   string  // name of the likelihood

	// conditional says that the networks take labels.
	conditional bool

	betaOption, warmupOption, freeBitsOption, latentOption, lossOption, sigmaOption diagnose.Option
	// scales says that the option Loss has likelihoods that learn their scale, and those
	// of grey values.
	scales bool
	others []model.Remedy    // of a collapsed posterior
	sizes  []diagnose.Option // of the networks, besides the latent units
}

// modelOf returns a model that was built without an error, with the rules.
func (d diagnosis) modelOf(m *model.Model, err error) (*model.Model, error) {
	if err != nil {
		return nil, err
	}
	if m.Likelihood != nil {
		d.loss = m.Likelihood.Name
	}
	m.Diagnostics = d.rules()
	return m, nil
}

// given returns the rules for networks that take labels.
func (d diagnosis) given() diagnosis {
	d.conditional = true
	return d
}

// field returns an option of a configuration.
func field(name string, value any) diagnose.Option { return diagnose.Option{Field: name, Value: value} }

// diagnosis returns the rules for a VAE; sizes are the options of its networks.
func (o VAEOptions) diagnosis(sizes ...diagnose.Option) diagnosis {
	d := o.KLAnnealing.diagnosis(o.Beta, o.Options, sizes...)
	d.mmd, d.latentOption = o.MMD, field("Latent", o.Latent)
	return d
}

// diagnosis returns the rules for a KL of weight beta, which rises.
func (o KLAnnealing) diagnosis(beta float64, l likelihood.Options, sizes ...diagnose.Option) diagnosis {
	d := likelihoodDiagnosis(l, sizes...)
	d.beta, d.betaOption = beta, field("Beta", beta)
	d.warmup, d.warmupOption, d.freeBitsOption = o.Warmup, field("Warmup", o.Warmup), field("FreeBits", o.FreeBits)
	return d
}

// likelihoodDiagnosis returns the rules for an evidence bound whose KL has no options.
func likelihoodDiagnosis(l likelihood.Options, sizes ...diagnose.Option) diagnosis {
	return diagnosis{beta: 1, loss: l.Loss, lossOption: field("Loss", l.Loss), sigmaOption: field("Sigma", l.Sigma), scales: true, sizes: sizes}
}

// diagnosis returns the rules for an autoencoder; sizes are the options of its networks.
func (o AEOptions) diagnosis(sizes ...diagnose.Option) diagnosis {
	return diagnosis{beta: 1, loss: o.Loss, lossOption: field("Loss", o.Loss), latentOption: field("Latent", o.Latent), sizes: sizes}
}

func (c MLP) size() diagnose.Option { return field("Hidden", c.Hidden) }
func (c CNN) size() diagnose.Option { return field("Filters", c.Filters) }

// diagnosis returns the rules for networks and terms of the caller's own.
func (o Options) diagnosis() diagnosis {
	d := diagnosis{latentOption: field("Latent", o.Latent)}
	terms, ok := o.Regularizer.(Sum)
	if !ok {
		terms = Sum{o.Regularizer}
	}
	for _, term := range terms {
		switch r := term.(type) {
		case KL:
			d.beta, d.warmup = r.Beta, r.Warmup
		case TotalCorrelation:
			d.beta, d.warmup = r.KL.Beta, r.KL.Warmup
		default: // it holds the codes to the prior
			d.mmd++
		}
	}
	return d
}

// diagnostics returns the rules of an adversarial autoencoder. Its reconstruction is
// judged as that of any other autoencoder.
func (c *AAEConfig) diagnostics() diagnose.Rules {
	rate := field("Rate", c.Rate)
	learning := diagnose.Learning{Size: []diagnose.Option{field("Latent", c.Latent), field("Hidden", c.Hidden)}}
	return diagnose.Adversarial{
		Encodes: true, Rest: diagnose.Rules{learning.Blank()},
		Steadier: func(h *model.History) []model.Remedy { return append(diagnose.LearningRate(h).Less(), rate.Less()...) },
	}.Rules()
}

// rules returns the rules, in the order of their importance.
func (d diagnosis) rules() diagnose.Rules {
	p := d.posterior()
	learning := diagnose.Learning{Warmup: d.warmup, Posterior: &p}
	if d.latentOption.Field != "" {
		learning.Size = append(learning.Size, d.latentOption)
	}
	learning.Size = append(learning.Size, d.sizes...)
	rules := append(p.Rules(),
		diagnose.Rule{Name: "kl-off", Check: d.unregularised},
		learning.Blank(),
		diagnose.Rule{Name: "grey-bce", Check: d.greyPixels},
		diagnose.Rule{Name: "heavy-kl", Check: d.heavyKL},
		diagnose.Rule{Name: "light-kl", Check: d.lightKL},
		diagnose.Rule{Name: "ignored-label", Check: d.ignoredLabel},
	)
	rules = append(rules, learning.Rules()...)
	return append(rules, diagnose.MissingClasses(func(h *model.History) []model.Remedy { return diagnose.LearningRate(h).Less() }))
}

func (d diagnosis) posterior() diagnose.Posterior {
	return diagnose.Posterior{
		Weight: d.beta, Warmup: d.warmup,
		Beta: d.betaOption, WarmupOption: d.warmupOption, FreeBits: d.freeBitsOption, Latent: d.latentOption,
		LearnedScale: d.learnedScale(), Others: d.others,
	}
}

// learnedScale returns the change to a likelihood that learns its scale, for one whose
// scale is fixed.
func (d diagnosis) learnedScale() []model.Remedy {
	if d.loss != "mse" || !d.scales {
		return nil
	}
	return d.lossOption.Set("sigma", "which learns the scale")
}

const smallSigma = 0.2 // mean σ of q(z|x) below which codes are nearly points

// unregularised warns if nothing holds the codes to the prior and their σ goes to 0.
func (d diagnosis) unregularised(h *model.History) *model.Warning {
	sigma := diagnose.Test(h, model.MeanSigma)
	if d.beta != 0 || d.mmd != 0 || math.IsNaN(diagnose.Test(h, model.KL)) || !diagnose.Settled(h, 2, d.warmup) || !(sigma < smallSigma) {
		return nil
	}
	return diagnose.Warning(d.betaOption.More(),
		"the KL is off: nothing holds the codes to the prior, and σ, now %.2g, goes to 0: this becomes an autoencoder, and images drawn from the prior mean nothing", sigma)
}

// greyPixels warns of a Bernoulli likelihood of pixels that are neither black nor white.
// The entropy of x, −x ln x − (1−x) ln(1−x), is the least that any model can reach.
func (d diagnosis) greyPixels(h *model.History) *model.Warning {
	reconstruction := diagnose.Test(h, model.Reconstruction)
	if d.loss != "bce" || !diagnose.Settled(h, 2, d.warmup) || !(h.Entropy > 0.75*reconstruction) {
		return nil
	}
	var ways []model.Remedy
	if d.scales {
		const note = "which is for grey pixels"
		ways = append(d.lossOption.Set("cb", note), d.lossOption.Set("logistic", note)...)
	}
	return diagnose.Warning(ways,
		"the likelihood has the wrong scale: bce takes pixels to be black or white, and these are grey: of the %.4g nats of reconstruction %.4g are the entropy of the grey values, which no model can reduce",
		reconstruction, h.Entropy)
}

// rms returns the root of the mean squared error of a value under mse, else NaN.
func (d diagnosis) rms(h *model.History) float64 {
	if d.loss != "mse" {
		return math.NaN()
	}
	return math.Sqrt(diagnose.Test(h, model.Reconstruction) / float64(h.Values))
}

// overweight returns by which factor the KL weighs more under mse, a Gaussian of σ² = ½,
// than under a Gaussian of the measured σ²: β/(2σ²).
func (d diagnosis) overweight(h *model.History) float64 {
	s := d.rms(h)
	return d.beta / (2 * s * s)
}

// matchingBeta returns the option Beta with a proposal: the weight at which the KL would
// weigh as much as under a Gaussian of the measured σ².
func (d diagnosis) matchingBeta(h *model.History, ways []model.Remedy) []model.Remedy {
	for i := range ways {
		ways[i].Value = strconv.FormatFloat(d.beta/d.overweight(h), 'g', 2, 64)
	}
	return ways
}

func (d diagnosis) heavyKL(h *model.History) *model.Warning {
	p := d.posterior()
	if !diagnose.Settled(h, 3, d.warmup) || !p.Weighs(h) || !(d.overweight(h) > 20) || p.Collapsed(h) {
		return nil
	}
	return diagnose.Warning(append(d.learnedScale(), d.matchingBeta(h, d.betaOption.Less())...),
		"the likelihood has the wrong scale: mse takes the error of a value to be 0.71, and it is %.2g: the KL weighs %.0f times what it would at that error, and the reconstructions blur",
		d.rms(h), d.overweight(h))
}

// The KL, in nats for each nat that a label can say, from which a code holds so much that the label is not needed to
// reconstruct. Where σ is an option or learned, measured runs had 11 to 14 (data/tones, σ 0.2: a classifier found the
// label in 48 % of the sounds), 23 (spoken digits, σ 0.15: in 42 %) and 24 (drums, σ 0.15: in 15 %); runs with σ 0.5 had
// 5 (data/tones and spoken digits). Codes of pixels that are black or white are full later.
const (
	fullCode       = 8
	fullBinaryCode = 40
)

// ignoredLabel warns of a conditional model whose σ is so small that the codes hold all of an item: a code that
// is drawn says another class than the label does.
func (d diagnosis) ignoredLabel(h *model.History) *model.Warning {
	full := float64(fullBinaryCode)
	switch d.loss {
	case "gaussian", "sigma", "logistic":
		full = fullCode
	}
	kl := diagnose.Test(h, model.KL)
	if !d.conditional || len(h.Classes) < 2 || !diagnose.Settled(h, 3, d.warmup) || !(kl > full*math.Log(float64(len(h.Classes)))) {
		return nil
	}
	var ways []model.Remedy
	switch d.loss {
	case "sigma", "logistic":
		ways = d.lossOption.Set("gaussian", "whose fixed σ leaves to the label what it says")
	case "gaussian":
		ways = d.sigmaOption.More()
	}
	return diagnose.Warning(append(ways, d.betaOption.More()...),
		"the codes hold %.0f nats of an item, what its label says among them: the label is hardly used, and what is drawn under a label may be of another", kl)
}

func (d diagnosis) lightKL(h *model.History) *model.Warning {
	p := d.posterior()
	if !diagnose.Settled(h, 3, d.warmup) || !p.Weighs(h) || !(d.overweight(h) < 0.05) {
		return nil
	}
	return diagnose.Warning(d.matchingBeta(h, d.betaOption.More()),
		"the likelihood has the wrong scale: the error of a value is %.2g, and at that the KL weighs %.2g of what it should: images drawn from the prior will be worse than reconstructions",
		d.rms(h), d.overweight(h))
}
