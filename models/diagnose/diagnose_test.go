package diagnose

import (
	"fmt"
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
