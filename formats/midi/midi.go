// Package midi reads and writes Standard MIDI Files of the formats 0 and 1.
//
// A file is a header and tracks; numbers are big-endian, and a length or a time is a number of
// variable length: 7 bits a byte, the highest first, at most 4 bytes, all but the last with
// bit 7 set.
//
//	0   4  "MThd"
//	4   4  bytes of the header that follow, 6 or more; those beyond 6 are skipped
//	8   2  format: 0, one track; 1, tracks that sound together; 2, patterns, is refused
//	10  2  number of tracks
//	12  2  division: ticks a quarter note; if bit 15 is set, frames of film a second,
//	       negated, and ticks a frame (SMPTE)
//	14  …  chunks: 4 bytes of name, 4 of length, content; those not named "MTrk" are skipped
//
// A track is a sequence of events: the ticks since the event before, then
//
//	status 80 to EF  a message of a channel, of 1 or 2 bytes below 80; the status may be left
//	                 out if it is that of the message before (running status)
//	status F0, F7    system exclusive: a length and so many bytes
//	status FF        meta: a type, a length and so many bytes
//
// Every event is kept, also those that no function of this package looks into, so that a file
// that is read and written again has the same events at the same ticks. What a file has
// beside them, and what had to be mended, is in File.Remarks. Memory grows with the bytes of a
// file, whatever its header says, and is asked of the memory budget.
//
// The specification is "Standard MIDI Files 1.0" (MIDI Manufacturers Association, RP-001,
// 1996). The package must not know any data set or model.
package midi

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// ErrFormat marks bytes that are no MIDI file, or one of a kind that is not read. Test with
// errors.Is.
var ErrFormat = errors.New("not a readable MIDI file")

// A File is a Standard MIDI File.
type File struct {
	Format   int // 0: one track; 1: tracks that sound together
	Division Division
	Tracks   []Track

	// Remarks say what Decode left out or mended; nil if the file is as it should be. Encode
	// does not write them.
	Remarks []string
}

// A Division is the unit of ticks: of a quarter note, or of a second if Frames is not 0.
type Division struct {
	Ticks  int // of a quarter note, 1 to 32767, or of a frame, 1 to 255
	Frames int // of film a second: 24, 25, 29 (29.97, drop frame) or 30; 0 = ticks of a quarter note
}

// A Track is the events of a track in the order of their ticks, without the event that ends it.
type Track struct {
	Events []Event
	End    int64 // tick of the end of the track
}

// An Event is a message at a tick of a track, counted from its beginning.
type Event struct {
	Tick   int64
	Status byte   // 0x80 to 0xEF, SysEx, Escape or Meta
	Type   byte   // of a meta event: Tempo, TimeSignature, …; else 0
	Data   []byte // of a channel's message, 1 or 2 bytes; what follows the length of others
}

// Kinds of channel messages, the upper half of a status, and the other statuses.
const (
	NoteOff = 0x80
	NoteOn  = 0x90
	Program = 0xc0

	SysEx  = 0xf0
	Escape = 0xf7
	Meta   = 0xff
)

// Types of meta events.
const (
	TrackName     = 0x03
	Marker        = 0x06
	EndOfTrack    = 0x2f
	SetTempo      = 0x51
	TimeSignature = 0x58
)

// Kind returns the upper half of the status of a channel's message, such as NoteOn; 0 for
// other events.
func (e Event) Kind() byte {
	if e.Status < 0x80 || e.Status >= 0xf0 {
		return 0
	}
	return e.Status & 0xf0
}

// Channel returns the channel of a channel's message, 0 to 15.
func (e Event) Channel() int { return int(e.Status & 0x0f) }

// Equal reports whether two events are the same.
func (e Event) Equal(o Event) bool {
	return e.Tick == o.Tick && e.Status == o.Status && e.Type == o.Type && bytes.Equal(e.Data, o.Data)
}

