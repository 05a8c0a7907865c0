package optim

import (
	"math"
	"testing"
)

// The rate falls after so many epochs without an improvement; a smaller improvement than the threshold is none, also of
// a loss below 0.
func TestPlateau(t *testing.T) {
	for _, tt := range []struct {
		text   string
		losses []float64
		rates  []float64 // after each
	}{
		{"plateau:2:0.5", []float64{100, 90, 91, 89.9, 89.8999, 90, 95, 94, 89}, []float64{1, 1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25}},
		{"plateau:1:0.5", []float64{-100, -100.005, -100.02, -101, -101}, []float64{1, 0.5, 0.5, 0.5, 0.25}},
		{"plateau:3", []float64{1, 1, 1, 1, 1, 1, 1}, []float64{1, 1, 1, 0.1, 0.1, 0.1, 0.01}},
		{"plateau", []float64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, []float64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0.1}},
	} {
		schedule, err := ParseSchedule(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		var s PlateauState
		if s.Rate(2) != 2 || schedule.At(2, 5, 10) != 2 {
			t.Errorf("%s: before the first epoch the rate is %v", tt.text, s.Rate(2))
		}
		for i, loss := range tt.losses {
			s = schedule.Plateau().Next(s, loss)
			if got, want := s.Rate(2), 2*tt.rates[i]; !(math.Abs(got-want) < 1e-15) {
				t.Errorf("%s: after epoch %d the rate is %v, want %v", tt.text, i+1, got, want)
			}
		}
	}
	if s, err := ParseSchedule("cosine"); err != nil || s.Plateau() != nil {
		t.Errorf("cosine is a plateau: %v", err)
	}
	for _, text := range []string{"plateau:", "plateau:0", "plateau:x", "plateau:2:1", "plateau:2:0", "plateau:2:", "plateau:2:0.5:1", "plateau:2:NaN"} {
		if _, err := ParseSchedule(text); err == nil {
			t.Errorf("%s is no error", text)
		}
	}
}
