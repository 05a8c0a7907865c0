package pianoroll

import (
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/midi"
	"github.com/imago-ml/imago/internal/synth"
)

// Name is the name of the medium in run.json.
const Name = "pianoroll"

// The keys of a piano, as MIDI counts them: 60 is the middle C.
const (
	Lowest  = 21
	Highest = 108
	Keys    = Highest - Lowest + 1
)

// MaxSteps is the most steps of an item: each adds nodes to the graphs of a model.
const MaxSteps = 512

// Medium is the medium of pieces of up to Steps steps. An item has shape (Steps, Keys + 1); see
// the package.
type Medium struct {
	Steps   int `json:"steps"`   // T
	Quarter int `json:"quarter"` // steps of a quarter note, in MIDI files
	Tempo   int `json:"tempo"`   // of the MIDI files that are written: microseconds of a quarter note
}

// Kind returns the kind of the medium, for medium.Registry.
func Kind() medium.Kind { return medium.KindOf[Medium](Name) }

// Item returns the item of pieces of up to so many steps, each a quarter note long, at 120 of
// them a minute. It does not check it: see medium.Item.Check.
func Item(steps int) medium.Item {
	return Medium{Steps: steps, Quarter: 1, Tempo: midi.DefaultTempo}.item()
}

// item returns the item of the pieces of the medium.
func (m Medium) item() medium.Item {
	return medium.Item{Medium: m, Shape: tensor.Shape{m.Steps, Keys + 1}, Element: medium.Levels}
}

// Name returns "pianoroll".
func (Medium) Name() string { return Name }

// Noun returns "piece".
func (Medium) Noun() string { return "piece" }

// ValueNoun returns "key".
func (Medium) ValueNoun() string { return "key" }

// Check returns an error unless item has steps of all keys and the mask, and the settings are
// within their limits.
func (m Medium) Check(item medium.Item) error {
	switch {
	case m.Steps < 1 || m.Steps > MaxSteps:
		return fmt.Errorf("pieces of %d steps: want 1 to %d", m.Steps, MaxSteps)
	case len(item.Shape) != 2 || item.Shape[0] != m.Steps || item.Shape[1] != Keys+1:
		return fmt.Errorf("pieces of shape %v: want %d steps of %d numbers, a key each and the mask", item, m.Steps, Keys+1)
	case item.Element != medium.Levels:
		return fmt.Errorf("pieces of %v: want levels", item.Element)
	case m.Quarter < 1 || m.Quarter > 96:
		return fmt.Errorf("pieces of %d steps a quarter note: want 1 to 96", m.Quarter)
	case m.Tempo < 1 || m.Tempo >= 1<<24:
		return fmt.Errorf("pieces at %d microseconds a quarter note: want 1 to %d", m.Tempo, 1<<24-1)
	}
	return nil
}

// MaskChannel returns the number of the mask: it follows the keys.
func (Medium) MaskChannel(medium.Item) int { return Keys }

// Shift transposes a piece by so many semitones, rows of its picture: down if rows is above 0. It
// moves as far as all notes stay on the piano. Steps stay where they are, so columns is not used.
func (Medium) Shift(_ medium.Item, values []float32, rows, _ int) {
	lowest, highest := Keys, -1
	for i, v := range values {
		if key := i % (Keys + 1); v > 0 && key < Keys {
			lowest, highest = min(lowest, key), max(highest, key)
		}
	}
	if highest < 0 {
		return // no note
	}
	up := min(max(-rows, -lowest), Keys-1-highest)
	keys := make([]float32, Keys)
	for step := range slices.Chunk(values, Keys+1) {
		clear(keys)
		copy(keys[max(up, 0):], step[max(-up, 0):Keys+min(-up, 0)])
		copy(step, keys)
	}
}

// The picture of a step and a key, in pixels, and the level of what is after the end.
const (
	cell  = 2
	ended = 0.25
)

// TileSize returns the size of the roll.
func (Medium) TileSize(item medium.Item) (h, w, c int) { return Keys * cell, item.Shape[0] * cell, 1 }

// Tile draws the roll: time to the right, pitch up, a key that is down white. What follows the
// end of the piece is grey.
func (Medium) Tile(item medium.Item, values, dst []float32) {
	width := item.Shape[0] * cell
	for i := range dst {
		step, key := values[i%width/cell*(Keys+1):], Keys-1-i/width/cell
		dst[i] = step[key]
		if step[Keys] < 0.5 {
			dst[i] = ended
		}
	}
}

// Format returns MIDI files of a piece each.
func (Medium) Format(medium.Item) medium.Format { return medium.Format{Extension: ".mid"} }

