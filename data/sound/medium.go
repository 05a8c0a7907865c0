package sound

import (
	"bytes"
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/audio"
)

// Name is the name of the medium in run.json.
const Name = "sound"

// Medium is the medium of clips of sound of one length. An item has shape (M, T, 1), M mel
// bands, the highest first, in T frames; see the package.
type Medium struct {
	Rate     int `json:"rate"`     // samples a second
	Window   int `json:"window"`   // samples of a frame, which is the length of the Fourier transform
	Hop      int `json:"hop"`      // samples from a frame to the next
	Bands    int `json:"bands"`    // M
	Frames   int `json:"frames"`   // T
	Decibels int `json:"decibels"` // below full scale of the level 0
}

// The default number of bands and frames of an item, and the range of its levels.
const (
	Bands    = 96
	Frames   = 64
	decibels = 80
)

// The limits of the settings.
const (
	maxWindow   = 1 << 13
	maxBands    = 512
	maxFrames   = 1 << 14
	maxDecibels = 200
)

// Item returns the item of clips of so many bands and frames at that rate, in frames of about
// 32 ms of which half are new. It does not check it: see medium.Item.Check.
func Item(rate, bands, frames int) medium.Item {
	window := max(32, int(math.Round(0.032*float64(rate)/32))*32)
	return Medium{Rate: rate, Window: window, Hop: window / 2, Bands: bands, Frames: frames, Decibels: decibels}.item()
}

// Kind returns the kind of the medium, for medium.Registry.
func Kind() medium.Kind { return medium.KindOf[Medium](Name) }

// Noun returns "clip".
func (Medium) Noun() string { return "clip" }

// Name returns "sound".
func (Medium) Name() string { return Name }

// Check returns an error unless item has bands, frames and one channel of levels, and the
// settings are within their limits.
func (m Medium) Check(item medium.Item) error {
	bands, frames, c, err := medium.HWC(item)
	switch {
	case err != nil:
		return err
	case bands != m.Bands || frames != m.Frames:
		return fmt.Errorf("clips of %v: want the %d bands and %d frames of their medium", item, m.Bands, m.Frames)
	case c != 1 || bands < 2 || bands > maxBands || frames < 1 || frames > maxFrames:
		return fmt.Errorf("clips of %v: want 2 to %d bands, 1 to %d frames and 1 channel", item, maxBands, maxFrames)
	case item.Element != medium.Levels:
		return fmt.Errorf("clips of %v: want levels", item.Element)
	case m.Rate < audio.MinRate || m.Rate > audio.MaxRate:
		return fmt.Errorf("clips of %d samples a second: want %d to %d", m.Rate, audio.MinRate, audio.MaxRate)
	case m.Window < 16 || m.Window > maxWindow || m.Window%2 != 0 || m.Hop < 1 || m.Hop > m.Window/2:
		return fmt.Errorf("clips in frames of %d samples, %d apart: want an even number from 16 to %d, and at most half of it", m.Window, m.Hop, maxWindow)
	case m.Decibels < 1 || m.Decibels > maxDecibels:
		return fmt.Errorf("clips of a range of %d dB: want 1 to %d", m.Decibels, maxDecibels)
	}
	return nil
}

// item returns the item of the clips of the medium.
func (m Medium) item() medium.Item {
	return medium.Item{Medium: m, Shape: tensor.Shape{m.Bands, m.Frames, 1}, Element: medium.Levels}
}

// samples returns the number of samples of an item.
func (m Medium) samples() int { return m.Frames * m.Hop }

// Seconds returns the length of an item.
func (m Medium) Seconds() float64 { return float64(m.samples()) / float64(m.Rate) }

// TileSize returns the size of the spectrogram.
func (Medium) TileSize(item medium.Item) (h, w, c int) { return item.Shape[0], item.Shape[1], 1 }

// Tile draws the spectrogram in grey: time to the right, frequency up.
func (Medium) Tile(_ medium.Item, values, dst []float32) { copy(dst, values) }

// Format returns WAV files of a clip each.
func (Medium) Format(medium.Item) medium.Format { return medium.Format{Extension: ".wav"} }

// Encode returns a WAV file of the sound that has the spectrogram of one clip.
func (m Medium) Encode(_ medium.Item, values []float32) ([]byte, error) {
	return audio.EncodeWAV(m.Sound(values), m.Rate)
}

// gap is the silence between clips of a file, in seconds.
const gap = 0.25

// Join returns a WAV file of the sounds of all clips one after another, with a quarter of a
// second of silence between.
func (m Medium) Join(_ medium.Item, values []float32) ([]byte, error) {
	clips := m.sounds(values)
	silence := make([]float32, int(gap*float64(m.Rate)))
	var all []float32
	for i, clip := range clips {
		if i > 0 {
			all = append(all, silence...)
		}
		all = append(all, clip...)
	}
	return audio.EncodeWAV(all, m.Rate)
}

// Decode returns the spectrogram of a recording in any format that package formats/audio
// reads: brought to the rate of the medium, cut after the length of an item or followed by
// silence, and scaled to the peak that all have.
func (m Medium) Decode(_ medium.Item, file []byte) ([]float32, error) {
	clip, err := audio.Decode(bytes.NewReader(file), m.Seconds())
	if err != nil {
		return nil, fmt.Errorf("sound: %w", err)
	}
	return pixels.Floats(m.Levels(clip)), nil
}

// peak is the greatest distance from 0 of the samples of an item: −1 dB.
const peak = 0.891

// scaled returns a recording as an item holds it: at the rate and of the length of the
// medium, and with the peak that all have.
func (m Medium) scaled(clip audio.Clip) []float32 {
	x := audio.Resample(clip.Samples, clip.Rate, m.Rate)
	n := m.samples()
	x = append(slices.Clone(x[:min(len(x), n)]), make([]float32, max(0, n-len(x)))...)
	most := float32(0)
	for _, v := range x {
		most = max(most, v, -v)
	}
	if most > 0 {
		for i := range x {
			x[i] *= peak / most
		}
	}
	return x
}

// Levels returns the item of a recording, (M, T, 1): scaled as Decode says.
func (m Medium) Levels(clip audio.Clip) []uint8 {
	values := make([]float32, m.Bands*m.Frames)
	m.transform().spectrogram(m.scaled(clip), values)
	return pixels.Bytes(values)
}

// Delay moves a clip in place by so many frames. What comes in is silence.
func (Medium) Delay(item medium.Item, values []float32, frames int) {
	n := item.Shape[1] * item.Shape[2]
	by := min(max(frames*item.Shape[2], -n), n)
	for at := 0; at < len(values); at += n {
		row := values[at : at+n]
		if by > 0 {
			copy(row[by:], row)
			clear(row[:by])
		} else {
			copy(row, row[-by:])
			clear(row[n+by:])
		}
	}
}
