package music

import (
	"math"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/synth"
)

// rate is the samples a second of what is played.
const rate = synth.Rate

// Play returns a WAV file of one melody: tones of six harmonics that fade.
func (m Melody) Play(_ medium.Item, values []float32) (file []byte, kind string, err error) {
	return play(m.notes(values, 0), len(values), m.Tempo, synth.Tone)
}

// Play returns a WAV file of one pattern: drums of decaying sines and noise.
func (m Drums) Play(_ medium.Item, values []float32) (file []byte, kind string, err error) {
	return play(m.notes(values, 0), len(values), m.Tempo, hit)
}

// play returns a WAV file of the notes of so many steps. sound returns the samples of a note that
// is held for some seconds.
func play(notes []stepped, steps, tempo int, sound func(pitch int, seconds float64) []float32) (file []byte, kind string, err error) {
	step := float64(tempo) / 4e6 // seconds
	played := make([]synth.Note, len(notes))
	for i, n := range notes {
		played[i] = synth.Note{Pitch: n.note.Pitch, At: float64(n.start) * step, Seconds: float64(n.end-n.start) * step}
	}
	return synth.Play(played, float64(steps)*step, sound)
}

// A voicing is how a drum sounds: a sine that falls from one frequency to another, and noise, of
// which bright takes the high part.
type voicing struct {
	from, to    float64 // Hz
	body, noise float64 // amplitudes
	fade        float64 // time constant in seconds
	bright      bool
}

// voicings are those of drums, in the order of their bits.
var voicings = [len(drums)]voicing{
	{from: 130, to: 45, body: 1, noise: 0.05, fade: 0.12},
	{from: 220, to: 180, body: 0.35, noise: 0.7, fade: 0.08},
	{noise: 0.35, fade: 0.03, bright: true},
	{noise: 0.35, fade: 0.16, bright: true},
	{from: 120, to: 80, body: 0.8, noise: 0.05, fade: 0.18},
	{from: 170, to: 120, body: 0.8, noise: 0.05, fade: 0.16},
	{from: 230, to: 170, body: 0.8, noise: 0.05, fade: 0.14},
	{noise: 0.6, fade: 0.5, bright: true},
	{from: 4300, to: 4300, body: 0.12, noise: 0.2, fade: 0.3, bright: true},
}

// hit returns the sound of a drum by its pitch, however long the note is.
func hit(pitch int, _ float64) []float32 {
	v := voicings[drumOf[pitch]]
	noise := rng.New(1).Split("drums").At(uint64(pitch)).Stream()
	x := make([]float32, int(5*v.fade*rate))
	phase, before := 0.0, 0.0
	for i := range x {
		t := float64(i) / rate
		level := math.Exp(-t / v.fade)
		phase += 2 * math.Pi * (v.to + (v.from-v.to)*math.Exp(-t/0.03)) / rate
		n := float64(noise.Uniform())*2 - 1
		sound := n
		if v.bright { // the difference of neighbours has the high frequencies
			sound = (n - before) / 2
		}
		before = n
		x[i] = float32(level * (v.body*math.Sin(phase) + v.noise*sound))
	}
	return x
}
