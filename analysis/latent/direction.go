package latent

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/imago-ml/imago/data"
)

// A Direction is the direction in which an attribute moves codes. Its scale is the spread of
// the codes it was computed from: a strength of 1 is one standard deviation of the codes
// along the direction. So strengths from −3 to 3 stay where codes are, whatever the attribute
// and the model.
type Direction struct {
	Vector     []float64 // (Z), of length 1
	Deviation  float64   // standard deviation of code·Vector over the codes
	Separation float64   // distance of the means of codes with and without the attribute, in Deviations
	With       int       // number of codes with the attribute
	Without    int       // number of codes without it
}

// MeanDifference returns the direction from the mean of the codes without an attribute to the
// mean of those with it: the attribute vectors of Larsen et al., arXiv:1512.09300, sec. 4.1.
// Attributes that are correlated with it are part of the direction. It fails if all codes
// have the attribute, or none.
//
// codes (N, units), with (N).
func MeanDifference(codes []float32, units int, with []bool) (Direction, error) {
	if err := checkAttribute(codes, units, with); err != nil {
		return Direction{}, err
	}
	on, off := make([]float64, units), make([]float64, units)
	n := 0.0
	for i, w := range with {
		sum := off
		if w {
			sum, n = on, n+1
		}
		for u, v := range row(codes, units, i) {
			sum[u] += float64(v)
		}
	}
	for u := range on {
		on[u] = on[u]/n - off[u]/(float64(len(with))-n)
	}
	return newDirection(codes, units, with, on)
}

// Ridge is the usual penalty of PartialDifference, in images.
const Ridge = 1

// PartialDifference returns the direction in which an attribute moves codes while the other
// attributes stay constant: its row β_a of the ridge regression of the codes on all
// attributes,
//
//	min |codes − 1·b − Y·β|² + ridge·|β|²
//
// over intercepts b and the (A, units) coefficients β. What correlated attributes explain, as
// a beard does for Male, is not part of it.
//
// codes (N, units), attributes Y (N, A), each 0 or 1, a in [0, A), ridge > 0 in images, usually Ridge.
func PartialDifference(codes []float32, units int, attributes []uint8, a, count int, ridge float64) (Direction, error) {
	if count < 1 || a < 0 || a >= count || len(attributes)%count != 0 || !(ridge > 0) {
		return Direction{}, fmt.Errorf("latent: attribute %d of %d, %d values of them, ridge %v: want one of the attributes, as many of each, and a ridge above 0", a, count, len(attributes), ridge)
	}
	n := len(attributes) / count
	with := make([]bool, n)
	for i := range with {
		with[i] = attributes[i*count+a] != 0
	}
	if err := checkAttribute(codes, units, with); err != nil {
		return Direction{}, err
	}
	// With y and z less their means the intercepts drop out: (YᵀY + ridge·I) β = YᵀZ,
	// of which row a is YᵀZ weighed by column a of the inverse.
	mean := make([]float64, count)
	for i, y := range attributes {
		mean[i%count] += float64(y) / float64(n)
	}
	gram := mat.NewSymDense(count, nil)
	y := mat.NewVecDense(count, nil)
	for i := range n {
		for k := range count {
			y.SetVec(k, float64(attributes[i*count+k])-mean[k])
		}
		gram.SymRankOne(gram, 1, y)
	}
	for k := range count {
		gram.SetSym(k, k, gram.At(k, k)+ridge)
	}
	var chol mat.Cholesky
	if !chol.Factorize(gram) {
		return Direction{}, fmt.Errorf("latent: a regression on %d attributes of %d codes has no solution: want a larger ridge than %v", count, n, ridge)
	}
	unit, weight := mat.NewVecDense(count, nil), mat.NewVecDense(count, nil)
	unit.SetVec(a, 1)
	if err := chol.SolveVecTo(weight, unit); err != nil {
		return Direction{}, fmt.Errorf("latent: a regression on %d attributes: %w", count, err)
	}
	beta := make([]float64, units)
	for i := range n {
		w := 0.0 // Σ_k weight_k y_ik; its sum over the images is 0, so z needs no mean taken off
		for k := range count {
			w += weight.AtVec(k) * (float64(attributes[i*count+k]) - mean[k])
		}
		for u, v := range row(codes, units, i) {
			beta[u] += w * float64(v)
		}
	}
	return newDirection(codes, units, with, beta)
}

