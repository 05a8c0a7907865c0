package model

import "math"

// Diagnostics finds what goes wrong in a training run. A model brings those of its
// own mathematics: a VAE a collapsed posterior, a GAN a discriminator that has won.
type Diagnostics interface {
	// Diagnose returns what the history shows, the most important first. A warning
	// whose name History.Reported has is not reported again.
	Diagnose(h *History) []Warning
}

// A Warning is something that goes wrong, and which changes of the configuration help.
type Warning struct {
	Name     string // "posterior-collapse": stable, for tools
	Text     string // one sentence without a full stop
	Remedies []Remedy
}

// A Remedy is a change of one option that helps, as "less" of Beta, which is 4 now.
type Remedy struct {
	Change string // "less", "more", or the value to set; {Name} stands for an option
	Option string // name of the field, as Beta
	Now    any    // its value; nil if the configuration has no such option, and the remedy is not shown
}

// A History is what a run has measured so far. Numbers that are not known are NaN.
type History struct {
	Epochs    []Record        // of the current phase, oldest first; the last one is judged
	Intervals []Record        // by which an adversarial run is judged: the epochs, or the intervals of a run that has them
	Final     bool            // the last epoch of the run
	Reported  map[string]bool // names of warnings that were reported before

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
	Epoch                  int
	Step                   int64
	Train, Test, Generated map[string]float64
}

// Value returns a metric of m, NaN if it has none of that name.
func Value(m map[string]float64, name string) float64 {
	if v, ok := m[name]; ok {
		return v
	}
	return math.NaN()
}
