package music

import (
	"math"
	"math/bits"

	"github.com/imago-ml/imago/data/medium"
)

// Density returns the notes or hits of one item for each step.
func Density(item medium.Item, values []float32) float64 {
	n := 0
	switch m := item.Medium.(type) {
	case Melody:
		for _, v := range values {
			if m.token(v) >= FirstPitch {
				n++
			}
		}
	case Drums:
		for _, v := range values {
			n += bits.OnesCount16(m.token(v))
		}
	}
	return float64(n) / float64(len(values))
}

// Interval returns the average interval of one melody: the mean distance in semitones from a
// note to the next; 0 if it has fewer than two notes, or is no melody.
func Interval(item medium.Item, values []float32) float64 {
	m, ok := item.Medium.(Melody)
	if !ok {
		return 0
	}
	sum, n, last := 0.0, 0, -1
	for _, v := range values {
		t := m.token(v)
		if t < FirstPitch {
			continue
		}
		if last >= 0 {
			sum, n = sum+math.Abs(float64(t-last)), n+1
		}
		last = t
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

// Measures returns the names of Density and Interval, which are the attributes of a set.
func (Melody) Measures(medium.Item) []string { return []string{NoteDensity, AverageInterval} }

// Measure returns Density and Interval.
func (Melody) Measure(item medium.Item, values []float32) []float64 {
	return []float64{Density(item, values), Interval(item, values)}
}

// Measures returns the name of Density, which is the attribute of a set.
func (Drums) Measures(medium.Item) []string { return []string{NoteDensity} }

// Measure returns Density.
func (Drums) Measure(item medium.Item, values []float32) []float64 {
	return []float64{Density(item, values)}
}
