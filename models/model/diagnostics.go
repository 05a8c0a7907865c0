package model

import (
	"fmt"
	"math"
	"strings"
)

// Diagnostics finds what goes wrong in a training run. A model brings the rules of its
// own mathematics: a VAE finds a collapsed posterior, a GAN a discriminator that has
// won. Package diagnose has the rules that several families share.
type Diagnostics interface {
	// Diagnose returns what the history shows, in a fixed order. A warning whose name is
	// in History.Reported is not returned again.
	Diagnose(h *History) []Warning
}

// A Warning is something that goes wrong, and the changes of the configuration that
// help.
type Warning struct {
	Name     string   `json:"name"` // "collapse": stable, for tools
	Text     string   `json:"text"` // one sentence without a full stop, with the run's own numbers
	Remedies []Remedy `json:"remedies,omitempty"`
}

// Message returns the text and the remedies in one sentence. name returns what the
// reader calls an option, such as --beta for Beta; nil leaves the names of the fields.
func (w Warning) Message(name func(field string) string) string {
	var ways []string
	for _, r := range w.Remedies {
		ways = append(ways, r.Text(name))
	}
	if len(ways) == 0 {
		return w.Text
	}
	return w.Text + ": try " + strings.Join(ways, ", or ")
}

// A Change says in which direction a Remedy changes an option.
type Change string

// The changes.
const (
	Less    Change = "less"    // a smaller number
	Fewer   Change = "fewer"   // likewise, of what is counted
	More    Change = "more"    // a larger number
	Another Change = "another" // another value, which the user has to find
	SetTo   Change = "set"     // Value
)

// A Remedy is a change of one option that helps: less Beta, which is 4 now. A page can
// offer it as a button.
type Remedy struct {
	Change Change   `json:"change"`
	Option string   `json:"option"`          // name of the field, as Beta
	Value  string   `json:"value,omitempty"` // of SetTo the new value, else a proposal, or ""
	Now    string   `json:"now"`             // its value
	Note   string   `json:"note,omitempty"`  // what the change does, as "which learns the scale"
	With   []Remedy `json:"with,omitempty"`  // other options that change too
}

// Text returns the remedy in words: less Beta (4 now). name is as in Warning.Message.
func (r Remedy) Text(name func(field string) string) string {
	return r.change(name) + " (" + r.Now + " now)"
}

func (r Remedy) change(name func(field string) string) string {
	option := r.Option
	if name != nil {
		option = name(option)
	}
	var s string
	switch {
	case r.Change == SetTo:
		s = option + " " + r.Value
	case r.Value != "":
		s = fmt.Sprintf("%s %s, as %s", r.Change, option, r.Value)
	default:
		s = fmt.Sprintf("%s %s", r.Change, option)
	}
	if r.Note != "" {
		s += ", " + r.Note
	}
	for _, w := range r.With {
		s += " with " + w.change(name)
	}
	return s
}

// A History is what a run has measured so far. Numbers that are not known are NaN.
type History struct {
	Epochs    []Record // of the current phase, oldest first
	Intervals []Record // of the current phase: the epochs, or the intervals of a run that has shorter ones

	EpochEnded    bool // the last of Epochs has just ended: rules of epochs apply
	IntervalEnded bool // the last of Intervals has just ended: rules of intervals apply
	Final         bool // the run has ended

	Reported map[string]bool // names of the warnings that were reported before
	Training Training        // length, batch, learning rate and schedule of the run

	Items   int      // number of training items
	Classes []string // class names; nil without labels
	Values  int      // numbers of an item, D
	Latent  int      // Z

	// ExplainedVariance is the share of the test images' variance about their mean
	// image that reconstructions explain; Entropy is Σ −x ln x − (1−x) ln(1−x) of a
	// test image, in nats.
	ExplainedVariance, Entropy float64
}

// A Record is the metrics of one epoch or interval.
type Record struct {
	Epoch int   // from 1
	Step  int64 // optimiser updates done

	Train        map[string]float64 // means over the training images of the epoch or interval, by the model's names
	Test         map[string]float64 // of the test images, by the same names and MeanSigma; of an epoch
	Diversity    Diversity
	UnitKL       []float64 // KL of each latent unit on test images, nats; nil without
	Modes        []float64 // number of generated images of each class; nil if they were not counted
	LearningRate float64
}

// MeanSigma is the standard deviation σ of q(z|x), mean over test images and latent
// units, in Record.Test.
const MeanSigma = "mean_sigma"

// Diversity says how much the generated images of an adversarial model differ, each
// number as a share of that among as many training images. Both are NaN if they were
// not measured.
type Diversity struct {
	Images  int     // generated images that were compared
	Spread  float64 // mean distance of two images: small if all are alike
	Nearest float64 // mean distance of an image to the nearest other: small if there are few different ones
}

// Metric returns a metric of m, NaN if it has none of that name.
func Metric(m map[string]float64, name string) float64 {
	if v, ok := m[name]; ok {
		return v
	}
	return math.NaN()
}
