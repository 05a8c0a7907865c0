package latent

import (
	"math"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/table"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/model"
)

// planted returns codes ~ N(0, I) of 2n images with two attributes that agree for four images
// of five: the first moves codes by 2 along unit 0, the second by 3 along unit 1.
func planted(n, units int) (codes []float32, attributes []uint8) {
	codes, attributes = make([]float32, 2*n*units), make([]uint8, 4*n)
	rng.New(1).Normal(codes)
	for i := range 2 * n {
		a := i % 2
		b := a
		if i/2%5 == 0 {
			b = 1 - a
		}
		attributes[2*i], attributes[2*i+1] = uint8(a), uint8(b)
		codes[i*units] += 2 * float32(a)
		codes[i*units+1] += 3 * float32(b)
	}
	return codes, attributes
}

func column(attributes []uint8, a, of int) []bool {
	with := make([]bool, len(attributes)/of)
	for i := range with {
		with[i] = attributes[i*of+a] == 1
	}
	return with
}

func TestMeanDifference(t *testing.T) {
	const units = 6
	codes, attributes := planted(5000, units)
	// With attribute 0 comes attribute 1, at 0.8 against 0.2: the means differ by (2, 3·0.6, 0, …).
	d, err := MeanDifference(codes, units, column(attributes, 0, 2))
	if err != nil {
		t.Fatal(err)
	}
	length := math.Hypot(2, 1.8)
	for u, want := range []float64{2 / length, 1.8 / length, 0, 0, 0, 0} {
		if math.Abs(d.Vector[u]-want) > 0.03 {
			t.Errorf("unit %d of the direction is %v, want %v", u, d.Vector[u], want)
		}
	}
	if d.With != 5000 || d.Without != 5000 || math.Abs(d.Separation*d.Deviation-length) > 0.06 {
		t.Errorf("%d with, %d without, a separation of %v; want 5000 of each and %v", d.With, d.Without, d.Separation*d.Deviation, length)
	}
	// A strength is in standard deviations along the direction.
	moved := d.Move(codes[:units], []float64{0, 2})
	if !same(moved[:units], codes[:units]) || math.Abs(Euclidean(moved[units:], codes[:units])-2*d.Deviation) > 1e-5 {
		t.Errorf("moved by 0 and 2 deviations of %v to %v", d.Deviation, moved)
	}
}

// TestPartialDifference checks the direction of an attribute without the effect of another that
// is correlated with it.
func TestPartialDifference(t *testing.T) {
	const units = 6
	codes, attributes := planted(5000, units)
	for a, deviation := range []float64{math.Sqrt(2), math.Sqrt(1 + 9.0/4)} {
		d, err := PartialDifference(codes, units, attributes, a, 2, 1)
		if err != nil {
			t.Fatal(err)
		}
		if !(d.Vector[a] > 0.999) || math.Abs(d.Deviation-deviation) > 0.03 {
			t.Errorf("attribute %d: direction %v, deviation %v; want unit %d, %v", a, d.Vector, d.Deviation, a, deviation)
		}
	}
	// An attribute that all images share, and one that repeats another, are no trouble.
	wide := make([]uint8, 0, 2*len(attributes))
	for i := 0; i < len(attributes); i += 2 {
		wide = append(wide, attributes[i], attributes[i+1], 1, attributes[i+1])
	}
	if d, err := PartialDifference(codes, units, wide, 0, 4, 1); err != nil || !(d.Vector[0] > 0.999) {
		t.Errorf("beside an attribute of all and a repeated one: %v, %v", d.Vector, err)
	}
	if _, err := PartialDifference(codes, units, wide, 2, 4, 1); err == nil || !strings.Contains(err.Error(), "10000 of 10000") {
		t.Errorf("an attribute of all images gave %v", err)
	}
}

func TestDirectionErrors(t *testing.T) {
	for name, err := range map[string]error{
		"nobody":     second(MeanDifference([]float32{1, 2}, 1, []bool{false, false})),
		"everybody":  second(MeanDifference([]float32{1, 2}, 1, []bool{true, true})),
		"same place": second(MeanDifference([]float32{1, 1}, 1, []bool{true, false})),
		"not finite": second(MeanDifference([]float32{float32(math.Inf(1)), 1}, 1, []bool{true, false})),
		"short":      second(MeanDifference([]float32{1}, 1, []bool{true, false})),
		"no ridge":   second(PartialDifference([]float32{1, 2}, 1, []uint8{1, 0}, 0, 1, 0)),
		"unknown":    second(PartialDifference([]float32{1, 2}, 1, []uint8{1, 0}, 1, 1, 1)),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestSignedSum(t *testing.T) {
	codes := []float32{1, 10, 3, 30, 5, 20}
	mean, err := MeanCode(codes, 2, []int{0, 2})
	if err != nil || !same(mean, []float32{3, 15}) {
		t.Errorf("mean %v, %v", mean, err)
	}
	z, err := SignedSum(codes, 2, []float64{1, -1, 1})
	if err != nil || !same(z, []float32{3, 0}) {
		t.Errorf("sum %v, %v", z, err)
	}
	if second(MeanCode(codes, 2, nil)) == nil || second(MeanCode(codes, 2, []int{3})) == nil || second(SignedSum(codes, 2, []float64{1})) == nil {
		t.Error("no error")
	}
}

// TestUnitDirection verifies that the direction of an attribute that has a unit is that unit alone,
// in its deviation and sign, and that an attribute without one is an error.
func TestUnitDirection(t *testing.T) {
	const units = 3
	codes, attributes := planted(2000, units)
	items, err := data.NewValues(codes, table.Item(make([]table.Column, units)))
	if err != nil {
		t.Fatal(err)
	}
	part := data.Split{Items: items, Attributes: attributes}
	set := &data.Set{Name: "planted", Attributes: []string{"first", "second"}, Train: part}
	s := &Session{model: &model.Model{Latent: units, Attributes: []string{"second"}}}
	direction := func(attribute int, way string) (Direction, error) {
		trait, err := set.Trait(set.Attributes[attribute])
		if err != nil {
			t.Fatal(err)
		}
		return s.Direction(codes, set, part, trait, way)
	}
	d, err := direction(1, ByUnit)
	if err != nil || d.Vector[0] != 1 || d.Vector[1] != 0 || d.Vector[2] != 0 {
		t.Errorf("direction %v (%v), want the first unit", d.Vector, err)
	}
	// Unit 0 is N(0, 1) and 2 more for one half, and of the others 0.8 against 0.2 have it: (0.8 − 0.2)·2.
	if math.Abs(d.Deviation-math.Sqrt2) > 0.05 || math.Abs(d.Separation*d.Deviation-1.2) > 0.1 {
		t.Errorf("deviation %v, separation %v", d.Deviation, d.Separation)
	}
	if _, err := direction(0, ByUnit); err == nil || !strings.Contains(err.Error(), "want mean or partial") {
		t.Errorf("an attribute without a unit: %v", err)
	}
	for way, want := range map[string]float64{ByMean: 2 / math.Hypot(2, 1.8), ByPartial: 1} {
		if d, err := direction(0, way); err != nil || math.Abs(d.Vector[0]-want) > 0.03 {
			t.Errorf("%s: %v (%v), want %v along unit 0", way, d.Vector, err, want)
		}
	}
}