// dataBytes returns the number of bytes of a channel's message after its status.
func dataBytes(status byte) int {
	if k := status & 0xf0; k == Program || k == 0xd0 {
		return 1
	}
	return 2
}

// A Note is a key that is pressed and released.
type Note struct {
	Tick     int64
	Ticks    int64 // until it is released
	Track    int   // from 0
	Channel  int   // 0 to 15; DrumChannel has percussion
	Pitch    int   // 0 to 127; 60 is the middle C
	Velocity int   // 1 to 127
	Release  int   // velocity with which the key is released; 64 if the file does not say it
}

// DrumChannel is the channel of percussion in General MIDI, which users call channel 10.
const DrumChannel = 9

// A Pairing counts what Notes had to decide.
type Pairing struct {
	Unended  int // notes without an end, which last until the end of their track
	Unbegun  int // ends without a note, which are left out
	Overlaid int // notes that begin while their key is held: the first that began is the first that ends
}

// Notes returns the notes of all tracks in the order of their ticks, tracks, and events.
func (f *File) Notes() ([]Note, Pairing) {
	var notes []Note
	var p Pairing
	for t, track := range f.Tracks {
		held := map[int][]int{} // by channel and pitch: indices of notes, the oldest first
		for _, e := range track.Events {
			if k := e.Kind(); k != NoteOn && k != NoteOff {
				continue
			}
			pitch, velocity := int(e.Data[0]), int(e.Data[1])
			key := e.Channel()<<7 | pitch
			switch on := held[key]; {
			case e.Kind() == NoteOn && velocity > 0:
				if len(on) > 0 {
					p.Overlaid++
				}
				held[key] = append(on, len(notes))
				notes = append(notes, Note{e.Tick, -1, t, e.Channel(), pitch, velocity, 64})
			case len(on) == 0:
				p.Unbegun++
			default:
				n := &notes[on[0]]
				n.Ticks = e.Tick - n.Tick
				if e.Kind() == NoteOff {
					n.Release = velocity
				}
				held[key] = on[1:]
			}
		}
		for _, on := range held {
			for _, i := range on {
				p.Unended++
				notes[i].Ticks = track.End - notes[i].Tick
			}
		}
	}
	slices.SortStableFunc(notes, func(a, b Note) int { return cmp.Compare(a.Tick, b.Tick) })
	return notes, p
}

// A TempoChange is a tempo from a tick on.
type TempoChange struct {
	Tick   int64
	Micros int // microseconds of a quarter note, 1 to 2²⁴−1
}

// DefaultTempo is the tempo of a file before its first tempo change: 120 quarter notes a
// minute, in microseconds of one.
const DefaultTempo = 500_000

// Tempos returns the tempo map: the tempo changes of all tracks in the order of their ticks,
// after the one at tick 0, which is DefaultTempo if the file has none there. Of several at one
// tick the last counts.
func (f *File) Tempos() []TempoChange {
	all := []TempoChange{{0, DefaultTempo}}
	for _, track := range f.Tracks {
		for _, e := range track.Events {
			if e.Status == Meta && e.Type == SetTempo && len(e.Data) >= 3 {
				if us := int(e.Data[0])<<16 | int(e.Data[1])<<8 | int(e.Data[2]); us > 0 {
					all = append(all, TempoChange{e.Tick, us})
				}
			}
		}
	}
	return lastAtEachTick(all, func(c TempoChange) int64 { return c.Tick })
}

// A Meter is a time signature from a tick on.
type Meter struct {
	Tick        int64
	Beats, Note int // Beats notes of 1/Note a bar: 6, 8 for 6/8
}

