package sound

import (
	"math"
	"runtime"
	"slices"
	"sync"

	"gonum.org/v1/gonum/dsp/fourier"
	"gonum.org/v1/gonum/mat"

	"github.com/imago-ml/imago/engine/rng"
)

// A transform turns samples into mel bands and back. It is safe for concurrent use.
type transform struct {
	Medium
	bins    int         // of the Fourier transform
	window  []float64   // (Window): a Hann window
	full    float64     // magnitude of a sine of full scale
	low     []int       // (bands): the first bin of each band, the lowest band first
	weights [][]float64 // of its bins
	inverse *mat.Dense  // (bins, bands): magnitudes of bins from those of bands
	ffts    sync.Pool   // of *fourier.FFT
}

// transforms holds the transforms that were made, by their media.
var transforms sync.Map

// transform returns the transform of the medium.
func (m Medium) transform() *transform {
	m.Frames = 0 // it is that of any number of frames
	if t, ok := transforms.Load(m); ok {
		return t.(*transform)
	}
	t, _ := transforms.LoadOrStore(m, newTransform(m))
	return t.(*transform)
}

func newTransform(m Medium) *transform {
	t := &transform{Medium: m, bins: m.Window/2 + 1}
	t.ffts.New = func() any { return fourier.NewFFT(m.Window) }
	sum := 0.0
	for i := range m.Window {
		w := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(m.Window))
		t.window = append(t.window, w)
		sum += w
	}
	t.full = sum / 2
	t.filters()
	t.invert()
	return t
}

// mel returns the place of a frequency on the mel scale, 2595 log₁₀(1 + f/700); hertz is its
// inverse. O'Shaughnessy, Speech Communication, 1987.
func mel(f float64) float64   { return 2595 * math.Log10(1+f/700) }
func hertz(m float64) float64 { return 700 * (math.Pow(10, m/2595) - 1) }

// edge returns the frequency in Hz of edge i of the bands: band k rises from edge k to its
// middle, edge k + 1, and falls to edge k + 2. They are evenly spaced in mel up to half the
// rate.
func (t *transform) edge(i int) float64 {
	return hertz(mel(float64(t.Rate)/2) * float64(i) / float64(t.Bands+1))
}

// filters makes the triangles of the bands.
func (t *transform) filters() {
	step := float64(t.Rate) / float64(t.Window)
	for k := range t.Bands {
		lo, mid, hi := t.edge(k), t.edge(k+1), t.edge(k+2)
		first := int(math.Floor(lo/step)) + 1
		var w []float64
		for b := first; b < t.bins && float64(b)*step < hi; b++ {
			f := float64(b) * step
			w = append(w, min((f-lo)/(mid-lo), (hi-f)/(hi-mid)))
		}
		if len(w) == 0 { // narrower than a bin, and between two: it takes the nearer
			first = min(int(math.Round(mid/step)), t.bins-1)
			w = []float64{1}
		}
		t.low, t.weights = append(t.low, first), append(t.weights, w)
	}
}

// ridge keeps the inverse of the filters from making much of the differences between bands
// that share their bins.
const ridge = 1e-3

// invert makes the inverse Fᵀ (F Fᵀ + λ I)⁻¹ of the filters F: magnitudes that have those
// bands, of all the least.
func (t *transform) invert() {
	f := mat.NewDense(t.Bands, t.bins, nil)
	for k, w := range t.weights {
		for j, v := range w {
			f.Set(k, t.low[k]+j, v)
		}
	}
	var gram mat.SymDense
	gram.SymOuterK(1, f)
	for k := range t.Bands {
		gram.SetSym(k, k, gram.At(k, k)+ridge)
	}
	var c mat.Cholesky
	c.Factorize(&gram) // λ makes it positive definite
	var solved mat.Dense
	if err := c.SolveTo(&solved, f); err != nil {
		panic(err) // badly conditioned is impossible with λ, and a wrong shape is a bug
	}
	t.inverse = mat.DenseCopyOf(solved.T())
}

// start returns the sample at which a frame begins, which may be before the first.
func (t *transform) start(frame int) int { return frame*t.Hop - (t.Window-t.Hop)/2 }

// stft writes the short-time Fourier transform of x to dst, (frames, bins).
func (t *transform) stft(fft *fourier.FFT, x []float64, dst []complex128) {
	in := make([]float64, t.Window)
	for f := range len(dst) / t.bins {
		at := t.start(f)
		for i, w := range t.window {
			if in[i] = 0; at+i >= 0 && at+i < len(x) {
				in[i] = w * x[at+i]
			}
		}
		fft.Coefficients(dst[f*t.bins:(f+1)*t.bins], in)
	}
}

// istft writes to x the samples whose transform is nearest to src, (frames, bins): the
// windowed frames added up, over the sum of the squared windows. Griffin & Lim, Signal
// Estimation from Modified Short-Time Fourier Transform, 1984, eq. 6.
func (t *transform) istft(fft *fourier.FFT, src []complex128, norm, x []float64) {
	clear(x)
	out := make([]float64, t.Window)
	for f := range len(src) / t.bins {
		fft.Sequence(out, src[f*t.bins:(f+1)*t.bins])
		at := t.start(f)
		for i := max(0, -at); i < min(t.Window, len(x)-at); i++ {
			x[at+i] += t.window[i] * out[i]
		}
	}
	for i, n := range norm {
		x[i] /= n
	}
}

