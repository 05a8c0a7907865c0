package midi

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Encode returns the bytes of a file, with running status. It fails if an event cannot be
// written: ticks that fall or are more than 2²⁸−1 apart, a status that files do not have, or a
// message of another length or with a byte of 0x80 or more.
func (f *File) Encode() ([]byte, error) {
	switch n := len(f.Tracks); {
	case f.Format != 0 && f.Format != 1:
		return nil, fmt.Errorf("midi: format %d, want 0 or 1", f.Format)
	case f.Format == 0 && n != 1 || n < 1 || n > maxTracks:
		return nil, fmt.Errorf("midi: %d tracks in a file of format %d", n, f.Format)
	}
	if err := f.Division.check(); err != nil {
		return nil, fmt.Errorf("midi: %w", err)
	}
	u16, u32 := binary.BigEndian.AppendUint16, binary.BigEndian.AppendUint32
	b := u16(u16(u32([]byte("MThd"), 6), uint16(f.Format)), uint16(len(f.Tracks)))
	d := uint16(f.Division.Ticks)
	if f.Division.Frames != 0 {
		d |= uint16(uint8(-f.Division.Frames)) << 8
	}
	b = u16(b, d)
	for i, t := range f.Tracks {
		b = append(b, "MTrk\x00\x00\x00\x00"...)
		at := len(b)
		var err error
		if b, err = t.append(b); err != nil {
			return nil, fmt.Errorf("midi: track %d: %w", i+1, err)
		}
		if len(b)-at > math.MaxUint32 {
			return nil, fmt.Errorf("midi: track %d takes %d bytes, want at most %d", i+1, len(b)-at, uint32(math.MaxUint32))
		}
		binary.BigEndian.PutUint32(b[at-4:], uint32(len(b)-at))
	}
	return b, nil
}

// append appends the events of a track and its end.
func (t Track) append(b []byte) ([]byte, error) {
	var tick int64
	var running byte
	after := func(to int64) error {
		if to < tick || to-tick > maxVariable {
			return fmt.Errorf("tick %d after tick %d: want the same or a later one, by at most %d", to, tick, maxVariable)
		}
		b = appendVariable(b, to-tick)
		tick = to
		return nil
	}
	for _, e := range t.Events {
		if err := after(e.Tick); err != nil {
			return nil, err
		}
		switch k := e.Kind(); {
		case k != 0:
			if e.Status != running {
				b = append(b, e.Status)
			}
			running = e.Status
			if len(e.Data) != dataBytes(e.Status) {
				return nil, fmt.Errorf("a message %#02x of %d bytes, want %d", e.Status, len(e.Data), dataBytes(e.Status))
			}
			for _, v := range e.Data {
				if v >= 0x80 {
					return nil, fmt.Errorf("a message %#02x with a byte %#02x, want those below 80", e.Status, v)
				}
			}
			b = append(b, e.Data...)
			continue
		case e.Status == Meta && e.Type == EndOfTrack:
			return nil, fmt.Errorf("an end among its events, at tick %d", e.Tick)
		case e.Status == Meta:
			b = append(b, Meta, e.Type)
		case e.Status == SysEx || e.Status == Escape:
			b = append(b, e.Status)
		default:
			return nil, fmt.Errorf("status %#02x, want 80 to F0, F7 or FF", e.Status)
		}
		running = 0
		if len(e.Data) > maxVariable {
			return nil, fmt.Errorf("an event of %d bytes, want at most %d", len(e.Data), maxVariable)
		}
		b = append(appendVariable(b, int64(len(e.Data))), e.Data...)
	}
	if err := after(max(t.End, tick)); err != nil {
		return nil, err
	}
	return append(b, Meta, EndOfTrack, 0), nil
}

// appendVariable appends a number of variable length.
func appendVariable(b []byte, v int64) []byte {
	for shift := 21; shift > 0; shift -= 7 {
		if v >= 1<<shift {
			b = append(b, byte(v>>shift)|0x80)
		}
	}
	return append(b, byte(v)&0x7f)
}
