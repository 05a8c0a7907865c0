package music

import (
	"math"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/formats/audio"
	"github.com/imago-ml/imago/internal/memory"
)

// rate is the samples a second of what is played.
const rate = 16_000

// tail is the sound after the last step, in seconds.
const tail = 0.4

// Play returns a WAV file of one melody: tones of six harmonics that fade.
func (m Melody) Play(_ medium.Item, values []float32) (file []byte, kind string, err error) {
	return play(m.notes(values, 0), len(values), m.Tempo, tone)
}

// Play returns a WAV file of one pattern: drums of decaying sines and noise.
func (m Drums) Play(_ medium.Item, values []float32) (file []byte, kind string, err error) {
	return play(m.notes(values, 0), len(values), m.Tempo, hit)
}

// play returns a WAV file of the notes of so many steps. sound returns the samples of a note that
// is held for some seconds.
func play(notes []stepped, steps, tempo int, sound func(pitch int, seconds float64) []float32) (file []byte, kind string, err error) {
	step := float64(tempo) / 4e6 // seconds
	length := int((float64(steps)*step + tail) * rate)
	if err := memory.Check(6*int64(length), "the sound of %d steps", steps); err != nil {
		return nil, "", err
	}
	x := make([]float32, length)
	for _, n := range notes {
		at := int(float64(n.start) * step * rate)
		for i, v := range sound(n.note.Pitch, float64(n.end-n.start)*step) {
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
	file, err = audio.EncodeWAV(x, rate)
	return file, "audio/wav", err
}

// maxNote is the longest sound of a note in seconds: it has faded.
const maxNote = 8

// tone returns a tone of six harmonics, the k-th of amplitude k^−1.5, that begins within 5 ms and
// fades with a time constant of 0.6 s, and within 50 ms once the note ends.
func tone(pitch int, seconds float64) []float32 {
	const attack, fade, release, harmonics = 0.005, 0.6, 0.05, 6
	seconds = min(seconds, maxNote)
	hertz := 440 * math.Exp2(float64(pitch-69)/12)
	x := make([]float32, int((seconds+release)*rate))
	for i := range x {
		t := float64(i) / rate
		level := min(t/attack, 1) * math.Exp(-t/fade) * min((seconds+release-t)/release, 1)
		for k := 1.0; k <= harmonics && k*hertz < rate/2; k++ {
			x[i] += float32(level * math.Sin(2*math.Pi*k*hertz*t) / (k * math.Sqrt(k)))
		}
	}
	return x
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
