package synth

import (
	"bytes"
	"math"
	"testing"

	"github.com/imago-ml/imago/formats/audio"
)

// TestPlay plays a chord of A4 and E5 for half a second, and finds the power of both, and less of what is
// between, and silence before.
func TestPlay(t *testing.T) {
	file, kind, err := Play([]Note{{69, 0.5, 0.5}, {76, 0.5, 0.5}}, 1, Tone)
	if err != nil || kind != "audio/wav" {
		t.Fatal(kind, err)
	}
	c, err := audio.Decode(bytes.NewReader(file), 10)
	if err != nil || c.Rate != Rate || len(c.Samples) != int((1+Tail)*Rate) {
		t.Fatalf("%d samples at %d, %v", len(c.Samples), c.Rate, err)
	}
	power := func(x []float32, pitch int) float64 {
		sin, cos := 0.0, 0.0
		for i, v := range x {
			s, c := math.Sincos(2 * math.Pi * 440 * math.Exp2(float64(pitch-69)/12) * float64(i) / Rate)
			sin, cos = sin+float64(v)*s, cos+float64(v)*c
		}
		return (sin*sin + cos*cos) / float64(len(x)*len(x))
	}
	chord := c.Samples[int(0.6*Rate):int(0.9*Rate)]
	for _, pitch := range []int{69, 76} {
		if p, other := power(chord, pitch), power(chord, 72); !(p > 20*other) {
			t.Errorf("pitch %d has the power %v, and 72 %v", pitch, p, other)
		}
	}
	if p := power(c.Samples[:Rate/2], 69); p != 0 {
		t.Errorf("power %v before the first note", p)
	}
	peak := float32(0)
	for _, v := range c.Samples {
		peak = max(peak, v, -v)
	}
	if math.Abs(float64(peak)-0.7) > 0.001 {
		t.Errorf("the peak is %v, want 0.7", peak)
	}
}
