package diagnose

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/imago-ml/imago/models/model"
)

// A rule is checked where what it judges has ended, and its warning is given once.
func TestDiagnose(t *testing.T) {
	always := func(h *model.History) *model.Warning { return Warning(nil, "%d epochs", len(h.Epochs)) }
	rules := Rules{{Name: "a", Check: always}, {Name: "b", Interval: true, Check: always}, {Name: "never", Check: func(*model.History) *model.Warning { return nil }}}
	for _, tt := range []struct {
		h    model.History
		want string
	}{
		{model.History{EpochEnded: true}, "[a]"},
		{model.History{IntervalEnded: true}, "[b]"},
		{model.History{EpochEnded: true, IntervalEnded: true}, "[a b]"},
		{model.History{EpochEnded: true, IntervalEnded: true, Reported: map[string]bool{"a": true}}, "[b]"},
		{model.History{}, "[]"},
	} {
		names := []string{}
		for _, w := range rules.Diagnose(&tt.h) {
			names = append(names, w.Name)
		}
		if fmt.Sprint(names) != tt.want {
			t.Errorf("%+v gave %v, want %s", tt.h, names, tt.want)
		}
	}
}

// An option that a configuration does not have gives no remedy.
func TestOption(t *testing.T) {
	var none Option
	if n := len(none.Less()) + len(none.Fewer()) + len(none.More()) + len(none.Another()) + len(none.Set("x", "")); n != 0 {
		t.Errorf("%d remedies of an option that is not there", n)
	}
	way := Option{"DNorm", "batch"}.Set("none", "which mixes no images")[0]
	way.With = Option{"R1", 0.0}.Set("1", "")
	if got, want := way.Text(nil), "DNorm none, which mixes no images with R1 1 (batch now)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	w := model.Warning{Text: "it is slow", Remedies: append(Option{"LR", 0.1}.More(), Option{"Latent", 3}.Fewer()...)}
	if got, want := w.Message(func(field string) string { return "--" + field }), "it is slow: try more --LR (0.1 now), or fewer --Latent (3 now)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// small returns epochs of three steps, as of a set of a hundred items: the losses are the
// values of two curves and a noise of that deviation, which is drawn by a fixed rule.
func small(n int, deviation float64, train, test func(epoch int) float64) []model.Record {
	r := rand.New(rand.NewPCG(1, 2))
	var epochs []model.Record
	for e := range n {
		epochs = append(epochs, model.Record{Epoch: e + 1, Step: int64(3 * (e + 1)), LearningRate: 1e-3,
			Train: map[string]float64{model.Loss: train(e) + deviation*r.NormFloat64()},
			Test:  map[string]float64{model.Loss: test(e) + deviation*r.NormFloat64()}})
	}
	return epochs
}

// The rules of learning count steps and noise: a set of a hundred items has three steps an
// epoch, whose losses go up and down.
func TestLearningOfSmallSets(t *testing.T) {
	falls := func(e int) float64 { return 100 + 100*math.Exp(-float64(e)/200) }
	for _, tt := range []struct {
		what        string
		train, test func(e int) float64
		deviation   float64
		want        string
	}{
		{"a loss that falls smoothly", falls, falls, 0, ""},
		{"a loss that falls with noise", falls, falls, 3, ""},
		{"a test loss that rises for twenty epochs, and falls again", falls, func(e int) float64 {
			if e >= 20 && e < 40 {
				return falls(20) + float64(e-20)/2
			}
			return falls(e)
		}, 0.5, ""},
		{"a test loss that stays where it is, with noise", falls, func(e int) float64 { return max(falls(e), 160) }, 3, ""},
		{"a test loss that rises for three hundred epochs", falls, func(e int) float64 { return falls(min(e, 200)) + float64(max(0, e-200))/5 }, 3, "overfit"},
		{"a training loss that rises", func(e int) float64 { return falls(min(e, 200)) + float64(max(0, e-200))/5 }, falls, 1, "rising"},
		{"a loss that has stopped falling", func(e int) float64 { return 100 + 100*math.Exp(-float64(e)/20) }, falls, 0.1, "plateau"},
	} {
		h := &model.History{EpochEnded: true, Reported: map[string]bool{}, Training: model.Training{Epochs: 500, LearningRate: 1e-3}}
		names := ""
		for _, r := range small(500, tt.deviation, tt.train, tt.test) {
			h.Epochs = append(h.Epochs, r)
			for _, w := range (Learning{}).Rules().Diagnose(h) {
				names += w.Name
				h.Reported[w.Name] = true
			}
		}
		if names != tt.want {
			t.Errorf("%s: warnings %q, want %q", tt.what, names, tt.want)
		}
	}
}

// The noise of a curve is that about its neighbours, and a smooth curve has none.
func TestNoise(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var smooth, rough []float64
	for i := range 10000 {
		smooth = append(smooth, float64(3*i))
		rough = append(rough, float64(i)/100+2*r.NormFloat64())
	}
	if got := noise(smooth); got != 0 {
		t.Errorf("a line has noise %v, want 0", got)
	}
	if got := noise(rough); !(math.Abs(got-2) < 0.1) { // the median of 10,000 has a deviation of about 1.5 %
		t.Errorf("noise %v, want 2", got)
	}
}
