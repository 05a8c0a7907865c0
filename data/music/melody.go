package music

import (
	"errors"
	"fmt"
	"slices"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/midi"
)

// MelodyName is the name of the medium of melodies in run.json.
const MelodyName = "melody"

// The tokens of a melody. Those from FirstPitch on begin a note: Low is the first.
const (
	Hold       = 0 // what sounds goes on sounding, and silence goes on
	Off        = 1 // the note ends, and silence begins
	FirstPitch = 2
)

// Melody is the medium of melodies of one voice. An item has shape (16·Bars), a token a
// sixteenth; see the package.
type Melody struct {
	Bars  int `json:"bars"`
	Low   int `json:"low"`   // lowest pitch, as MIDI counts: 60 is the middle C
	High  int `json:"high"`  // highest pitch
	Tempo int `json:"tempo"` // of the files that are written: microseconds of a quarter note
}

// Item returns the item of the melodies of the medium. It does not check it: see
// medium.Item.Check.
func (m Melody) Item() medium.Item {
	return medium.Item{Medium: m, Shape: tensor.Shape{m.Bars * Steps}, Element: medium.Tokens, Vocabulary: m.High - m.Low + 1 + FirstPitch}
}

// MelodyKind returns the kind of the medium, for medium.Registry.
func MelodyKind() medium.Kind { return medium.KindOf[Melody](MelodyName) }

// Name returns "melody".
func (Melody) Name() string { return MelodyName }

// Noun returns "phrase".
func (Melody) Noun() string { return "phrase" }

// ValueNoun returns "step".
func (Melody) ValueNoun() string { return "step" }

// Check returns an error unless item is of tokens, a step each, for the bars and pitches of
// the medium, and these are within their limits.
func (m Melody) Check(item medium.Item) error {
	if m.Low < 0 || m.High < m.Low || m.High > 127 {
		return fmt.Errorf("melodies of the pitches %d to %d: want a range within 0 to 127", m.Low, m.High)
	}
	return checkItem(item, "melodies", m.Bars, m.Tempo, m.High-m.Low+1+FirstPitch)
}

// checkItem returns the errors of items that both media share.
func checkItem(item medium.Item, what string, bars, tempo, vocabulary int) error {
	switch {
	case bars < 1 || bars > MaxBars:
		return fmt.Errorf("%s of %d bars: want 1 to %d", what, bars, MaxBars)
	case tempo < 1 || tempo >= 1<<24:
		return fmt.Errorf("%s at %d microseconds a quarter note: want 1 to %d", what, tempo, 1<<24-1)
	case len(item.Shape) != 1 || item.Shape[0] != bars*Steps:
		return fmt.Errorf("%s of shape %v: want %d steps, %d for each of %d bars", what, item, bars*Steps, Steps, bars)
	case item.Element != medium.Tokens || item.Vocabulary != vocabulary:
		return fmt.Errorf("%s of %v, %d of them: want tokens, %d", what, item.Element, item.Vocabulary, vocabulary)
	}
	return nil
}

// A line is what sounds in each step of a piece of one voice.
type line struct {
	pitch []int16 // that sounds; −1 = silence
	onset []bool  // it begins here
}

// newLine returns the highest voice of a score. Of notes that begin in one step the highest is
// taken. A note that begins while a higher one sounds is left out if that covers more than half
// of it; else it ends what sounds. below is the number of notes left out, fast of those among
// them that share their step with another note that begins at another tick.
func newLine(s *score) (l line, below, fast int) {
	end := 0
	for _, n := range s.notes {
		end = max(end, n.end)
	}
	l = line{make([]int16, end), make([]bool, end)}
	for i := range l.pitch {
		l.pitch[i] = -1
	}
	notes := slices.Clone(s.notes)
	slices.SortStableFunc(notes, func(a, b stepped) int {
		if a.start != b.start {
			return a.start - b.start
		}
		return b.note.Pitch - a.note.Pitch
	})
	var now stepped
	for i, n := range notes {
		if i > 0 && n.start == now.start {
			below++
			if n.note.Tick != now.note.Tick {
				fast++
			}
			continue
		}
		if i > 0 && now.end > n.start && now.note.Pitch > n.note.Pitch && 2*(min(now.end, n.end)-n.start) > n.end-n.start {
			below++
			continue
		}
		for at := n.start; at < now.end; at++ {
			l.pitch[at] = -1
		}
		now = n
		l.onset[n.start] = true
		for at := n.start; at < n.end; at++ {
			l.pitch[at] = int16(n.note.Pitch)
		}
	}
	return l, below, fast
}

// window writes the tokens of the steps from one on. A note that sounds already begins there.
// It reports whether all pitches are those of the medium.
func (m Melody) window(l line, from int, dst []float32) (ok bool) {
	before := int16(-1)
	for i := range dst {
		now, onset := int16(-1), false
		if at := from + i; at < len(l.pitch) {
			now, onset = l.pitch[at], l.onset[at] || i == 0
		}
		switch {
		case now >= 0 && onset:
			if int(now) < m.Low || int(now) > m.High {
				return false
			}
			dst[i] = float32(int(now) - m.Low + FirstPitch)
		case now < 0 && (before >= 0 || i == 0):
			dst[i] = Off
		default:
			dst[i] = Hold
		}
		before = now
	}
	return true
}

