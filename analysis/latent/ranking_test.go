package latent

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
)

// TestRankUnits checks what the units of each kind of model are ranked by: the definition, on
// items that are evenly spaced.
func TestRankUnits(t *testing.T) {
	ctx := context.Background()
	few, many := noise(t, 40), noise(t, 2*rankingItems)
	for _, tt := range []struct {
		kind func() (model.Kind, model.Recipe)
		by   Criterion
	}{{vae.MLPVAE, ByKL}, {vae.MLPAE, ByDeviation}, {vae.VaDE, ByDeviation}} {
		m, w := newModel(t, tt.kind)
		s := load(t, m, w)
		r, err := s.RankUnits(ctx, few)
		if err != nil {
			t.Fatal(err)
		}
		mean, logVar, err := s.EncodeMeans(ctx, few)
		if err != nil {
			t.Fatal(err)
		}
		_, want := Moments(mean, s.Latent())
		if tt.by == ByKL {
			want = UnitKL(mean, logVar, s.Latent())
		}
		if r.By != tt.by || !slices.Equal(r.Scores, want) || !slices.Equal(r.Order(), Ranked(want)) || r.Check(s.Latent()) != nil {
			t.Errorf("%v: %+v, want %v", tt.by, r, want)
		}
		if r, err = s.RankUnits(ctx, many); err != nil {
			t.Fatal(err)
		}
		if mean, logVar, err = s.EncodeMeans(ctx, many); err != nil {
			t.Fatal(err)
		}
		var half, halfVar []float32
		for i := 0; i < len(mean); i += 2 * s.Latent() {
			half = append(half, mean[i:i+s.Latent()]...)
			if logVar != nil {
				halfVar = append(halfVar, logVar[i:i+s.Latent()]...)
			}
		}
		if want := s.RankCodes(half, halfVar); !slices.Equal(r.Scores, want.Scores) {
			t.Errorf("%v: of many items %v, want those of every second one, %v", tt.by, r.Scores, want.Scores)
		}
		if _, err := s.RankUnits(ctx, noise(t, 0)); err == nil {
			t.Errorf("%v: no items gave no error", tt.by)
		}
	}
	s := drawing(t) // without an encoder
	r, err := s.RankUnits(ctx, nil)
	if err != nil || r.By != ByChange || r.Check(s.Latent()) != nil {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestPlane(t *testing.T) {
	for _, tt := range []struct {
		r     *Ranking
		x, y  int
		words string
	}{
		{&Ranking{ByKL, []float64{1}}, 0, 0, "the one unit"},
		{&Ranking{ByKL, []float64{1, 2}}, 0, 1, ""},
		{&Ranking{ByKL, []float64{0, 2, 1, 9}}, 3, 1, "units 3 and 1 of 4, by KL"},
		{&Ranking{ByDeviation, []float64{0, 2, 2}}, 1, 2, "units 1 and 2 of 3, by the deviation of their codes"},
		{&Ranking{ByChange, []float64{0, 1, 2}}, 2, 1, "units 2 and 1 of 3, by the change they make"},
		{NoRanking(3), 0, 1, "units 0 and 1 of 3"},
	} {
		p := tt.r.Plane()
		if p.X != tt.x || p.Y != tt.y || p.String() != tt.words {
			t.Errorf("%v: units %d and %d, %q", tt.r, p.X, p.Y, p)
		}
	}
	if c := (Plane{Units: 3, X: 2, Y: 0}).Codes([]float32{1, 2, 3, 4, 5, 6}); !slices.Equal(c, []float32{3, 1, 6, 4}) {
		t.Errorf("codes %v", c)
	}
	for what, r := range map[string]*Ranking{
		"too few": {ByKL, []float64{1}}, "not ranked": NoRanking(2), "no such criterion": {"size", []float64{1, 2}}, "not finite": {ByKL, []float64{1, math.NaN()}},
	} {
		if r.Check(2) == nil {
			t.Errorf("%s: no error", what)
		}
	}
}