// UnitDirection returns the direction of one latent unit, as of a model that was trained to have
// it rise with the attribute. It fails if all codes have the attribute, or none.
//
// codes (N, units), with (N), unit in [0, units).
func UnitDirection(codes []float32, units int, with []bool, unit int) (Direction, error) {
	if err := checkAttribute(codes, units, with); err != nil {
		return Direction{}, err
	}
	if unit < 0 || unit >= units {
		return Direction{}, fmt.Errorf("latent: unit %d of %d: want one of them, from 0", unit, units)
	}
	v := make([]float64, units)
	v[unit] = 1
	return newDirection(codes, units, with, v)
}

// The ways in which Session.Direction computes a direction.
const (
	ByMean    = "mean"    // MeanDifference
	ByPartial = "partial" // PartialDifference of an attribute, MeanDifference of a class
	ByUnit    = "unit"    // UnitDirection of the unit that the model has for the attribute
)

// Direction returns the direction of a trait of a set from the codes of one of its parts. way is
// ByMean, ByPartial or ByUnit, which fails if the model has no unit for the trait.
//
// codes (N, Z) of the items of p.
func (s *Session) Direction(codes []float32, set *data.Set, p data.Split, t data.Trait, way string) (Direction, error) {
	with, err := t.Mask(p)
	if err != nil {
		return Direction{}, err
	}
	switch {
	case way == ByUnit:
		unit := slices.Index(s.model.Attributes, t.Name)
		if unit < 0 || t.Attribute < 0 {
			return Direction{}, fmt.Errorf("latent: no latent unit of this model was trained to rise with it: want %s or %s, or a model that was trained with --attributes", ByMean, ByPartial)
		}
		return UnitDirection(codes, s.Latent(), with, unit)
	case way == ByPartial && t.Attribute >= 0:
		return PartialDifference(codes, s.Latent(), p.Attributes, t.Attribute, len(set.Attributes), Ridge)
	}
	return MeanDifference(codes, s.Latent(), with)
}

// checkAttribute returns an error unless some codes have the attribute and some do not.
func checkAttribute(codes []float32, units int, with []bool) error {
	if units < 1 || len(codes) != len(with)*units {
		return fmt.Errorf("latent: %d values for %d codes of %d units", len(codes), len(with), units)
	}
	n := 0
	for _, w := range with {
		if w {
			n++
		}
	}
	if n == 0 || n == len(with) {
		return fmt.Errorf("latent: %d of %d images have the attribute: a direction wants some with it and some without", n, len(with))
	}
	return nil
}

// newDirection returns the direction of v, with the statistics of the codes along it.
func newDirection(codes []float32, units int, with []bool, v []float64) (Direction, error) {
	length := 0.0
	for _, x := range v {
		length += x * x
	}
	length = math.Sqrt(length)
	if !(length > 0) || math.IsInf(length, 0) {
		return Direction{}, fmt.Errorf("latent: codes with and without the attribute have the same mean, so there is no direction between them")
	}
	d := Direction{Vector: make([]float64, units)}
	for u, x := range v {
		d.Vector[u] = x / length
	}
	var sum, square, on float64
	for i, w := range with {
		p := 0.0
		for u, x := range row(codes, units, i) {
			p += d.Vector[u] * float64(x)
		}
		sum, square = sum+p, square+p*p
		if w {
			on, d.With = on+p, d.With+1
		}
	}
	n := float64(len(with))
	d.Without = len(with) - d.With
	d.Deviation = math.Sqrt(max(0, square/n-sum/n*sum/n))
	d.Separation = (on/float64(d.With) - (sum-on)/float64(d.Without)) / d.Deviation
	return d, nil
}

// Move returns a code moved along the direction by each of the strengths.
//
// code (Z), strengths (S), in Deviations → (S, Z).
func (d Direction) Move(code []float32, strengths []float64) []float32 {
	z := make([]float32, 0, len(strengths)*len(code))
	for _, s := range strengths {
		for u, v := range code {
			z = append(z, float32(float64(v)+s*d.Deviation*d.Vector[u]))
		}
	}
	return z
}