// token returns the token of a value; one that is no token of the medium is Hold.
func (m Melody) token(v float32) int {
	if t := int(v); v >= 0 && t <= m.High-m.Low+FirstPitch {
		return t
	}
	return Hold
}

// notes returns the notes of one item, whose first step is step from.
func (m Melody) notes(values []float32, from int) []stepped {
	var notes []stepped
	sounds := false
	for i, v := range values {
		switch t := m.token(v); {
		case t >= FirstPitch:
			notes = append(notes, stepped{start: from + i, end: from + i + 1, note: midi.Note{Pitch: m.Low + t - FirstPitch, Velocity: 90, Release: 64}})
			sounds = true
		case t == Off:
			sounds = false
		case sounds:
			notes[len(notes)-1].end++
		}
	}
	return notes
}

// Format returns MIDI files of a melody each.
func (Melody) Format(medium.Item) medium.Format { return medium.Format{Extension: Extension} }

// Encode returns a MIDI file of one melody.
func (m Melody) Encode(item medium.Item, values []float32) ([]byte, error) {
	return m.Join(item, values)
}

// Join returns a MIDI file of all melodies one after another, with a numbered marker at the
// beginning of each.
func (m Melody) Join(item medium.Item, values []float32) ([]byte, error) {
	return toFile(m.all(item, values), len(values)/item.Size(), m.Bars, m.Tempo).Encode()
}

// all returns the notes of all items, one after another.
func (m Melody) all(item medium.Item, values []float32) []stepped {
	var notes []stepped
	for at := 0; at < len(values); at += item.Size() {
		notes = append(notes, m.notes(values[at:at+item.Size()], at)...)
	}
	return notes
}

// Decode returns the melodies of a MIDI file: its highest voice without the percussion, a
// melody for each Bars bars of four quarter notes; the last may end in silence. Bars without
// a note are no melody.
func (m Melody) Decode(item medium.Item, file []byte) ([]float32, error) {
	s, err := decode(file, tonal)
	if err != nil {
		return nil, err
	}
	l, _, _ := newLine(s)
	var values []float32
	s.windows(m.Bars, m.Bars, true, func(from int) {
		w := make([]float32, item.Size())
		switch ok := m.window(l, from, w); {
		case !ok && err == nil:
			err = fmt.Errorf("music: bar %d has a note outside the pitches %d to %d that the model knows: transpose it", from/Steps+1, m.Low, m.High)
		case ok && slices.ContainsFunc(w, func(v float32) bool { return v >= FirstPitch }):
			values = append(values, w...)
		}
	})
	if err == nil && len(values) == 0 {
		err = s.nothing()
	}
	return values, err
}

// decode reads a MIDI file as a score of the notes that wanted accepts.
func decode(file []byte, wanted func(midi.Note) bool) (*score, error) {
	f, err := midi.Decode(file)
	if err != nil {
		return nil, fmt.Errorf("music: %w", err)
	}
	s, err := newScore(f, wanted)
	if err != nil {
		return nil, fmt.Errorf("music: %w", err)
	}
	return s, nil
}

// nothing returns the error for a score in which no item was found.
func (s *score) nothing() error {
	if s.other > 0 {
		return fmt.Errorf("music: it has no bars of four quarter notes (4/4 or 2/2), but %d others", s.other)
	}
	return errors.New("music: it has no notes that the medium has")
}

// Shift transposes a melody by so many semitones, rows of its picture: down if rows is above 0.
// It moves as far as all notes stay within the pitches of the medium. Steps stay where they
// are, so columns is not used.
func (m Melody) Shift(_ medium.Item, values []float32, rows, _ int) {
	lowest, highest := m.High-m.Low+FirstPitch, FirstPitch
	for _, v := range values {
		if t := m.token(v); t >= FirstPitch {
			lowest, highest = min(lowest, t), max(highest, t)
		}
	}
	if lowest > highest {
		return // no note
	}
	up := float32(min(max(-rows, FirstPitch-lowest), m.High-m.Low+FirstPitch-highest))
	for i, v := range values {
		if m.token(v) >= FirstPitch {
			values[i] += up
		}
	}
}

// TileSize returns the size of a piano-roll, a row of pixels for each pitch and more.
func (m Melody) TileSize(item medium.Item) (h, w, c int) { return rollSize(m.High-m.Low+1, item) }

// Tile draws a piano-roll: time to the right, pitch up. A note is bright where it begins.
func (m Melody) Tile(item medium.Item, values, dst []float32) {
	r := newRoll(m.High-m.Low+1, item, dst)
	for _, n := range m.notes(values, 0) {
		r.note(m.High-n.note.Pitch, n.start, n.end)
	}
}
