package midi

import (
	"encoding/binary"
	"fmt"

	"github.com/imago-ml/imago/internal/memory"
)

// headerSize is the size of a header of 6 bytes with its name and length.
const headerSize = 14

// maxTracks bounds the tracks of a file: their number has 16 bits.
const maxTracks = 1<<16 - 1

// eventBytes is about how much memory an event takes for each of the 2 bytes that the shortest
// one has in a file, while the list of them grows.
const eventBytes = 64

// Decode returns the file whose bytes are b. Data of its events are parts of b, which must not
// change afterwards. The error is of class ErrFormat, or one of the memory budget.
func Decode(b []byte) (*File, error) {
	if len(b) < headerSize || !Known(b) {
		switch {
		case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "RMID":
			return nil, formatErrorf(0, "a MIDI file inside a RIFF file: save it as a Standard MIDI File (.mid)")
		case Known(b):
			return nil, formatErrorf(len(b), "it ends within its header")
		}
		return nil, formatErrorf(0, "it does not begin with MThd")
	}
	if err := memory.Check(eventBytes*int64(len(b)), "the events of a MIDI file of %s", memory.Bytes(int64(len(b)))); err != nil {
		return nil, err
	}
	u16 := func(at int) int { return int(binary.BigEndian.Uint16(b[at:])) }
	f := &File{Format: u16(8)}
	size, tracks := int64(binary.BigEndian.Uint32(b[4:])), u16(10)
	if size < 6 || size > int64(len(b)-8) {
		return nil, formatErrorf(4, "a header of %d bytes, want 6 or more in a file of %d", size, len(b))
	}
	if size > 6 {
		f.remark("left out: %d bytes at the end of the header", size-6)
	}
	switch f.Format {
	case 0, 1:
	case 2:
		return nil, formatErrorf(8, "format 2, patterns that do not sound together: save it as format 0 or 1")
	default:
		return nil, formatErrorf(8, "format %d, want 0 or 1", f.Format)
	}
	var err error
	if f.Division, err = division(uint16(u16(12))); err != nil {
		return nil, err
	}
	for at := 8 + int(size); at < len(b); {
		if len(b)-at < 8 {
			f.remark("left out: %d bytes after the last chunk", len(b)-at)
			break
		}
		name, size := b[at:at+4], int64(binary.BigEndian.Uint32(b[at+4:]))
		at += 8
		if size > int64(len(b)-at) {
			return nil, formatErrorf(at-4, "chunk %q of %d bytes, and the file has %d more", name, size, len(b)-at)
		}
		if string(name) != "MTrk" {
			f.remark("left out: chunk %q of %d bytes", name, size)
			at += int(size)
			continue
		}
		if len(f.Tracks) == maxTracks {
			return nil, formatErrorf(at-8, "more than %d tracks", maxTracks)
		}
		if err := f.track(b, at, at+int(size)); err != nil {
			return nil, err
		}
		at += int(size)
	}
	switch n := len(f.Tracks); {
	case n == 0:
		return nil, formatErrorf(len(b), "it has no track")
	case n != tracks:
		f.remark("the header announces %d tracks, and there are %d", tracks, n)
	}
	if f.Format == 0 && len(f.Tracks) > 1 {
		f.Format = 1
		f.remark("a file of format 0 with %d tracks is read as one of format 1", len(f.Tracks))
	}
	return f, nil
}

// remark adds to the remarks of the file.
func (f *File) remark(format string, args ...any) {
	f.Remarks = append(f.Remarks, fmt.Sprintf(format, args...))
}

// division returns the unit of ticks that the header says.
func division(v uint16) (Division, error) {
	d := Division{Ticks: int(v)}
	if v>>15 == 1 {
		d = Division{Ticks: int(v & 0xff), Frames: -int(int8(v >> 8))}
	}
	if err := d.check(); err != nil {
		return d, formatErrorf(12, "%v", err)
	}
	return d, nil
}

// check returns an error unless a header can say the division.
func (d Division) check() error {
	switch d.Frames {
	case 0:
		if d.Ticks >= 1 && d.Ticks < 1<<15 {
			return nil
		}
		return fmt.Errorf("%d ticks a quarter note, want 1 to 32767", d.Ticks)
	case 24, 25, 29, 30:
		if d.Ticks >= 1 && d.Ticks < 1<<8 {
			return nil
		}
		return fmt.Errorf("%d ticks a frame, want 1 to 255", d.Ticks)
	}
	return fmt.Errorf("%d frames a second, want 24, 25, 29 or 30", d.Frames)
}

// track reads the track that is b[at:end].
func (f *File) track(b []byte, at, end int) error {
	t := Track{}
	number := len(f.Tracks) + 1
	var tick int64
	var running byte
	ended, across := false, false
	between := false // the event before was no message of a channel
	for at < end && !ended {
		delta, next, err := variable(b, at, end)
		if err != nil {
			return err
		}
		tick, at = tick+delta, next
		if at == end {
			return formatErrorf(at, "track %d ends after the time of an event", number)
		}
		status := b[at]
		switch {
		case status >= 0x80:
			at++
		case running == 0:
			return formatErrorf(at, "byte %#02x where an event of track %d begins, want a status of 80 or more", status, number)
		default:
			across = across || between
			status = running
		}
		e := Event{Tick: tick, Status: status}
		switch {
		case status < 0xf0:
			running, between = status, false
			n := dataBytes(status)
			if end-at < n {
				return formatErrorf(at, "track %d ends within a message", number)
			}
			for i := range n {
				if b[at+i] >= 0x80 {
					return formatErrorf(at+i, "byte %#02x in a message of track %d, want one below 80", b[at+i], number)
				}
			}
			e.Data = b[at : at+n : at+n]
			at += n
		case status == SysEx || status == Escape || status == Meta:
			between = true
			if status == Meta {
				if at == end {
					return formatErrorf(at, "track %d ends within a meta event", number)
				}
				e.Type = b[at]
				at++
			}
			n, next, err := variable(b, at, end)
			if err != nil {
				return err
			}
			if at = next; n > int64(end-at) {
				return formatErrorf(at, "an event of %d bytes, and track %d has %d more", n, number, end-at)
			}
			e.Data = b[at : at+int(n) : at+int(n)]
			at += int(n)
		default:
			return formatErrorf(at-1, "status %#02x in track %d, want 80 to F0, F7 or FF", status, number)
		}
		if e.Status == Meta && e.Type == EndOfTrack {
			ended = true
			break
		}
		t.Events = append(t.Events, e)
	}
	t.End = tick
	switch {
	case !ended:
		f.remark("track %d has no end: it ends with its last event", number)
	case at < end:
		f.remark("left out: %d bytes after the end of track %d", end-at, number)
	}
	if across {
		f.remark("track %d goes on with a status that another event had ended: it is taken as before", number)
	}
	f.Tracks = append(f.Tracks, t)
	return nil
}

// maxVariable is the largest number of variable length.
const maxVariable = 1<<28 - 1

// variable reads a number of variable length in b[at:end], and returns where it ends.
func variable(b []byte, at, end int) (v int64, next int, err error) {
	for i := range 4 {
		if at+i >= end {
			return 0, 0, formatErrorf(at, "a track ends within a number of variable length")
		}
		c := b[at+i]
		v = v<<7 | int64(c&0x7f)
		if c < 0x80 {
			return v, at + i + 1, nil
		}
	}
	return 0, 0, formatErrorf(at, "a number of variable length of more than 4 bytes")
}
