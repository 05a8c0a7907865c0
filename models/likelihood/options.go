package likelihood

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/imago-ml/imago/internal/option"
)

// DefaultSigma is the Sigma of DefaultOptions.
const DefaultSigma = 0.1

// All returns the likelihoods of the table.
func All() []Likelihood {
	return []Likelihood{
		Bernoulli(), SquaredError(), AbsoluteError(), ContinuousBernoulli(), Gaussian(DefaultSigma), LearnedGaussian(), DiscretizedLogistic(),
	}
}

// Names returns the names of the likelihoods of the table.
func Names() []string {
	var names []string
	for _, l := range All() {
		names = append(names, l.Name)
	}
	return names
}

// ByName returns the likelihood of the table with that name. The error lists the names,
// or those of allowed if there are any.
func ByName(name string, allowed ...string) (Likelihood, error) {
	if len(allowed) == 0 {
		allowed = Names()
	}
	for _, l := range All() {
		if l.Name == name && slices.Contains(allowed, name) {
			return l, nil
		}
	}
	return Likelihood{}, option.Errorf("likelihood: {Loss} %q: want %s", name, strings.Join(allowed, " or "))
}

// Options are the fields by which a configuration chooses a likelihood of the table.
// Embed them in a configuration: model.Flags lists them as its options.
type Options struct {
	Loss     string  `json:"loss" flag:"loss"`                                                                                                              // a name of the table
	Sigma    float64 `json:"sigma" flag:"sigma" help:"standard deviation of the pixels with --loss gaussian"`                                               // > 0
	Binarize bool    `json:"binarize" flag:"binarize" help:"draw each pixel as 0 or 1, with its grey for probability, anew in each batch; with --loss bce"` // with bce alone
}

// DefaultOptions returns the options of the likelihood with that name.
func DefaultOptions(loss string) Options { return Options{Loss: loss, Sigma: DefaultSigma} }

// OptionHelp returns the help text of the option Loss, which lists the table.
func (Options) OptionHelp(field string) string {
	if field == "Loss" {
		return Help()
	}
	return ""
}

// Help returns the help text of an option that chooses among the likelihoods with those
// names, or among all of the table if there are none.
func Help(names ...string) string {
	if len(names) == 0 {
		names = Names()
	}
	var list []string
	for _, name := range names {
		l, err := ByName(name)
		if err != nil {
			panic(err)
		}
		list = append(list, fmt.Sprintf("%s (%s)", name, l.About))
	}
	last := len(list) - 1
	return "reconstruction loss, summed over pixels: " + strings.Join(list[:last], ", ") + " or " + list[last]
}

// Validate returns the faults of the options.
func (o Options) Validate() []error {
	var faults []error
	if _, err := ByName(o.Loss); err != nil {
		faults = append(faults, err)
	}
	switch {
	case !(o.Sigma > 0) || math.IsInf(o.Sigma, 0):
		faults = append(faults, option.Errorf("likelihood: {Sigma} %v: want a number above 0, of pixels from 0 to 1", o.Sigma))
	case o.Sigma != DefaultSigma && o.Binarize: // each wants another loss
		return append(faults, option.Errorf("likelihood: {Sigma} %v is for {Loss} gaussian, and {Binarize} for {Loss} bce: leave {Sigma} out, or say {Loss} gaussian {Binarize}=false", o.Sigma))
	case o.Sigma != DefaultSigma && o.Loss != "gaussian":
		faults = append(faults, option.Errorf("likelihood: {Sigma} %v has no effect with {Loss} %s: use {Loss} gaussian", o.Sigma, o.Loss))
	}
	if o.Binarize && o.Loss != "bce" {
		faults = append(faults, option.Errorf("likelihood: {Binarize} makes pixels of 0 and 1, which {Loss} %s does not describe: use {Loss} bce, or {Binarize}=false", o.Loss))
	}
	return faults
}

// Likelihood returns the likelihood that the options choose. It fails where Validate
// does.
func (o Options) Likelihood() (Likelihood, error) {
	if faults := o.Validate(); len(faults) > 0 {
		return Likelihood{}, faults[0]
	}
	if o.Loss == "gaussian" {
		return Gaussian(o.Sigma), nil
	}
	l, err := ByName(o.Loss)
	l.Binarize = o.Binarize
	return l, err
}
