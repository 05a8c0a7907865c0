package tones

import (
	"math"

	"github.com/imago-ml/imago/engine/rng"
)

// A voice synthesises the sounds of one class.
type voice struct {
	name string
	// play writes a sound to x, at Rate samples a second, whose pitch, length and timbre are drawn from key. The
	// greatest value does not matter: clips are scaled to the same peak.
	play func(x []float64, key rng.Key)
}

// voices are the classes: six drums and four instruments that hold a pitch.
var voices = []voice{
	{"kick", kick}, {"snare", snare}, {"hi-hat", hiHat}, {"tom", tom}, {"clap", clap}, {"cowbell", cowbell},
	{"pluck", pluck}, {"organ", organ}, {"bell", bell}, {"flute", flute},
}

// between returns a number from lo to hi, whose logarithm is uniform, drawn from the part of that name of key.
func between(key rng.Key, name string, lo, hi float64) float64 {
	return lo * math.Pow(hi/lo, key.Split(name).Float64())
}

// noise returns n draws of N(0, 1).
func noise(key rng.Key, n int) []float32 {
	x := make([]float32, n)
	key.Split("noise").Normal(x)
	return x
}

// at returns the time of sample i in seconds.
func at(i int) float64 { return float64(i) / Rate }

// decay returns e^(−t/length) at sample i.
func decay(i int, length float64) float64 { return math.Exp(-at(i) / length) }

// sweep adds to x a sine whose frequency falls from high to low Hz within about fall seconds, and that dies away
// within about length seconds.
func sweep(x []float64, high, low, fall, length, level float64) {
	phase := 0.0
	for i := range x {
		phase += 2 * math.Pi * (low + (high-low)*decay(i, fall)) / Rate
		x[i] += level * decay(i, length) * math.Sin(phase)
	}
}

// kick makes a falling sine with a click.
func kick(x []float64, key rng.Key) {
	low := between(key, "low", 42, 65)
	sweep(x, between(key, "high", 120, 320), low, between(key, "fall", 0.02, 0.05), between(key, "length", 0.08, 0.25), 1)
	level, click := between(key, "click", 0.05, 0.4), noise(key, len(x))
	for i := range x {
		x[i] += level * decay(i, 0.003) * float64(click[i])
	}
}

// snare makes two sines of the skin and the noise of the wires.
func snare(x []float64, key rng.Key) {
	f := between(key, "pitch", 160, 260)
	sweep(x, 1.3*f, f, 0.02, between(key, "skin", 0.04, 0.09), 0.7)
	sweep(x, 2.1*f, 1.7*f, 0.02, 0.05, 0.4)
	length, level, wires := between(key, "length", 0.05, 0.16), between(key, "level", 0.3, 0.8), noise(key, len(x))
	before := 0.0
	for i := range x {
		v := float64(wires[i])
		x[i] += level * decay(i, length) * (v - 0.7*before) / 2
		before = v
	}
}

// hiHat makes noise without its low frequencies, closed or open.
func hiHat(x []float64, key rng.Key) {
	length := between(key, "length", 0.015, 0.25)
	a, b := 0.0, 0.0
	for i, n := range noise(key, len(x)) {
		v := float64(n)
		x[i] = decay(i, length) * (v - 2*a + b)
		a, b = v, a
	}
}

// tom makes a falling sine, longer and higher than that of a kick.
func tom(x []float64, key rng.Key) {
	f := between(key, "pitch", 85, 240)
	length := between(key, "length", 0.12, 0.3)
	sweep(x, 1.6*f, f, 0.04, length, 1)
	sweep(x, 2.5*f, 1.6*f, 0.03, length/3, 0.3)
}

// resonate filters x in place by two poles at f Hz, with a bandwidth in Hz.
func resonate(x []float64, f, bandwidth float64) {
	r := math.Exp(-math.Pi * bandwidth / Rate)
	c := 2 * r * math.Cos(2*math.Pi*f/Rate)
	a, b := 0.0, 0.0
	for i, v := range x {
		y := (1-r)*v + c*a - r*r*b
		x[i], a, b = y, y, a
	}
}

