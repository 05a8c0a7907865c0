package optim

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
)

// Settings choose the optimiser of a training by name, for all networks of a model. The zero value is the model's own
// optimiser, which is Adam with the constants of the model.
type Settings struct {
	// Rule is a name of Names, or "" for the model's own rule. The constants of an Adam of the model stay: a GAN with
	// β₁ = 0.5 keeps it with "adam" and "adamw". The other rules have the defaults of PyTorch.
	Rule string `json:"rule,omitempty"`
	// WeightDecay is λ ≥ 0; 0 = none. With "adamw" it is decoupled from the gradient (see AdamW). With any other rule it
	// is an L2 penalty, as in PyTorch: λ p is added to the gradient of p, after clipping.
	WeightDecay float64 `json:"weight_decay,omitempty"`
	// Momentum is μ in [0, 1) of "sgd" and "rmsprop"; 0 = none.
	Momentum float64 `json:"momentum,omitempty"`
	// Clip is the largest norm of the gradient of an update, over all its parameters together: see Clip. 0 = no limit.
	Clip float64 `json:"clip,omitempty"`
}

// UsualSettings returns the settings of a rule with its usual decay: 0.01 of "adamw", as in PyTorch, and none of the
// others.
func UsualSettings(rule string) Settings {
	s := Settings{Rule: rule}
	if rule == adamW {
		s.WeightDecay = DefaultAdamW().WeightDecay
	}
	return s
}

// adamW is the name of the rule whose decay is decoupled.
const adamW = "adamw"

// Validate reports every fault, one a line.
func (s Settings) Validate() error {
	var faults []error
	check := func(ok bool, format string, a ...any) {
		if !ok {
			faults = append(faults, option.Errorf("optim: "+format, a...))
		}
	}
	check(s.Rule == "" || slices.Contains(Names(), s.Rule), "{Optimizer} %q: want %s", s.Rule, strings.Join(Names(), ", "))
	check(s.WeightDecay >= 0 && s.WeightDecay <= math.MaxFloat32, "{WeightDecay} %v: want 0 (none) or more, as 0.01", s.WeightDecay)
	check(s.WeightDecay == 0 || s.Rule != "", "{WeightDecay} %v: which decay depends on the optimiser: want {Optimizer} adamw (decoupled from the gradient), or adam, rmsprop or sgd (an L2 penalty)", s.WeightDecay)
	check(s.Momentum >= 0 && float32(s.Momentum) < 1, "{Momentum} %v: want 0 (none) or more, and less than 1, as 0.9", s.Momentum)
	check(s.Momentum == 0 || s.Rule == "sgd" || s.Rule == "rmsprop", "{Momentum} %v is for {Optimizer} sgd or rmsprop: Adam has moving averages of its own", s.Momentum)
	check(s.Clip >= 0 && s.Clip <= math.MaxFloat32, "{Clip} %v: want a norm above 0, as 1, or 0 (no limit)", s.Clip)
	return errors.Join(faults...)
}

// String returns the settings in words, as "sgd, momentum 0.9, gradient norm up to 1"; "" of the zero value.
func (s Settings) String() string {
	var parts []string
	add := func(name string, v float64) {
		if v > 0 {
			parts = append(parts, fmt.Sprintf("%s %g", name, v))
		}
	}
	decay := "L2 penalty"
	if s.Rule == adamW {
		decay = "weight decay"
	}
	if s.Rule != "" {
		parts = append(parts, s.Rule)
	}
	add("momentum", s.Momentum)
	add(decay, s.WeightDecay)
	add("gradient norm up to", s.Clip)
	return strings.Join(parts, ", ")
}

// Apply returns the rule of the settings in place of own, the model's. The slots of another rule are named slots/…. The
// settings must be valid.
func (s Settings) Apply(own Rule, slots string) Rule {
	rule := own
	adam, isAdam := own.(Adam)
	switch {
	case s.Rule == "" || s.Rule == "adam" && isAdam:
	case s.Rule == adamW && isAdam:
		rule = AdamW{Adam: adam, WeightDecay: s.WeightDecay}
	default:
		for _, r := range rules {
			if r.name == s.Rule {
				rule = r.make(slots)
			}
		}
	}
	switch r := rule.(type) {
	case AdamW:
		r.WeightDecay = s.WeightDecay
		rule = r
	case SGD:
		r.Momentum = s.Momentum
		rule = r
	case RMSprop:
		r.Momentum = s.Momentum
		rule = r
	}
	if s.WeightDecay > 0 && s.Rule != adamW {
		rule = penalised{rule, s.WeightDecay}
	}
	if s.Clip > 0 {
		rule = clipped{rule, s.Clip}
	}
	return rule
}

// clipped is a rule that is given gradients with a norm of up to limit.
type clipped struct {
	Rule
	limit float64
}

// Update returns the updates of the rule for the clipped gradients.
func (c clipped) Update(params, grads []*graph.Node, lr *graph.Node) ([]graph.Update, []Slot) {
	return c.Rule.Update(params, Clip(grads, GlobalNorm(grads), c.limit), lr)
}

// penalised is a rule that minimises the loss plus λ/2 Σ p².
type penalised struct {
	Rule
	lambda float64
}

// Update returns the updates of the rule for the gradients with those of the penalty, λ p.
func (c penalised) Update(params, grads []*graph.Node, lr *graph.Node) ([]graph.Update, []Slot) {
	sum := make([]*graph.Node, len(grads))
	for i, g := range grads {
		sum[i] = graph.Add(g, graph.Scale(params[i], c.lambda))
	}
	return c.Rule.Update(params, sum, lr)
}
