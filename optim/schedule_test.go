package optim

import (
	"math"
	"strings"
	"testing"
)

func TestSchedules(t *testing.T) {
	decay := func(i float64) float64 { return math.Pow(10, -i/7) }
	for text, rates := range map[string]map[int]float64{ // the rates of some of 20 epochs, as fractions of the initial rate
		"":           {0: 1, 19: 1},
		"constant":   {0: 1, 19: 1},
		"step:10:.9": {0: 1, 9: 1, 10: 0.9, 19: 0.9, 20: 0.81, 35: 0.729},
		"step:1:0.5": {0: 1, 1: 0.5, 3: 0.125},
		"cosine":     {0: 1, 5: (1 + math.Sqrt2/2) / 2, 10: 0.5, 15: (1 - math.Sqrt2/2) / 2},
		// Stages of 1, 3, 9, 27, 81, 243, 729 and 2187 epochs; the first four are 40.
		"burda": {0: 1, 1: decay(1), 3: decay(1), 4: decay(2), 12: decay(2), 13: decay(3), 39: decay(3), 40: decay(4),
			1092: decay(6), 1093: 0.1, 3279: 0.1, 9999: 0.1},
	} {
		s, err := ParseSchedule(text)
		if err != nil {
			t.Fatal(err)
		}
		for epoch, want := range rates {
			if got := s.At(2e-3, epoch, 20); !(math.Abs(got-2e-3*want) < 1e-15) {
				t.Errorf("%q: the rate of epoch %d is %v, want %v", text, epoch, got, 2e-3*want)
			}
		}
	}
	s, _ := ParseSchedule("cosine")
	for _, epoch := range []int{19, 20, 1000} { // with a rate of 0 an epoch would have no effect
		if got := s.At(1, epoch, 20); !(got > 0) {
			t.Errorf("cosine: the rate of epoch %d is %v", epoch, got)
		}
	}
}

func TestParseScheduleErrors(t *testing.T) {
	for _, text := range []string{"linear", "step", "step:10", "step:0:0.9", "step:10:0", "step:10:2", "step:10:NaN", "step:10:0.9:3", "step:x:0.9", "cosine:3", "burda:", ":", "Cosine"} {
		_, err := ParseSchedule(text)
		if err == nil || !strings.Contains(err.Error(), `"`+text+`"`) || !strings.Contains(err.Error(), "step:10:0.9") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
