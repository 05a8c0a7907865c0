package midi

import (
	"archive/zip"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/internal/fuzzed"
	"github.com/imago-ml/imago/internal/realdata"
)

// equal reports whether two files have the same events at the same ticks.
func equal(a, b *File) bool {
	return a.Format == b.Format && a.Division == b.Division && slices.EqualFunc(a.Tracks, b.Tracks, func(a, b Track) bool {
		return a.End == b.End && slices.EqualFunc(a.Events, b.Events, Event.Equal)
	})
}

// written is a file of two tracks as another program may write it: running status, an event of
// the system in the middle, a note that ends by a velocity of 0.
const written = "MThd\x00\x00\x00\x06\x00\x01\x00\x02\x00\x60" +
	"MTrk\x00\x00\x00\x1b" +
	"\x00\xff\x51\x03\x07\xa1\x20" + // 120 quarter notes a minute
	"\x00\xff\x58\x04\x06\x03\x18\x08" + // 6/8
	"\x81\x40\xff\x51\x03\x03\xd0\x90" + // at 192: 240 a minute
	"\x00\xff\x2f\x00" +
	"MTrk\x00\x00\x00\x1a" +
	"\x00\x90\x3c\x40" +
	"\x00\x40\x41" + // running status
	"\x60\x3c\x00" + // at 96: ends C by a velocity of 0
	"\x00\xf0\x02\x7e\xf7" + // ends the running status
	"\x00\x80\x40\x20" +
	"\x60\xc0\x05" +
	"\x00\xff\x2f\x00"

func TestDecode(t *testing.T) {
	f, err := Decode([]byte(written))
	if err != nil {
		t.Fatal(err)
	}
	if f.Remarks != nil || f.Format != 1 || f.Division.Ticks != 96 || len(f.Tracks) != 2 || f.Tracks[1].End != 192 {
		t.Errorf("read as %+v", f)
	}
	notes, p := f.notes(t)
	want := []Note{{0, 96, 1, 0, 60, 64, 64}, {0, 96, 1, 0, 64, 65, 32}}
	if !slices.Equal(notes, want) || p != (Pairing{}) {
		t.Errorf("notes %+v, %+v, want %+v", notes, p, want)
	}
	if got, want := f.Tempos(), []TempoChange{{0, 500_000}, {192, 250_000}}; !slices.Equal(got, want) {
		t.Errorf("tempos %v, want %v", got, want)
	}
	if got, want := f.Meters(), []Meter{{0, 6, 8}}; !slices.Equal(got, want) {
		t.Errorf("meters %v, want %v", got, want)
	}
	if s := f.Seconds(288); s != 1.25 {
		t.Errorf("tick 288 is at %v s, want 1.25", s)
	}
	b, err := f.Encode()
	if err != nil || string(b) != written {
		t.Errorf("written as %q, %v", b, err)
	}
}

// notes is Notes, with a check that each note ends where it begins or later.
func (f *File) notes(t *testing.T) ([]Note, Pairing) {
	t.Helper()
	notes, p := f.Notes()
	for _, n := range notes {
		if n.Ticks < 0 {
			t.Errorf("a note ends before it begins: %+v", n)
		}
	}
	return notes, p
}

// TestPairing checks which end belongs to which note, and what is counted.
func TestPairing(t *testing.T) {
	on := func(tick int64, pitch byte) Event {
		return Event{Tick: tick, Status: NoteOn | 3, Data: []byte{pitch, 9}}
	}
	off := func(tick int64, pitch byte) Event {
		return Event{Tick: tick, Status: NoteOff | 3, Data: []byte{pitch, 7}}
	}
	f := File{Tracks: []Track{{[]Event{on(0, 60), off(1, 61), on(2, 60), off(5, 60), off(7, 60), on(8, 62)}, 20}}}
	notes, p := f.notes(t)
	want := []Note{{0, 5, 0, 3, 60, 9, 7}, {2, 5, 0, 3, 60, 9, 7}, {8, 12, 0, 3, 62, 9, 64}}
	if !slices.Equal(notes, want) || p != (Pairing{Unended: 1, Unbegun: 1, Overlaid: 1}) {
		t.Errorf("%+v, %+v", notes, p)
	}
}

