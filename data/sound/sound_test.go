package sound

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/formats/audio"
	"github.com/imago-ml/imago/internal/realdata"
)

// tone returns seconds of a tone with two harmonics that dies away.
func tone(rate int, hz, seconds float64) []float32 {
	x := make([]float32, int(seconds*float64(rate)))
	for i := range x {
		s := float64(i) / float64(rate)
		for k := 1.0; k <= 3; k++ {
			x[i] += float32(0.3 / k * math.Exp(-4*s) * math.Sin(2*math.Pi*k*hz*s))
		}
	}
	return x
}

// wav returns a WAV file of a tone.
func wav(t testing.TB, rate int, hz, seconds float64) []byte {
	b, err := audio.EncodeWAV(tone(rate, hz, seconds), rate)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// spectrum returns the magnitudes of the bins of x, (frames, bins), and their sums in bands.
func (t *transform) spectrum(x []float32) (bins, bands []float64) {
	wide := make([]float64, len(x))
	for i, v := range x {
		wide[i] = float64(v)
	}
	c := make([]complex128, len(x)/t.Hop*t.bins)
	t.stft(fourier.NewFFT(t.Window), wide, c)
	for f := range len(c) / t.bins {
		for _, v := range c[f*t.bins : (f+1)*t.bins] {
			bins = append(bins, math.Hypot(real(v), imag(v)))
		}
		for k, w := range t.weights {
			sum := 0.0
			for j, v := range w {
				sum += v * bins[f*t.bins+t.low[k]+j]
			}
			bands = append(bands, sum)
		}
	}
	return bins, bands
}

// convergence returns the spectral convergence of b to a, 20 log₁₀ ‖a − b‖/‖a‖.
func convergence(a, b []float64) float64 {
	d, n := 0.0, 0.0
	for i, v := range a {
		d, n = d+(v-b[i])*(v-b[i]), n+v*v
	}
	return 10 * math.Log10(d/n)
}

// back returns the convergence, of bins and of bands, of a clip after its levels and back.
func back(m Medium, clip audio.Clip) (bins, bands float64) {
	x := m.scaled(clip)
	tr := m.transform()
	a, b := tr.spectrum(x)
	c, d := tr.spectrum(m.Sound(pixels.Floats(m.Levels(clip))))
	return convergence(a, c), convergence(b, d)
}

// TestBack checks that a tone comes back within a tenth of its magnitudes.
func TestBack(t *testing.T) {
	m := Item(8000, Bands, Frames).Medium.(Medium)
	bins, bands := back(m, audio.Clip{Samples: tone(8000, 220, 0.9), Rate: 8000})
	if !(bins <= -20 && bands <= -20) {
		t.Errorf("spectral convergence %.1f dB of the bins, %.1f dB of the bands", bins, bands)
	}
	if y := m.Sound(make([]float32, Bands*Frames)); slices.ContainsFunc(y, func(v float32) bool { return v != 0 }) {
		t.Error("a black spectrogram is not silent")
	}
}

// TestRealBack checks the same of 100 spoken digits of the official test part, on the average.
func TestRealBack(t *testing.T) {
	z, err := zip.OpenReader(realdata.Path(t, "fsdd/recordings.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	m := Item(8000, Bands, Frames).Medium.(Medium)
	var bins, bands, n float64
	test := 0
	for _, f := range z.File {
		name := digitName.FindStringSubmatch(path.Base(f.Name))
		if name == nil || len(name[2]) > 1 || name[2][0]-'0' >= testIndices {
			continue
		}
		if test++; test%3 != 0 {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		clip, err := audio.Decode(r, m.Seconds())
		if err != nil {
			t.Fatal(f.Name, err)
		}
		a, b := back(m, clip)
		bins, bands, n = bins+a, bands+b, n+1
	}
	t.Logf("%v clips: %.1f dB of the bins, %.1f dB of the bands", n, bins/n, bands/n)
	if !(n == 100 && bins/n <= -20 && bands/n <= -25) {
		t.Errorf("spectral convergence of %v clips: %.1f dB of the bins, %.1f dB of the bands", n, bins/n, bands/n)
	}
}

// BenchmarkJoin writes the sound of 100 clips of a second.
func BenchmarkJoin(b *testing.B) {
	it := Item(8000, Bands, Frames)
	m := it.Medium.(Medium)
	clip := pixels.Floats(m.Levels(audio.Clip{Samples: tone(8000, 220, 0.9), Rate: 8000}))
	values := slices.Repeat(clip, 100)
	for b.Loop() {
		if _, err := m.Join(it, values); err != nil {
			b.Fatal(err)
		}
	}
}

// TestMedium checks the files, the picture and the saved form of a clip.
func TestMedium(t *testing.T) {
	it := Item(16000, 32, 16)
	m := it.Medium.(Medium)
	if err := it.Check(); err != nil || it.String() != "32x16x1" || m.Window != 512 || m.samples() != 16*256 {
		t.Fatalf("%v of %+v, %v", it, m, err)
	}
	values, err := m.Decode(it, wav(t, 44100, 1000, 2))
	if err != nil || len(values) != it.Size() {
		t.Fatal(len(values), err)
	}
	loudest := 0 // band of a frame in the middle
	for k := range 32 {
		if values[k*16+8] > values[loudest*16+8] {
			loudest = k
		}
	}
	tr := m.transform()
	if k := 31 - loudest; !(tr.edge(k) < 1000 && 1000 < tr.edge(k+2)) {
		t.Errorf("a tone of 1000 Hz is loudest in the band from %.0f to %.0f Hz", tr.edge(k), tr.edge(k+2))
	}
	two := slices.Concat(values, values)
	joined, err := m.Join(it, two)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := audio.Decode(bytes.NewReader(joined), 10); err != nil || len(c.Samples) != 2*m.samples()+4000 || c.Rate != 16000 {
		t.Errorf("%d samples of two clips at %d, %v", len(c.Samples), c.Rate, err)
	}
	if files, err := medium.Encode(it, two); err != nil || len(files) != 2 || !bytes.Equal(files[0], files[1]) {
		t.Errorf("%d files, %v", len(files), err)
	}
	var r medium.Registry
	r.Register(Kind())
	s, err := medium.Save(it)
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := r.Open(s); err != nil || !opened.Equal(it) || opened.Medium != it.Medium {
		t.Errorf("%+v, %v", opened, err)
	}
	for want, change := range map[string]func(m *Medium){
		"samples a second":   func(m *Medium) { m.Rate = 1 },
		"an even number":     func(m *Medium) { m.Window = 1 << 30 },
		"at most half of it": func(m *Medium) { m.Hop = m.Window },
		"range of":           func(m *Medium) { m.Decibels = 0 },
		"33 bands":           func(m *Medium) { m.Bands = 33 },
	} {
		bad := m
		change(&bad)
		if s.Settings, err = json.Marshal(bad); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Open(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// write writes files into a new folder.
func write(t *testing.T, files map[string][]byte) string {
	dir := t.TempDir()
	for name, b := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// open opens a folder through a registry, as a program does.
func open(t *testing.T, dir string, opt data.Options) (*data.Set, error) {
	var r data.Registry
	r.RegisterOpener(Opener())
	return r.Open(t.Context(), dir, opt)
}

// notes returns those of a set, warnings marked.
func notes(set *data.Set) string {
	var b strings.Builder
	for _, n := range set.Notes {
		if n.Warning {
			b.WriteString("! ")
		}
		b.WriteString(n.Text + "\n")
	}
	return b.String()
}

// TestOpen reads a folder of classes with recordings of several kinds.
func TestOpen(t *testing.T) {
	files := map[string][]byte{"high/long.wav": wav(t, 8000, 880, 3), "cover.png": []byte("\x89PNG"), "low/x.opus": nil}
	for i := range 6 {
		files[fmt.Sprintf("low/%d.wav", i)] = wav(t, 8000, 110+float64(i), 0.5)
		files[fmt.Sprintf("high/%d.wav", i)] = wav(t, 16000, 880+float64(i), 0.5)
	}
	dir := write(t, files)
	set, err := open(t, dir, data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	it := set.Item()
	if it.String() != "96x64x1" || it.Medium.(Medium).Rate != 8000 || set.Train.Len()+set.Test.Len() != 13 || !slices.Equal(set.Classes, []string{"high", "low"}) {
		t.Errorf("%v of %+v, %v", it, it.Medium, set.Classes)
	}
	for _, want := range []string{"! left out: 1 .opus file (not read: save them as WAV or FLAC), 1 .png file\n", "clips of 1.02 s at 8000 samples a second", "6 of 13 recordings have another rate",
		"! 1 of 13 recordings are longer than 1.02 s, and are cut there; Seconds 3 takes more", "12 of 13 recordings are shorter"} {
		if !strings.Contains(notes(set), want) {
			t.Errorf("%s\nwant %q", notes(set), want)
		}
	}
	like, err := open(t, dir, data.Options{Medium: Item(16000, 32, 16).Medium, Whole: true})
	if err != nil || like.Item().String() != "32x16x1" || like.Test.Len() != 0 {
		t.Errorf("%v, %v", like, err)
	}
	longer, err := open(t, dir, data.Options{Reading: data.Reading{Seconds: 2.5, Rate: 16000}})
	if err != nil || longer.Item().String() != "96x160x1" {
		t.Errorf("%v, %v", longer, err)
	}
	files["low/bad.wav"] = files["low/0.wav"][:100]
	dir = write(t, files)
	if _, err := open(t, dir, data.Options{}); err == nil || !strings.Contains(err.Error(), "low/bad.wav: not a readable recording: it ends within its samples; put a good recording") {
		t.Error(err)
	}
	if set, err := open(t, dir, data.Options{SkipBad: true}); err != nil || !strings.Contains(notes(set), "! left out: 1 file that cannot be read") {
		t.Error(err)
	}
	if _, err := open(t, write(t, map[string][]byte{"a.png": nil, "b.wav": files["low/0.wav"]}), data.Options{}); err == nil || !strings.Contains(err.Error(), "not a kind of file") {
		t.Errorf("as many images as recordings: %v", err)
	}
}

// TestDigits reads recordings that are named as spoken digits.
func TestDigits(t *testing.T) {
	files := map[string][]byte{}
	for d := range 2 {
		for i := range 8 {
			files[fmt.Sprintf("%d_ann_%d.wav", d, i)] = wav(t, 8000, 200+100*float64(d)+float64(i), 0.3)
		}
	}
	set, err := open(t, write(t, files), data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if set.Train.Len() != 6 || set.Test.Len() != 10 || len(set.Classes) != 10 || !strings.Contains(notes(set), "the indices 0 to 4 are the test part") {
		t.Errorf("%d and %d of %v\n%s", set.Train.Len(), set.Test.Len(), set.Classes, notes(set))
	}
	for i := range set.Test.Len() {
		if name := set.Test.Origin(i).File; name[0] != byte('0'+set.Test.Labels[i]) || name[6] > '4' {
			t.Errorf("%s of class %d is in the test part", name, set.Test.Labels[i])
		}
	}
}
