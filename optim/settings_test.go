package optim

import (
	"math"
	"strings"
	"testing"
)

// An L2 penalty is λ p in the gradient, after the clipping; SGD with momentum, as a plain loop over one number. The other
// two parameters make the norm of the gradient at least 40.
func TestSettingsAgainstLoop(t *testing.T) {
	s := Settings{Rule: "sgd", WeightDecay: 0.1, Momentum: 0.9, Clip: 2}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	lambda, mu := float64(float32(0.1)), float64(float32(0.9))
	run, p, b := newTraining(t, s.Apply(DefaultAdam(), "slots"), false), 1.0, 0.0
	for n := 1; n <= 20; n++ {
		g := gradient(n)
		run.run(t, g, rate(n))
		norm := math.Sqrt(g[0]*g[0] + g[1]*g[1] + g[2]*g[2])
		b = mu*b + g[0]*2/norm + lambda*p
		p -= rate(n) * b
		if got := run.params()[0]; !(math.Abs(got-p) < 1e-12) {
			t.Fatalf("after step %d the parameter is %.15f, want %.15f", n, got, p)
		}
	}
}

// A model's Adam keeps its constants and the names of its slots.
func TestSettingsApply(t *testing.T) {
	own := Adam{Name: "optimizer/critic", Beta1: 0.5, Beta2: 0.9, Epsilon: 1e-8}
	other := DefaultSGD()
	sgd, rmsprop := SGD{Name: "slots", Momentum: 0.9}, DefaultRMSprop()
	rmsprop.Name, rmsprop.Momentum = "slots", 0.5
	adam, adamw := DefaultAdam(), DefaultAdamW()
	adam.Name, adamw.Name, adamw.WeightDecay = "slots", "slots", 0.1
	for _, tt := range []struct {
		s    Settings
		own  Rule
		want Rule
	}{
		{Settings{}, own, own},
		{Settings{}, other, other},
		{Settings{Rule: "adam"}, own, own},
		{Settings{Rule: "adam"}, other, adam},
		{UsualSettings("adamw"), own, AdamW{own, 0.01}},
		{Settings{Rule: "adamw", WeightDecay: 0.1}, other, adamw},
		{Settings{Rule: "sgd", Momentum: 0.9}, own, sgd},
		{Settings{Rule: "rmsprop", Momentum: 0.5}, own, rmsprop},
		{Settings{Clip: 3}, other, clipped{other, 3}},
		{Settings{Rule: "adam", WeightDecay: 0.1, Clip: 3}, own, clipped{penalised{own, 0.1}, 3}},
	} {
		if got := tt.s.Apply(tt.own, "slots"); got != tt.want {
			t.Errorf("%+v of %+v: %+v, want %+v", tt.s, tt.own, got, tt.want)
		}
		if err := tt.s.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestSettingsText(t *testing.T) {
	for text, s := range map[string]Settings{
		"":                         {},
		"adam":                     {Rule: "adam"},
		"adamw, weight decay 0.01": UsualSettings("adamw"),
		"sgd, momentum 0.9, L2 penalty 0.0001, gradient norm up to 1": {Rule: "sgd", Momentum: 0.9, WeightDecay: 1e-4, Clip: 1},
		"gradient norm up to 5": {Clip: 5},
	} {
		if got := s.String(); got != text {
			t.Errorf("%q, want %q", got, text)
		}
	}
}

func TestSettingsFaults(t *testing.T) {
	for want, s := range map[string]Settings{
		`Optimizer "lion": want adam, adamw, rmsprop, sgd`:      {Rule: "lion"},
		"WeightDecay -1: want 0":                                {Rule: "adamw", WeightDecay: -1},
		"WeightDecay 0.1: which decay depends on the optimiser": {WeightDecay: 0.1},
		"Momentum 1: want 0 (none) or more, and less than 1":    {Rule: "sgd", Momentum: 1},
		"Momentum 0.5 is for Optimizer sgd or rmsprop":          {Rule: "adam", Momentum: 0.5},
		"Clip NaN: want a norm above 0, as 1, or 0 (no limit)":  {Clip: math.NaN()},
		"WeightDecay +Inf: want 0 (none) or more, as 0.01":      {Rule: "sgd", WeightDecay: math.Inf(1)},
	} {
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", s, err, want)
		}
	}
}