// TestRemarks checks what Decode says of a file that is not as it should be.
func TestRemarks(t *testing.T) {
	head := "MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x60"
	for name, tt := range map[string]struct{ file, want string }{
		"long header":   {"MThd\x00\x00\x00\x08\x00\x00\x00\x01\x00\x60ab" + "MTrk\x00\x00\x00\x04\x00\xff\x2f\x00", "left out: 2 bytes at the end of the header"},
		"other chunk":   {head + "XFIH\x00\x00\x00\x01aMTrk\x00\x00\x00\x04\x00\xff\x2f\x00", `left out: chunk "XFIH" of 1 bytes`},
		"no end":        {head + "MTrk\x00\x00\x00\x04\x00\x90\x40\x40", "track 1 has no end: it ends with its last event"},
		"after the end": {head + "MTrk\x00\x00\x00\x05\x00\xff\x2f\x00\x00", "left out: 1 bytes after the end of track 1"},
		"few tracks":    {"MThd\x00\x00\x00\x06\x00\x01\x00\x03\x00\x60MTrk\x00\x00\x00\x04\x00\xff\x2f\x00", "the header announces 3 tracks, and there are 1"},
		"format 0": {"MThd\x00\x00\x00\x06\x00\x00\x00\x02\x00\x60" + strings.Repeat("MTrk\x00\x00\x00\x04\x00\xff\x2f\x00", 2),
			"a file of format 0 with 2 tracks is read as one of format 1"},
		"tail":   {head + "MTrk\x00\x00\x00\x04\x00\xff\x2f\x00\x00\x00", "left out: 2 bytes after the last chunk"},
		"status": {head + "MTrk\x00\x00\x00\x0f\x00\x90\x40\x40\x00\xff\x01\x00\x00\x40\x00\x00\xff\x2f\x00", "track 1 goes on with a status that another event had ended: it is taken as before"},
	} {
		f, err := Decode([]byte(tt.file))
		if err != nil || len(f.Remarks) != 1 || f.Remarks[0] != tt.want {
			t.Errorf("%s: %v, %v, want %q", name, f, err, tt.want)
		}
	}
}