// Encode returns a MIDI file of one piece up to its end. A key is down where its value is 0.5 or
// more, and a key that is down in consecutive steps is one note: a roll does not say where a
// note is struck again.
func (m Medium) Encode(item medium.Item, values []float32) ([]byte, error) {
	return m.Join(item, values)
}

// Join returns a MIDI file of all pieces one after another, with a quarter note of silence
// between.
func (m Medium) Join(item medium.Item, values []float32) ([]byte, error) {
	const ticks = 480 // of a quarter note
	var notes []midi.Note
	size, at := item.Size(), 0 // at is the first step of a piece
	for ; len(values) > 0; values = values[size:] {
		if at > 0 {
			at += m.Quarter
		}
		n := length(values[:size])
		for _, note := range held(values[:size]) {
			tick := func(step int) int64 { return int64((at+step)*ticks) / int64(m.Quarter) }
			notes = append(notes, midi.Note{Tick: tick(note.from), Ticks: tick(note.to) - tick(note.from), Pitch: note.pitch, Velocity: 80, Release: 64})
		}
		at += n
	}
	events := []midi.Event{midi.TempoChange{Micros: m.Tempo}.Event()}
	f := midi.File{Division: midi.Division{Ticks: ticks}, Tracks: []midi.Track{midi.NewTrack(events, notes, int64(at*ticks)/int64(m.Quarter))}}
	return f.Encode()
}

// Play returns a WAV file of one piece up to its end, in which each note is a tone that fades.
func (m Medium) Play(_ medium.Item, values []float32) (file []byte, kind string, err error) {
	step := float64(m.Tempo) / 1e6 / float64(m.Quarter) // seconds
	var notes []synth.Note
	for _, n := range held(values) {
		notes = append(notes, synth.Note{Pitch: n.pitch, At: float64(n.from) * step, Seconds: float64(n.to-n.from) * step})
	}
	return synth.Play(notes, float64(length(values))*step, synth.Tone)
}

// A note is a key that is down from one step to the one before another.
type note struct{ pitch, from, to int }

// held returns the notes of one piece, key by key.
func held(values []float32) (notes []note) {
	n := length(values)
	for key := range Keys {
		for from := 0; from < n; from++ {
			to := from
			for to < n && values[to*(Keys+1)+key] >= 0.5 {
				to++
			}
			if to > from {
				notes = append(notes, note{Lowest + key, from, to})
				from = to
			}
		}
	}
	return notes
}

// length returns the number of steps up to the end of a piece, which its mask says.
func length(values []float32) int {
	n := 0
	for n*(Keys+1) < len(values) && values[n*(Keys+1)+Keys] >= 0.5 {
		n++
	}
	return n
}

// Decode returns the piece in a MIDI file: both ends of a note are brought to the nearest step,
// and it lasts one at least. Percussion is left out. It fails if the piece is longer than an
// item or has a note that is no key of a piano.
func (m Medium) Decode(_ medium.Item, file []byte) ([]float32, error) {
	f, err := midi.Decode(file)
	if err != nil {
		return nil, fmt.Errorf("pianoroll: %w", err)
	}
	if f.Division.Frames != 0 {
		return nil, fmt.Errorf("pianoroll: its ticks are parts of a second (SMPTE) and not of a quarter note: save it with ticks of a quarter note")
	}
	step := func(tick int64) int {
		return int(math.Round(float64(tick) * float64(m.Quarter) / float64(f.Division.Ticks)))
	}
	notes, _ := f.Notes()
	values, n := make([]float32, m.Steps*(Keys+1)), 0
	for _, note := range notes {
		if note.Channel == midi.DrumChannel {
			continue
		}
		from := step(note.Tick)
		to := max(from+1, step(note.Tick+note.Ticks))
		switch {
		case note.Pitch < Lowest || note.Pitch > Highest:
			return nil, fmt.Errorf("pianoroll: a note of pitch %d: want the keys of a piano, %d to %d", note.Pitch, Lowest, Highest)
		case to > m.Steps:
			return nil, fmt.Errorf("pianoroll: a note that ends with step %d: want a piece of at most %d steps, %d a quarter note", to, m.Steps, m.Quarter)
		}
		for s := from; s < to; s++ {
			values[s*(Keys+1)+note.Pitch-Lowest] = 1
		}
		n = max(n, to)
	}
	if n == 0 {
		return nil, fmt.Errorf("pianoroll: no note in it")
	}
	for s := range n {
		values[s*(Keys+1)+Keys] = 1
	}
	return values, nil
}