// norm returns the sums by which istft divides: of the squared windows, times the length of
// the transform, which Sequence multiplies by.
func (t *transform) norm(frames, samples int) []float64 {
	norm := make([]float64, samples)
	for f := range frames {
		at := t.start(f)
		for i := max(0, -at); i < min(t.Window, samples-at); i++ {
			norm[at+i] += t.window[i] * t.window[i]
		}
	}
	for i := range norm {
		norm[i] = float64(t.Window) * max(norm[i], 1e-3)
	}
	return norm
}

// spectrogram writes the values of the clip x to dst, (bands, frames), the highest band
// first: with Y the sum of the magnitudes in a band, weighted,
//
//	1 + 20 log₁₀(Y/full scale)/Decibels, in [0, 1]
func (t *transform) spectrogram(x []float32, dst []float32) {
	frames := len(dst) / t.Bands
	wide := make([]float64, len(x))
	for i, v := range x {
		wide[i] = float64(v)
	}
	fft := t.ffts.Get().(*fourier.FFT)
	defer t.ffts.Put(fft)
	spectrum := make([]complex128, frames*t.bins)
	t.stft(fft, wide, spectrum)
	magnitude := make([]float64, t.bins)
	for f := range frames {
		for b := range magnitude {
			c := spectrum[f*t.bins+b]
			magnitude[b] = math.Hypot(real(c), imag(c))
		}
		for k, w := range t.weights {
			sum := 0.0
			for j, v := range w {
				sum += v * magnitude[t.low[k]+j]
			}
			db := 20 * math.Log10(sum/t.full) // −Inf of silence
			dst[(t.Bands-1-k)*frames+f] = float32(min(max(1+db/float64(t.Decibels), 0), 1))
		}
	}
}

// magnitudes returns those of the bins, (frames, bins), that have the bands of values
// (bands, frames). The value 0 is silence.
func (t *transform) magnitudes(values []float32) []float64 {
	frames := len(values) / t.Bands
	y := mat.NewDense(t.Bands, frames, nil)
	for k := range t.Bands {
		for f := range frames {
			if v := float64(values[(t.Bands-1-k)*frames+f]); v > 0 {
				y.Set(k, f, t.full*math.Pow(10, (min(v, 1)-1)*float64(t.Decibels)/20))
			}
		}
	}
	var m mat.Dense
	m.Mul(t.inverse, y)
	out := make([]float64, frames*t.bins)
	for b := range t.bins {
		for f := range frames {
			out[f*t.bins+b] = max(0, m.At(b, f))
		}
	}
	return out
}

// The iterations of Griffin and Lim's algorithm, and the momentum of its fast form.
const (
	iterations = 60
	momentum   = 0.99
)

// Sound returns the samples of a clip whose spectrogram is nearest to values, (M, T, 1) in
// [0, 1]. The phases, which a spectrogram does not have, are found by the fast algorithm of
// Griffin and Lim from random ones:
//
//	t ← STFT(ISTFT(A e^{i arg c})),  c ← t + α (t − t of the iteration before)
//
// Perraudin, Balazs & Søndergaard, A Fast Griffin-Lim Algorithm, WASPAA 2013, algorithm 2.
// Equal values give equal samples. What would go beyond full scale is scaled down to it.
func (m Medium) Sound(values []float32) []float32 {
	t := m.transform()
	a := t.magnitudes(values)
	frames := len(a) / t.bins
	fft := t.ffts.Get().(*fourier.FFT)
	defer t.ffts.Put(fft)
	phase := make([]float32, len(a))
	rng.New(0).Split("phases").Uniform(phase)
	c, now, before := make([]complex128, len(a)), make([]complex128, len(a)), make([]complex128, len(a))
	for i, p := range phase {
		sin, cos := math.Sincos(2 * math.Pi * float64(p))
		c[i] = complex(cos, sin)
	}
	x := make([]float64, m.samples())
	norm := t.norm(frames, len(x))
	for n := range iterations + 1 {
		for i, v := range c {
			size := math.Sqrt(real(v)*real(v) + imag(v)*imag(v))
			if size == 0 {
				v, size = 1, 1
			}
			c[i] = complex(real(v)*a[i]/size, imag(v)*a[i]/size)
		}
		t.istft(fft, c, norm, x)
		if n == iterations {
			break
		}
		t.stft(fft, x, now)
		for i, v := range now {
			old := before[i]
			c[i] = complex(real(v)+momentum*(real(v)-real(old)), imag(v)+momentum*(imag(v)-imag(old)))
		}
		now, before = before, now
	}
	out := make([]float32, len(x))
	most := max(slices.Max(x), -slices.Min(x), 1)
	for i, v := range x {
		out[i] = float32(v / most)
	}
	return out
}

// sounds returns the samples of each clip of values, (n, M, T, 1).
func (m Medium) sounds(values []float32) [][]float32 {
	size := m.Bands * m.Frames
	out := make([][]float32, len(values)/size)
	next := make(chan int, len(out))
	for i := range out {
		next <- i
	}
	close(next)
	var all sync.WaitGroup
	for range min(len(out), runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := range next {
				out[i] = m.Sound(values[i*size : (i+1)*size])
			}
		})
	}
	all.Wait()
	return out
}