// Meters returns the time signatures of all tracks in the order of their ticks, after the one
// at tick 0, which is 4/4 if the file has none there. Of several at one tick the last counts.
func (f *File) Meters() []Meter {
	all := []Meter{{0, 4, 4}}
	for _, track := range f.Tracks {
		for _, e := range track.Events {
			if e.Status == Meta && e.Type == TimeSignature && len(e.Data) >= 2 && e.Data[0] > 0 && e.Data[1] < 16 {
				all = append(all, Meter{e.Tick, int(e.Data[0]), 1 << e.Data[1]})
			}
		}
	}
	return lastAtEachTick(all, func(m Meter) int64 { return m.Tick })
}

// lastAtEachTick sorts by tick, and keeps the last of each tick.
func lastAtEachTick[T any](all []T, tick func(T) int64) []T {
	slices.SortStableFunc(all, func(a, b T) int { return cmp.Compare(tick(a), tick(b)) })
	var out []T
	for i, v := range all {
		if i+1 == len(all) || tick(all[i+1]) > tick(v) {
			out = append(out, v)
		}
	}
	return out
}

// Seconds returns the time of a tick from the beginning, by the tempo map or by the frames of
// film.
func (f *File) Seconds(tick int64) float64 {
	if d := f.Division; d.Frames != 0 {
		rate := float64(d.Frames)
		if d.Frames == 29 {
			rate = 30_000. / 1001
		}
		return float64(tick) / (rate * float64(d.Ticks))
	}
	var at int64
	us, s := DefaultTempo, 0.0
	for _, c := range f.Tempos() {
		if c.Tick >= tick {
			break
		}
		s += float64(c.Tick-at) * float64(us)
		at, us = c.Tick, c.Micros
	}
	s += float64(tick-at) * float64(us)
	return s / (1e6 * float64(f.Division.Ticks))
}

// NewTrack returns a track of those events and notes, sorted by ticks: at one tick the events
// come first, in their order, then the ends of notes, then their beginnings. It ends with its
// last event, or at tick end if that is later. Track of the notes is not looked at.
func NewTrack(events []Event, notes []Note, end int64) Track {
	type ranked struct {
		Event
		rank int
	}
	var all []ranked
	for _, e := range events {
		all = append(all, ranked{e, 0})
	}
	for _, n := range notes {
		c, pitch := byte(n.Channel&0xf), byte(n.Pitch&0x7f)
		off := 1
		if n.Ticks == 0 {
			off = 3 // not before it begins
		}
		all = append(all,
			ranked{Event{Tick: n.Tick, Status: NoteOn | c, Data: []byte{pitch, byte(n.Velocity & 0x7f)}}, 2},
			ranked{Event{Tick: n.Tick + n.Ticks, Status: NoteOff | c, Data: []byte{pitch, byte(n.Release & 0x7f)}}, off})
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Or(cmp.Compare(a.Tick, b.Tick), a.rank-b.rank) })
	t := Track{End: end}
	for _, e := range all {
		t.Events = append(t.Events, e.Event)
		t.End = max(t.End, e.Tick)
	}
	return t
}

// Event returns the meta event of a tempo change.
func (c TempoChange) Event() Event {
	return Event{Tick: c.Tick, Status: Meta, Type: SetTempo, Data: []byte{byte(c.Micros >> 16), byte(c.Micros >> 8), byte(c.Micros)}}
}

// Event returns the meta event of a time signature whose Note is a power of 2, with a click of
// the metronome each quarter note.
func (m Meter) Event() Event {
	power := byte(0)
	for 1<<power < m.Note {
		power++
	}
	return Event{Tick: m.Tick, Status: Meta, Type: TimeSignature, Data: []byte{byte(m.Beats), power, 24, 8}}
}

// Known reports whether the first bytes of a file are those of a Standard MIDI File.
func Known(head []byte) bool { return len(head) >= 4 && string(head[:4]) == "MThd" }

// formatErrorf returns an error of class ErrFormat at an offset of a file.
func formatErrorf(at int, format string, args ...any) error {
	return fmt.Errorf("%w: offset %d: %s", ErrFormat, at, fmt.Sprintf(format, args...))
}
