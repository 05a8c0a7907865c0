package music

import (
	"bytes"
	"math"
	"testing"

	"github.com/imago-ml/imago/formats/audio"
	"github.com/imago-ml/imago/internal/synth"
)

// TestPlayMelody plays A4 and then A5, and finds these frequencies in the sound, and silence in
// between.
func TestPlayMelody(t *testing.T) {
	m := Melody{Bars: 1, Low: 60, High: 84, Tempo: 500_000} // a step is 1/8 s
	v := make([]float32, Steps)
	v[0], v[4], v[8] = 69-60+FirstPitch, Off, 81-60+FirstPitch
	file, kind, err := m.Play(m.Item(), v)
	if err != nil || kind != "audio/wav" {
		t.Fatal(kind, err)
	}
	c, err := audio.Decode(bytes.NewReader(file), 10)
	if err != nil || c.Rate != rate || len(c.Samples) != int((2+synth.Tail)*rate) {
		t.Fatalf("%d samples at %d, %v", len(c.Samples), c.Rate, err)
	}
	for _, tt := range []struct {
		from, to float64 // seconds
		hertz    float64
	}{{0.1, 0.4, 440}, {1.1, 1.4, 880}} {
		part := c.Samples[int(tt.from*rate):int(tt.to*rate)]
		if at, next := power(part, tt.hertz), power(part, tt.hertz*math.Exp2(1./12)); !(at > 20*next) {
			t.Errorf("from %v s on: power %v at %v Hz, %v a semitone above", tt.from, at, tt.hertz, next)
		}
	}
	if p := power(c.Samples[int(0.7*rate):int(0.9*rate)], 440); !(p < 1e-9) {
		t.Errorf("power %v in silence", p)
	}
}

// power returns the mean power of a frequency.
func power(x []float32, hertz float64) float64 {
	sin, cos := 0.0, 0.0
	for i, v := range x {
		s, c := math.Sincos(2 * math.Pi * hertz * float64(i) / rate)
		sin, cos = sin+float64(v)*s, cos+float64(v)*c
	}
	n := float64(len(x))
	return (sin*sin + cos*cos) / n / n
}

// TestPlayDrums checks that each drum is heard where it is hit, and that all differ.
func TestPlayDrums(t *testing.T) {
	m := Drums{1, 500_000}
	seen := map[string]string{}
	for k, name := range DrumNames() {
		v := make([]float32, Steps)
		v[8] = float32(int(1) << k)
		file, _, err := m.Play(m.Item(), v)
		if err != nil {
			t.Fatal(err)
		}
		c, err := audio.Decode(bytes.NewReader(file), 10)
		if err != nil {
			t.Fatal(err)
		}
		before, after := 0.0, 0.0
		for _, x := range c.Samples[:rate-1] {
			before = max(before, math.Abs(float64(x)))
		}
		for _, x := range c.Samples[rate:] {
			after = max(after, math.Abs(float64(x)))
		}
		if before > 0 || !(after > 0.6) {
			t.Errorf("%s: peak %v before it is hit, %v after", name, before, after)
		}
		if other := seen[string(file)]; other != "" {
			t.Errorf("%s sounds as %s does", name, other)
		}
		seen[string(file)] = name
	}
}
