// Package synth turns notes into sound, so that pages play what has notes: tones of harmonics that fade,
// or sounds of the caller's own, added up into a WAV file. It promises the same samples for the same notes,
// and memory within the budget. The package must not know any medium.
package synth

import (
	"math"

	"github.com/imago-ml/imago/formats/audio"
	"github.com/imago-ml/imago/internal/memory"
)

// Rate is the samples a second of what is played.
const Rate = 16_000

// Tail is the sound after the end of the notes, in seconds.
const Tail = 0.4

// A Note is a pitch that sounds from a time on, in seconds.
type Note struct {
	Pitch       int // as MIDI counts: 69 is 440 Hz
	At, Seconds float64
}

// Play returns a WAV file of the notes of a piece of so many seconds, as loud at its peak as any other, and
// its type. sound returns the samples of a pitch that is held for some seconds, as Tone does. It fails if the
// memory budget does not allow it.
func Play(notes []Note, seconds float64, sound func(pitch int, seconds float64) []float32) (file []byte, kind string, err error) {
	length := int((seconds + Tail) * Rate)
	if err := memory.Check(6*int64(length), "the sound of %.0f seconds", seconds); err != nil {
		return nil, "", err
	}
	x := make([]float32, length)
	for _, n := range notes {
		at := int(n.At * Rate)
		for i, v := range sound(n.Pitch, n.Seconds) {
			if at+i < len(x) {
				x[at+i] += v
			}
		}
	}
	peak := float32(0)
	for _, v := range x {
		peak = max(peak, v, -v)
	}
	if peak > 0 {
		for i := range x {
			x[i] *= 0.7 / peak
		}
	}
	file, err = audio.EncodeWAV(x, Rate)
	return file, "audio/wav", err
}

// maxNote is the longest sound of a note in seconds: it has faded.
const maxNote = 8

// Tone returns a tone of six harmonics, the k-th of amplitude k^−1.5, that begins within 5 ms and
// fades with a time constant of 0.6 s, and within 50 ms once the note ends.
func Tone(pitch int, seconds float64) []float32 {
	const attack, fade, release, harmonics = 0.005, 0.6, 0.05, 6
	seconds = min(seconds, maxNote)
	hertz := 440 * math.Exp2(float64(pitch-69)/12)
	x := make([]float32, int((seconds+release)*Rate))
	for i := range x {
		t := float64(i) / Rate
		level := min(t/attack, 1) * math.Exp(-t/fade) * min((seconds+release-t)/release, 1)
		for k := 1.0; k <= harmonics && k*hertz < Rate/2; k++ {
			x[i] += float32(level * math.Sin(2*math.Pi*k*hertz*t) / (k * math.Sqrt(k)))
		}
	}
	return x
}
