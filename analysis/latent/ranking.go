package latent

import (
	"context"
	"fmt"
	"math"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
)

// A Criterion is what the latent units of a model are ranked by.
type Criterion string

// The criteria. A model has the first of them that it can be measured by.
const (
	// ByKL is UnitKL, in nats: of a model with a variational encoder and the prior N(0, I).
	ByKL Criterion = "kl"
	// ByDeviation is the standard deviation of the unit's codes: of another model that
	// encodes, such as a plain autoencoder.
	ByDeviation Criterion = "deviation"
	// ByChange is UnitChange, in [0, 1]: of a model without an encoder.
	ByChange Criterion = "change"
	// Unranked units are in their own order.
	Unranked Criterion = ""
)

// String returns the criterion in words, as "by KL"; "" of Unranked.
func (c Criterion) String() string {
	switch c {
	case ByKL:
		return "by KL"
	case ByDeviation:
		return "by the deviation of their codes"
	case ByChange:
		return "by the change they make"
	}
	return ""
}

// A Ranking says how important the latent units of a model are. It is the one rule by which
// the units of a picture are chosen.
type Ranking struct {
	By     Criterion `json:"by"`
	Scores []float64 `json:"scores"` // (Z); zeros if Unranked
}

// NoRanking returns the Ranking of units in their own order.
func NoRanking(units int) *Ranking { return &Ranking{Unranked, make([]float64, units)} }

// rankingItems is the number of items by whose codes units are ranked.
const rankingItems = 256

// RanksUnits reports whether the model has units that can be ranked: it encodes or decodes.
func (s *Session) RanksUnits() bool {
	return s.Latent() > 0 && (s.model.Encode != nil || s.model.Decode != nil)
}

// RankUnits ranks the units of the model by the first Criterion that it can be measured by,
// on up to 256 of the items, evenly spaced. A model without an encoder needs none.
func (s *Session) RankUnits(ctx context.Context, items data.Items) (*Ranking, error) {
	if s.model.Encode == nil {
		change, err := s.UnitChange(ctx, rng.New(0).Split("traverse"))
		return &Ranking{ByChange, change}, err
	}
	if items.Len() == 0 {
		return nil, fmt.Errorf("latent: units are ranked by the codes of items, and there are none")
	}
	some, err := data.Split{Items: items}.EvenlySpaced(rankingItems)
	if err != nil {
		return nil, err
	}
	mean, logVar, err := s.EncodeMeans(ctx, some.Items)
	if err != nil {
		return nil, err
	}
	return s.RankCodes(mean, logVar), nil
}

// RankCodes ranks the units of the model by the codes of items, by ByKL or ByDeviation.
//
// mean, logVar (N, Z), N ≥ 1, logVar nil of a deterministic model.
func (s *Session) RankCodes(mean, logVar []float32) *Ranking {
	if logVar != nil && s.StandardPrior() {
		return &Ranking{ByKL, UnitKL(mean, logVar, s.Latent())}
	}
	_, deviation := Moments(mean, s.Latent())
	return &Ranking{ByDeviation, deviation}
}

// Order returns the units, the most important first; equal ones are in their own order.
func (r *Ranking) Order() []int { return Ranked(r.Scores) }

// Check returns an error unless r can be the Ranking of a model of so many units.
func (r *Ranking) Check(units int) error {
	switch r.By {
	case ByKL, ByDeviation, ByChange:
	default:
		return fmt.Errorf("units ranked by %q: want %q, %q or %q", string(r.By), string(ByKL), string(ByDeviation), string(ByChange))
	}
	if len(r.Scores) != units {
		return fmt.Errorf("scores of %d units, the model has %d", len(r.Scores), units)
	}
	for u, v := range r.Scores {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("the score of unit %d is %v", u, v)
		}
	}
	return nil
}

// Plane returns the two units that are shown in the plane: units 0 and 1 of a model with two,
// so that its axes never change places, else the two most important ones. Of a single unit
// both are that one.
func (r *Ranking) Plane() Plane {
	p := Plane{Units: len(r.Scores), By: r.By}
	switch {
	case p.Units == 2:
		p.Y = 1
	case p.Units > 2:
		order := r.Order()
		p.X, p.Y = order[0], order[1]
	}
	return p
}

// A Plane is the two latent units along the axes of a picture.
type Plane struct {
	Units int       // Z
	X, Y  int       // in [0, Z)
	By    Criterion // they were chosen by
}

// String returns which units are shown, as "units 3 and 7 of 16, by KL"; "" of a model with
// two.
func (p Plane) String() string {
	switch {
	case p.Units == 1:
		return "the one unit"
	case p.Units == 2:
		return ""
	case p.By == Unranked:
		return fmt.Sprintf("units %d and %d of %d", p.X, p.Y, p.Units)
	}
	return fmt.Sprintf("units %d and %d of %d, %v", p.X, p.Y, p.Units, p.By)
}

// Labels returns the names of the axes.
func (p Plane) Labels() (x, y string) { return fmt.Sprintf("z[%d]", p.X), fmt.Sprintf("z[%d]", p.Y) }

// Codes returns the two units of codes, or the one there is.
//
// codes (N, Z) → (N, min(2, Z)).
func (p Plane) Codes(codes []float32) []float32 {
	if p.Units <= 2 {
		return codes
	}
	plane := make([]float32, 0, 2*len(codes)/p.Units)
	for i := 0; i+p.Units <= len(codes); i += p.Units {
		plane = append(plane, codes[i+p.X], codes[i+p.Y])
	}
	return plane
}
