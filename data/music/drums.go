package music

import (
	"math/bits"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/midi"
)

// DrumsName is the name of the medium of drums in run.json.
const DrumsName = "drums"

// Drums is the medium of drum patterns. An item has shape (16·Bars), a token a sixteenth: the
// sum of 2^k over the drums k that are hit; see the package.
type Drums struct {
	Bars  int `json:"bars"`
	Tempo int `json:"tempo"` // of the files that are written: microseconds of a quarter note
}

// drums are the classes of hits: the pitch that is written, and the others that are read as it.
// Those of the Groove MIDI set are in the table of Gillick et al. 2019 (arXiv:1905.06118), the
// others are percussion of General MIDI that sounds alike.
var drums = [...]struct {
	name   string
	pitch  int
	others []int
}{
	{"kick", 36, []int{35}},
	{"snare", 38, []int{37, 40, 39}},
	{"closed hi-hat", 42, []int{22, 44}},
	{"open hi-hat", 46, []int{26}},
	{"low tom", 43, []int{58, 41}},
	{"middle tom", 47, []int{45}},
	{"high tom", 50, []int{48}},
	{"crash", 49, []int{55, 57, 52}},
	{"ride", 51, []int{59, 53}},
}

// drumOf is the class of each pitch of percussion; −1 = none.
var drumOf = func() (of [128]int) {
	for i := range of {
		of[i] = -1
	}
	for k, d := range drums {
		of[d.pitch] = k
		for _, p := range d.others {
			of[p] = k
		}
	}
	return of
}()

// DrumNames returns the names of the drums: bit k of a token is drum k.
func DrumNames() []string {
	names := make([]string, len(drums))
	for k, d := range drums {
		names[k] = d.name
	}
	return names
}

// Item returns the item of the patterns of the medium. It does not check it: see
// medium.Item.Check.
func (m Drums) Item() medium.Item {
	return medium.Item{Medium: m, Shape: tensor.Shape{m.Bars * Steps}, Element: medium.Tokens, Vocabulary: 1 << len(drums)}
}

// DrumsKind returns the kind of the medium, for medium.Registry.
func DrumsKind() medium.Kind { return medium.KindOf[Drums](DrumsName) }

// Name returns "drums".
func (Drums) Name() string { return DrumsName }

// Noun returns "pattern".
func (Drums) Noun() string { return "pattern" }

// ValueNoun returns "step".
func (Drums) ValueNoun() string { return "step" }

// Check returns an error unless item is of tokens, a step each, for the bars of the medium, and
// these are within their limits.
func (m Drums) Check(item medium.Item) error {
	return checkItem(item, "patterns", m.Bars, m.Tempo, 1<<len(drums))
}

// hits returns the drums that are hit in each step of a score.
func hits(s *score) []uint16 {
	end := 0
	for _, n := range s.notes {
		end = max(end, n.end)
	}
	h := make([]uint16, end)
	for _, n := range s.notes {
		h[n.start] |= 1 << drumOf[n.note.Pitch]
	}
	return h
}

// window writes the tokens of the steps from one on.
func (m Drums) window(hits []uint16, from int, dst []float32) {
	for i := range dst {
		dst[i] = 0
		if at := from + i; at < len(hits) {
			dst[i] = float32(hits[at])
		}
	}
}

// token returns the drums of a value; one that is no token of the medium has none.
func (Drums) token(v float32) uint16 {
	if v >= 0 && v < 1<<len(drums) {
		return uint16(v)
	}
	return 0
}

// notes returns the hits of one item, whose first step is step from.
func (m Drums) notes(values []float32, from int) []stepped {
	var notes []stepped
	for i, v := range values {
		for t := m.token(v); t != 0; t &= t - 1 {
			pitch := drums[bits.TrailingZeros16(t)].pitch
			notes = append(notes, stepped{from + i, from + i + 1, midi.Note{Channel: midi.DrumChannel, Pitch: pitch, Velocity: 90, Release: 64}})
		}
	}
	return notes
}

// Format returns MIDI files of a pattern each.
func (Drums) Format(medium.Item) medium.Format { return medium.Format{Extension: Extension} }

// Encode returns a MIDI file of one pattern.
func (m Drums) Encode(item medium.Item, values []float32) ([]byte, error) {
	return m.Join(item, values)
}

// Join returns a MIDI file of all patterns one after another, with a numbered marker at the
// beginning of each.
func (m Drums) Join(item medium.Item, values []float32) ([]byte, error) {
	return toFile(m.notes(values, 0), len(values)/item.Size(), m.Bars, m.Tempo).Encode()
}

// Decode returns the patterns of a MIDI file: the percussion, a pattern for each Bars bars of
// four quarter notes; the last may end in silence. Bars without a hit are no pattern.
func (m Drums) Decode(item medium.Item, file []byte) ([]float32, error) {
	s, err := decode(file, drum)
	if err != nil {
		return nil, err
	}
	h := hits(s)
	var values []float32
	s.windows(m.Bars, m.Bars, true, func(from int) {
		w := make([]float32, item.Size())
		m.window(h, from, w)
		if Density(item, w) > 0 {
			values = append(values, w...)
		}
	})
	if len(values) == 0 {
		return nil, s.nothing()
	}
	return values, nil
}

// TileSize returns the size of a grid of a row for each drum.
func (Drums) TileSize(item medium.Item) (h, w, c int) { return rollSize(len(drums), item) }

// Tile draws the hits: time to the right, the kick in the lowest row.
func (m Drums) Tile(item medium.Item, values, dst []float32) {
	r := newRoll(len(drums), item, dst)
	for i, v := range values {
		for t := m.token(v); t != 0; t &= t - 1 {
			r.note(len(drums)-1-bits.TrailingZeros16(t), i, i+1)
		}
	}
}