// clap makes three bursts of noise about one frequency, and a tail.
func clap(x []float64, key rng.Key) {
	gap, length := between(key, "gap", 0.008, 0.014), between(key, "length", 0.04, 0.12)
	for i, n := range noise(key, len(x)) {
		t := at(i)
		level := 0.0
		for k := range 3 {
			if since := t - float64(k)*gap; since >= 0 {
				level = math.Exp(-since / 0.004)
			}
		}
		if since := t - 3*gap; since >= 0 {
			level = math.Exp(-since / length)
		}
		x[i] = level * float64(n)
	}
	resonate(x, between(key, "pitch", 900, 1700), 700)
}

// cowbell makes two square waves.
func cowbell(x []float64, key rng.Key) {
	f, length := between(key, "pitch", 440, 680), between(key, "length", 0.05, 0.2)
	ratio := between(key, "ratio", 1.42, 1.56)
	square := func(f, t float64) float64 {
		if math.Mod(f*t, 1) < 0.5 {
			return 1
		}
		return -1
	}
	for i := range x {
		x[i] = decay(i, length) * (square(f, at(i)) + square(ratio*f, at(i)))
	}
	resonate(x, 1.5*f, 2000)
}

// pluck makes a string by the algorithm of Karplus and Strong: noise in a loop of one period, smoothed at each turn.
// Karplus & Strong, Digital Synthesis of Plucked-String and Drum Timbres, Computer Music Journal, 1983.
func pluck(x []float64, key rng.Key) {
	period := int(Rate / between(key, "pitch", 110, 660))
	loop := noise(key, period)
	damp := between(key, "damp", 0.985, 0.999)
	for i := range x {
		at, next := i%period, (i+1)%period
		x[i] = float64(loop[at])
		loop[at] = float32(damp * (float64(loop[at]) + float64(loop[next])) / 2)
	}
}

// attack returns the level at sample i of a sound that rises within so many seconds, stays, and ends before the clip.
func attack(i, n int, rise float64) float64 {
	const release = 0.05
	return min(1, at(i)/rise, max(0, (at(n)-0.04-at(i))/release))
}

// organ makes a sum of harmonics, as a drawbar organ has.
func organ(x []float64, key rng.Key) {
	f := between(key, "pitch", 130, 520)
	for k, h := range []float64{1, 2, 3, 4, 6, 8} {
		level := key.Split("drawbars").At(uint64(k)).Float64()
		if h == 1 {
			level = 1
		}
		for i := range x {
			x[i] += attack(i, len(x), 0.01) * level * math.Sin(2*math.Pi*h*f*at(i))
		}
	}
}

// bell makes a sine that modulates the frequency of another, less and less.
// Chowning, The Synthesis of Complex Audio Spectra by Means of Frequency Modulation, 1973.
func bell(x []float64, key rng.Key) {
	f, ratio := between(key, "pitch", 320, 1100), between(key, "ratio", 1.35, 1.45)
	index, length := between(key, "index", 2, 6), between(key, "length", 0.15, 0.5)
	for i := range x {
		m := index * decay(i, length/2) * math.Sin(2*math.Pi*ratio*f*at(i))
		x[i] = decay(i, length) * math.Sin(2*math.Pi*f*at(i)+m)
	}
}

// flute makes three harmonics with vibrato, and breath.
func flute(x []float64, key rng.Key) {
	f, rate := between(key, "pitch", 350, 1050), between(key, "vibrato", 4, 7)
	depth, breath, rise := between(key, "depth", 0.003, 0.015), between(key, "breath", 0.02, 0.12), between(key, "rise", 0.03, 0.1)
	blown := make([]float64, len(x))
	for i, n := range noise(key, len(x)) {
		blown[i] = float64(n)
	}
	resonate(blown, 2*f, 1500)
	phase := 0.0
	for i := range x {
		phase += 2 * math.Pi * f * (1 + depth*math.Sin(2*math.Pi*rate*at(i))) / Rate
		x[i] = attack(i, len(x), rise) * (math.Sin(phase) + 0.3*math.Sin(2*phase) + 0.1*math.Sin(3*phase) + 8*breath*blown[i])
	}
}