// TestBad checks that faults are told as ErrFormat, with what was found.
func TestBad(t *testing.T) {
	head := "MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x60"
	track := func(events string) string { return head + "MTrk\x00\x00\x00" + string(rune(len(events))) + events }
	for name, tt := range map[string]struct{ file, want string }{
		"empty":        {"", "does not begin with MThd"},
		"text":         {"a melody in words", "does not begin with MThd"},
		"RIFF":         {"RIFF\x00\x00\x00\x00RMIDdata", "save it as a Standard MIDI File"},
		"cut header":   {head[:12], "ends within its header"},
		"short header": {"MThd\x00\x00\x00\x05\x00\x00\x00\x01\x00\x60", "a header of 5 bytes"},
		"huge header":  {"MThd\xff\xff\xff\xff\x00\x00\x00\x01\x00\x60", "a header of 4294967295 bytes"},
		"format 2":     {"MThd\x00\x00\x00\x06\x00\x02\x00\x01\x00\x60", "save it as format 0 or 1"},
		"format 3":     {"MThd\x00\x00\x00\x06\x00\x03\x00\x01\x00\x60", "format 3"},
		"no ticks":     {"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x00", "0 ticks a quarter note"},
		"SMPTE 31":     {"MThd\x00\x00\x00\x06\x00\x00\x00\x01\xe1\x28", "31 frames a second"},
		"SMPTE 0":      {"MThd\x00\x00\x00\x06\x00\x00\x00\x01\xe8\x00", "0 ticks a frame"},
		"no track":     {head, "no track"},
		"huge track":   {head + "MTrk\xff\xff\xff\xff\x00", "4294967295 bytes, and the file has 1 more"},
		"no status":    {track("\x00\x40\x40"), "byte 0x40 where an event"},
		"cut message":  {track("\x00\x90\x40"), "ends within a message"},
		"high data":    {track("\x00\x90\x40\x80"), "byte 0x80 in a message"},
		"time alone":   {track("\x00"), "ends after the time"},
		"cut meta":     {track("\x00\xff"), "ends within a meta event"},
		"huge meta":    {track("\x00\xff\x01\xff\xff\xff\x7f"), "an event of 268435455 bytes"},
		"long number":  {track("\x80\x80\x80\x80\x00\x90\x40\x40"), "more than 4 bytes"},
		"cut number":   {track("\x80"), "within a number of variable length"},
		"song select":  {track("\x00\xf3\x01"), "status 0xf3"},
	} {
		_, err := Decode([]byte(tt.file))
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// TestEncodeRefuses checks that nothing is written that cannot be read again.
func TestEncodeRefuses(t *testing.T) {
	for name, f := range map[string]File{
		"format 2":  {Format: 2, Division: Division{Ticks: 1}, Tracks: []Track{{}}},
		"tracks":    {Format: 0, Division: Division{Ticks: 1}, Tracks: []Track{{}, {}}},
		"division":  {Tracks: []Track{{}}},
		"falling":   {Division: Division{Ticks: 1}, Tracks: []Track{{Events: []Event{{Tick: 2, Status: Meta}, {Tick: 1, Status: Meta}}}}},
		"far":       {Division: Division{Ticks: 1}, Tracks: []Track{{End: 1 << 28}}},
		"length":    {Division: Division{Ticks: 1}, Tracks: []Track{{Events: []Event{{Status: NoteOn, Data: []byte{1}}}}}},
		"high byte": {Division: Division{Ticks: 1}, Tracks: []Track{{Events: []Event{{Status: Program, Data: []byte{200}}}}}},
		"status":    {Division: Division{Ticks: 1}, Tracks: []Track{{Events: []Event{{Status: 0xf1}}}}},
		"end":       {Division: Division{Ticks: 1}, Tracks: []Track{{Events: []Event{{Status: Meta, Type: EndOfTrack}}}}},
	} {
		if b, err := f.Encode(); err == nil {
			t.Errorf("%s: written as %q", name, b)
		}
	}
}

// TestSMPTE checks time in frames of film: 29.97 frames of 100 ticks a second.
func TestSMPTE(t *testing.T) {
	f := &File{Division: Division{Ticks: 100, Frames: 29}, Tracks: []Track{NewTrack(nil, []Note{{Tick: 0, Ticks: 3000, Pitch: 60, Velocity: 1}}, 0)}}
	b, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	g, err := Decode(b)
	if err != nil || !equal(f, g) {
		t.Fatalf("%+v, %v, want %+v", g, err, f)
	}
	if s := g.Seconds(3000); !(s > 1.00099 && s < 1.00101) {
		t.Errorf("30 frames last %v s, want 1.001", s)
	}
}

// TestNewTrack checks that notes are read as they were given, also where one ends as the next
// begins on the same key, and where one has no length.
func TestNewTrack(t *testing.T) {
	notes := []Note{{0, 10, 0, 2, 60, 5, 6}, {10, 0, 0, 2, 60, 7, 8}, {10, 4, 0, 2, 62, 1, 1}}
	track := NewTrack([]Event{TempoChange{0, 600_000}.Event(), Meter{0, 3, 4}.Event()}, notes, 100)
	f := &File{Division: Division{Ticks: 24}, Tracks: []Track{track}}
	got, p := f.notes(t)
	if !slices.Equal(got, notes) || p != (Pairing{}) || track.End != 100 {
		t.Errorf("%+v, %+v, end %d", got, p, track.End)
	}
	if f.Tempos()[0].Micros != 600_000 || f.Meters()[0] != (Meter{0, 3, 4}) {
		t.Errorf("%v, %v", f.Tempos(), f.Meters())
	}
}

// TestRealFiles reads, writes and reads again all MIDI files of the real data: notes, ticks,
// tempos and every other event come back. The numbers of notes are those that another reader
// counted.
func TestRealFiles(t *testing.T) {
	total := 0
	for _, tt := range []struct {
		zip                string
		files, notes       int // notes 0 = not known
		low, high, pitches int
	}{
		{"nottingham/melody.zip", 1034, 196_961, 55, 88, 0},
		{"nottingham/midi.zip", 1034, 0, 0, 127, 0},
		{"groove/groove-midionly.zip", 1150, 446_312, 0, 127, 22},
	} {
		z, err := zip.OpenReader(realdata.Path(t, tt.zip))
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		files, count, pitches := 0, 0, map[int]bool{}
		for _, entry := range z.File {
			if ext := path.Ext(entry.Name); ext != ".mid" && ext != ".midi" {
				continue
			}
			r, err := entry.Open()
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			f, err := Decode(b)
			if err != nil {
				t.Fatalf("%s: %v", entry.Name, err)
			}
			for _, n := range f.Remarks {
				t.Logf("%s: %s", entry.Name, n)
			}
			out, err := f.Encode()
			if err != nil {
				t.Fatalf("%s: %v", entry.Name, err)
			}
			g, err := Decode(out)
			if err != nil {
				t.Fatalf("%s, written: %v", entry.Name, err)
			}
			notes, p := f.notes(t)
			again, q := g.notes(t)
			if !equal(f, g) || p != q || !slices.Equal(notes, again) || !slices.Equal(f.Tempos(), g.Tempos()) || !slices.Equal(f.Meters(), g.Meters()) {
				t.Errorf("%s: comes back otherwise", entry.Name)
			}
			files, count = files+1, count+len(notes)
			for _, n := range notes {
				pitches[n.Pitch] = true
				if n.Pitch < tt.low || n.Pitch > tt.high {
					t.Errorf("%s: pitch %d", entry.Name, n.Pitch)
				}
			}
		}
		if files != tt.files || tt.notes > 0 && count != tt.notes || tt.pitches > 0 && len(pitches) != tt.pitches {
			t.Errorf("%s: %d files of %d notes on %d pitches, want %d, %d, %d", tt.zip, files, count, len(pitches), tt.files, tt.notes, tt.pitches)
		}
		total += files
	}
	if total != 3218 {
		t.Errorf("%d files, want 3218", total)
	}
}

// FuzzDecode checks that bytes are no MIDI file, or come back as the same events.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(written))
	f.Fuzz(func(t *testing.T, b []byte) { check(t, b) })
}

// check decodes bytes that may be bad, and compares what is written of them.
func check(t *testing.T, b []byte) {
	t.Helper()
	f, err := Decode(b)
	if err != nil {
		if !errors.Is(err, ErrFormat) {
			t.Fatalf("%v is not of class ErrFormat", err)
		}
		return
	}
	out, err := f.Encode()
	if err != nil {
		t.Fatalf("what was read cannot be written: %v", err)
	}
	g, err := Decode(out)
	if err != nil || !equal(f, g) || g.Remarks != nil {
		t.Fatalf("comes back otherwise: %v, %v", g, err)
	}
	f.notes(t)
	f.Tempos()
	f.Meters()
	for _, track := range f.Tracks {
		if s := f.Seconds(track.End); !(s >= 0) {
			t.Fatalf("tick %d is at %v s", track.End, s)
		}
	}
}

// FuzzStructured builds files that are well formed but for a rare fault.
func FuzzStructured(f *testing.F) {
	f.Add([]byte("\x01\x02\x03\x00\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16"))
	f.Add([]byte(written))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := fuzzed.New(b)
		file := &File{Format: c.Below(2), Division: Division{Ticks: 1 + c.Below(200)}}
		if c.Rarely() {
			file.Division.Frames = fuzzed.Of(c, 24, 25, 29, 30)
		}
		tracks := 1
		if file.Format == 1 {
			tracks += c.Below(3)
		}
		for range tracks {
			tr := Track{}
			var tick int64
			for range c.Below(12) {
				tick += int64(c.Below(256)) << fuzzed.Of(c, 0, 0, 0, 7, 13, 20)
				e := Event{Tick: tick}
				switch c.Below(8) {
				case 0:
					e.Status, e.Type, e.Data = Meta, fuzzed.Of[byte](c, SetTempo, TimeSignature, TrackName, 0x7f), c.Bytes(c.Below(6))
				case 1:
					e.Status, e.Data = fuzzed.Of[byte](c, SysEx, Escape), c.Bytes(c.Below(200))
				default:
					e.Status = fuzzed.Of[byte](c, NoteOn, NoteOn, NoteOff, Program, 0xd0, 0xe0, 0xb0) | byte(c.Below(2))
					for range dataBytes(e.Status) {
						e.Data = append(e.Data, byte(c.Below(128)))
					}
				}
				tr.Events = append(tr.Events, e)
			}
			tr.End = tick + int64(c.Below(3))
			file.Tracks = append(file.Tracks, tr)
		}
		out, err := file.Encode()
		if err != nil {
			t.Fatal(err)
		}
		g, err := Decode(out)
		if err != nil || !equal(file, g) || g.Remarks != nil {
			t.Fatalf("%+v comes back as %+v, %v", file, g, err)
		}
		for c.Rarely() { // faults
			out[c.Below(min(len(out), 256))] = byte(c.Below(256))
		}
		check(t, out)
	})
}
