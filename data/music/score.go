package music

import (
	"errors"
	"fmt"
	"math"

	"github.com/imago-ml/imago/formats/midi"
)

// A score is a MIDI file in steps.
type score struct {
	notes []stepped
	bars  []int // first steps of its bars of 16 steps, up to the end of the last note
	tempo int   // microseconds of a quarter note, of the most ticks of the notes

	other    int     // bars of another length
	moved    int     // notes that begin beside a step, and are moved to it
	distance float64 // sum of the parts of a step that they are moved by
	unended  int     // notes without an end
}

// A stepped is a note from a step up to before another.
type stepped struct {
	start, end int
	note       midi.Note
}

// maxSteps bounds the length of a score: more than a day at 120 quarter notes a minute.
const maxSteps = 1 << 20

// errFrames is the error for a file whose time is no music's.
var errFrames = errors.New("its ticks are parts of a second (SMPTE) and not of a quarter note: save it with ticks of a quarter note")

// newScore brings the notes of a file that wanted accepts to the nearest step.
func newScore(f *midi.File, wanted func(n midi.Note) bool) (*score, error) {
	if f.Division.Frames != 0 {
		return nil, errFrames
	}
	s := &score{}
	notes, pairing := f.Notes()
	s.unended = pairing.Unended
	ticks := int64(f.Division.Ticks)
	step := func(tick int64) int { return int((tick*8 + ticks) / (2 * ticks)) } // 4 steps a quarter note
	tempos, length, t := f.Tempos(), map[int]int64{}, 0
	last := 0
	for _, n := range notes {
		if !wanted(n) {
			continue
		}
		if n.Tick+n.Ticks > maxSteps*ticks/4 {
			return nil, fmt.Errorf("a note ends at tick %d: want music of at most %d bars", n.Tick+n.Ticks, maxSteps/Steps)
		}
		at := step(n.Tick)
		if off := math.Abs(4*float64(n.Tick)/float64(ticks) - float64(at)); off > 0 {
			s.moved, s.distance = s.moved+1, s.distance+off
		}
		s.notes = append(s.notes, stepped{at, max(at+1, step(n.Tick+n.Ticks)), n})
		last = max(last, s.notes[len(s.notes)-1].end)
		for t+1 < len(tempos) && tempos[t+1].Tick <= n.Tick {
			t++
		}
		length[tempos[t].Micros] += n.Ticks + 1
	}
	for us, l := range length {
		if best := length[s.tempo]; l > best || l == best && us < s.tempo {
			s.tempo = us
		}
	}
	meters := f.Meters()
	for i, m := range meters {
		from, to := step(m.Tick), last
		if i+1 < len(meters) {
			to = min(to, step(meters[i+1].Tick))
		}
		if 16*m.Beats != Steps*m.Note {
			if from < to {
				s.other += int(math.Ceil(float64(to-from) * float64(m.Note) / float64(16*m.Beats)))
			}
			continue
		}
		for at := from; at < to; at += Steps {
			s.bars = append(s.bars, at)
		}
	}
	return s, nil
}

// windows calls do with the first step of each n consecutive bars, a new window every stride
// bars; with those of the last bars, which may be fewer than n, if short is true.
func (s *score) windows(n, stride int, short bool, do func(from int)) {
	for i := 0; i < len(s.bars); i += stride {
		k := 1
		for k < n && i+k < len(s.bars) && s.bars[i+k] == s.bars[i]+k*Steps {
			k++
		}
		if k == n || short {
			do(s.bars[i])
		}
	}
}

// toFile returns a file of notes in steps, of items of so many bars one after another.
func toFile(notes []stepped, items, bars, tempo int) *midi.File {
	const ticks = 480 // a quarter note
	events := []midi.Event{midi.TempoChange{Micros: tempo}.Event(), midi.Meter{Beats: 4, Note: 4}.Event()}
	if items > 1 {
		for i := range items {
			events = append(events, midi.Event{Tick: int64(i * bars * 4 * ticks), Status: midi.Meta, Type: midi.Marker, Data: fmt.Append(nil, i+1)})
		}
	}
	var all []midi.Note
	for _, n := range notes {
		n.note.Tick, n.note.Ticks = int64(n.start*ticks/4), int64((n.end-n.start)*ticks/4)
		all = append(all, n.note)
	}
	return &midi.File{Division: midi.Division{Ticks: ticks}, Tracks: []midi.Track{midi.NewTrack(events, all, int64(items*bars*4*ticks))}}
}
