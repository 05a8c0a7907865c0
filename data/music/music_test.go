package music

import (
	"archive/zip"
	"context"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/formats/midi"
	"github.com/imago-ml/imago/internal/fuzzed"
	"github.com/imago-ml/imago/internal/realdata"
)

// three is the medium of the tests: three bars of the pitches 60 to 71.
var three = Melody{Bars: 3, Low: 60, High: 71, Tempo: 600_000}

// phrase returns an item of three of tokens, which the rest of the bars follow as Hold.
func phrase(tokens ...float32) []float32 {
	return append(tokens, make([]float32, 3*Steps-len(tokens))...)
}

// file returns the bytes of a file of 4 ticks a quarter note, a tick a step.
func file(t *testing.T, events []midi.Event, notes ...midi.Note) []byte {
	t.Helper()
	f := midi.File{Division: midi.Division{Ticks: 4}, Tracks: []midi.Track{midi.NewTrack(events, notes, 0)}}
	b, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// note returns a note of so many steps.
func note(at, steps int64, pitch int) midi.Note {
	return midi.Note{Tick: at, Ticks: steps, Pitch: pitch, Velocity: 80}
}

// TestMelodyFile writes phrases and reads them again: one alone, and two one after another.
func TestMelodyFile(t *testing.T) {
	item := three.Item()
	a := phrase(2, 0, 0, 5, Off, 0, 0, 13, 13, Off, 0, 0, 0, 0, 0, 2)
	b := phrase(Off, 0, 0, 0, 7)
	for name, values := range map[string][]float32{"one": a, "two": slices.Concat(a, b)} {
		file, err := three.Join(item, values)
		if err != nil {
			t.Fatal(err)
		}
		got, err := three.Decode(item, file)
		if err != nil || !slices.Equal(got, values) {
			t.Errorf("%s: %v is read as %v, %v", name, values, got, err)
		}
		f, err := midi.Decode(file)
		if err != nil || f.Tempos()[0].Micros != 600_000 || !(math.Abs(f.Seconds(f.Tracks[0].End)-float64(len(values)/item.Size())*3*4*0.6) < 1e-9) {
			t.Errorf("%s: tempo %v, %v", name, f.Tempos(), err)
		}
	}
}

// TestLine checks which of several notes are the melody.
func TestLine(t *testing.T) {
	for name, tt := range map[string]struct {
		notes []midi.Note
		want  []float32
		below int
	}{
		"legato":   {[]midi.Note{note(0, 5, 64), note(4, 4, 62)}, phrase(6, 0, 0, 0, 4, 0, 0, 0, Off), 0},
		"chord":    {[]midi.Note{note(0, 2, 60), note(0, 4, 64), note(0, 2, 67)}, phrase(9, 0, Off), 2},
		"bass":     {[]midi.Note{note(0, 8, 64), note(2, 4, 60)}, phrase(6, 0, 0, 0, 0, 0, 0, 0, Off), 1},
		"above":    {[]midi.Note{note(0, 8, 60), note(2, 2, 64)}, phrase(2, 0, 6, 0, Off), 0},
		"repeated": {[]midi.Note{note(0, 1, 60), note(1, 1, 60)}, phrase(2, 2, Off), 0},
		"drums":    {[]midi.Note{note(0, 1, 60), {Tick: 2, Ticks: 1, Channel: midi.DrumChannel, Pitch: 62}}, phrase(2, Off), 0},
	} {
		s, err := decode(file(t, nil, tt.notes...), tonal)
		if err != nil {
			t.Fatal(err)
		}
		l, below, _ := newLine(s)
		got := make([]float32, 3*Steps)
		if ok := three.window(l, 0, got); !ok || !slices.Equal(got, tt.want) || below != tt.below {
			t.Errorf("%s: %v and %d left out, want %v and %d", name, got, below, tt.want, tt.below)
		}
	}
	s, err := decode(file(t, nil, note(12, 8, 60)), tonal)
	if err != nil {
		t.Fatal(err)
	}
	l, _, _ := newLine(s)
	got := make([]float32, 3*Steps)
	if three.window(l, 16, got); !slices.Equal(got, phrase(2, 0, 0, 0, Off)) {
		t.Errorf("a window that begins within a note is %v", got)
	}
}

// TestScore checks the steps of notes between sixteenths, and the bars of a tune whose time
// signature changes.
func TestScore(t *testing.T) {
	f := &midi.File{Division: midi.Division{Ticks: 480}, Tracks: []midi.Track{midi.NewTrack(
		[]midi.Event{midi.TempoChange{Tick: 0, Micros: 400_000}.Event(), midi.Meter{Tick: 0, Beats: 2, Note: 2}.Event(),
			midi.Meter{Tick: 1920, Beats: 6, Note: 8}.Event(), midi.Meter{Tick: 1920 + 2*1440, Beats: 4, Note: 4}.Event()},
		[]midi.Note{note(50, 10, 60), note(170, 100, 61), note(7000, 1000, 62)}, 0)}}
	s, err := newScore(f, tonal)
	if err != nil {
		t.Fatal(err)
	}
	var at [][2]int
	for _, n := range s.notes {
		at = append(at, [2]int{n.start, n.end})
	}
	if want := [][2]int{{0, 1}, {1, 2}, {58, 67}}; !slices.Equal(at, want) {
		t.Errorf("notes at %v, want %v", at, want)
	}
	if want := []int{0, 40, 56}; !slices.Equal(s.bars, want) || s.other != 2 || s.tempo != 400_000 || s.moved != 3 {
		t.Errorf("bars %v, want %v; %d others, tempo %d, %d moved", s.bars, want, s.other, s.tempo, s.moved)
	}
	var from []int
	s.windows(2, 1, false, func(at int) { from = append(from, at) })
	if !slices.Equal(from, []int{40}) {
		t.Errorf("windows of two bars at %v, want 40", from)
	}
}

// TestMelodyRefuses checks the errors of files that hold no melody for the medium.
func TestMelodyRefuses(t *testing.T) {
	item := three.Item()
	frames, err := (&midi.File{Division: midi.Division{Ticks: 40, Frames: 25}, Tracks: []midi.Track{{}}}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		file []byte
		want string
	}{
		"text":   {[]byte("a tune"), "not a readable MIDI file"},
		"frames": {frames, "ticks are parts of a second"},
		"none":   {file(t, nil), "no notes"},
		"6/8":    {file(t, []midi.Event{midi.Meter{Beats: 6, Note: 8}.Event()}, note(0, 30, 60)), "no bars of four quarter notes (4/4 or 2/2), but 3 others"},
		"high":   {file(t, nil, note(0, 1, 60), note(48, 1, 72)), "bar 4 has a note outside the pitches 60 to 71"},
		"long":   {file(t, nil, note(1<<27, 1, 60)), "at most 65536 bars"},
	} {
		if _, err := three.Decode(item, tt.file); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// TestShift transposes a phrase within the pitches of the medium.
func TestShift(t *testing.T) {
	v := phrase(4, 0, 6, Off)
	three.Shift(three.Item(), v, -3, 5)
	if !slices.Equal(v, phrase(7, 0, 9, Off)) {
		t.Errorf("up 3: %v", v)
	}
	three.Shift(three.Item(), v, -30, 0)
	if !slices.Equal(v, phrase(11, 0, 13, Off)) {
		t.Errorf("up to the highest: %v", v)
	}
	three.Shift(three.Item(), v, 100, 0)
	if !slices.Equal(v, phrase(2, 0, 4, Off)) {
		t.Errorf("down to the lowest: %v", v)
	}
}

// TestCheck checks that items are refused which are not those of their medium.
func TestCheck(t *testing.T) {
	good := three.Item()
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	if err := (Drums{2, 500_000}).Item().Check(); err != nil {
		t.Error(err)
	}
	short := good
	short.Shape = []int{16}
	few := good
	few.Vocabulary = 5
	for name, item := range map[string]medium.Item{
		"range": Melody{2, 60, 128, 1}.Item(), "order": Melody{2, 61, 60, 1}.Item(), "bars": Melody{0, 60, 61, 1}.Item(), "tempo": Melody{1, 60, 61, 0}.Item(),
		"many": Drums{MaxBars + 1, 1}.Item(), "slow": Drums{1, 1 << 24}.Item(), "short": short, "few": few,
	} {
		if err := item.Check(); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// TestTile checks where notes are drawn.
func TestTile(t *testing.T) {
	item := three.Item()
	v := phrase(2, 0, 13, Off)
	pix, h, w, c, err := medium.Draw(item, v)
	if err != nil || h != 12*8 || w != 48*4 || c != 1 {
		t.Fatalf("%dx%dx%d, %v", h, w, c, err)
	}
	at := func(row, step, x int) float32 { return pix[(row*8+4)*w+step*4+x] }
	for _, tt := range []struct {
		row, step, x int
		want         float32
	}{{11, 0, 0, begins}, {11, 1, 0, sounds}, {11, 1, 3, 0}, {11, 2, 0, 0}, {0, 2, 0, begins}, {0, 3, 1, 0}, {5, 16, 0, barLine}, {5, 20, 0, beatLine}, {5, 20, 1, 0}} {
		if got := at(tt.row, tt.step, tt.x); got != tt.want {
			t.Errorf("row %d, step %d, pixel %d is %v, want %v", tt.row, tt.step, tt.x, got, tt.want)
		}
	}
}

// TestDrums writes a pattern of all drums and reads it again, also from other pads.
func TestDrums(t *testing.T) {
	m := Drums{1, 500_000}
	item := m.Item()
	v := make([]float32, Steps)
	for i := range v {
		v[i] = float32(i * i * 2 % 512)
	}
	b, err := m.Encode(item, v)
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Decode(item, b)
	if err != nil || !slices.Equal(got, v) {
		t.Errorf("%v is read as %v, %v", v, got, err)
	}
	rim := file(t, nil, midi.Note{Tick: 3, Ticks: 1, Channel: midi.DrumChannel, Pitch: 40, Velocity: 1}, midi.Note{Tick: 3, Ticks: 1, Channel: midi.DrumChannel, Pitch: 44, Velocity: 1},
		midi.Note{Tick: 5, Ticks: 1, Channel: midi.DrumChannel, Pitch: 80, Velocity: 1}) // a triangle
	want := make([]float32, Steps)
	want[3] = 1<<1 + 1<<2
	if got, err := m.Decode(item, rim); err != nil || !slices.Equal(got, want) {
		t.Errorf("rim and pedal are read as %v, %v", got, err)
	}
	pix, h, w, _, err := medium.Draw(item, want)
	if err != nil || h != 9*8 || pix[(7*8+4)*w+3*4] != begins || pix[(8*8+4)*w+3*4] != 0 {
		t.Errorf("the snare is not drawn in the row above the kick: %v", err)
	}
	if _, err := m.Decode(item, file(t, nil, note(0, 1, 60))); err == nil {
		t.Error("a melody is read as drums")
	}
}

// TestMeasures compares density and interval with those counted by hand.
func TestMeasures(t *testing.T) {
	v := phrase(2, 0, 6, Off, 5)
	if d := Density(three.Item(), v); d != 3./48 {
		t.Errorf("density %v, want 3/48", d)
	}
	if i := Interval(three.Item(), v); i != 2.5 {
		t.Errorf("interval %v, want 2.5", i)
	}
	if d := Density((Drums{1, 1}).Item(), []float32{3, 0, 511, 0}); d != 11./4 {
		t.Errorf("density %v, want 11/4", d)
	}
}

// write puts files into a new folder.
func write(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// scale returns a tune of so many bars of quarter notes, which rise from a pitch bar by bar.
func scale(t *testing.T, pitch, bars int) []byte {
	var notes []midi.Note
	for i := range 4 * bars {
		notes = append(notes, note(int64(4*i), 4, pitch+i%4+i/4))
	}
	return file(t, nil, notes...)
}

// TestOpen reads a folder: parts, classes, windows, and what is said of the rest.
func TestOpen(t *testing.T) {
	again := file(t, nil, note(0, 16, 60), note(16, 16, 60), note(32, 16, 60), note(80, 16, 64))
	dir := write(t, map[string][]byte{
		"train/reels/a.mid": scale(t, 60, 5), "train/jigs/b.mid": scale(t, 50, 4), "test/jigs/c.mid": scale(t, 60, 3), "test/reels/d.mid": scale(t, 62, 3),
		"train/reels/again.mid": again, "train/jigs/waltz.mid": file(t, []midi.Event{midi.Meter{Beats: 3, Note: 4}.Event()}, note(0, 12, 60)),
		"train/jigs/one.MID": scale(t, 60, 1), "train/jigs/tune.abc": []byte("X:1"),
	})
	set, err := Open(context.Background(), dir, data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Validate(); err != nil {
		t.Fatal(err)
	}
	if m := set.Item().Medium; m != (Melody{2, 50, 67, 500_000}) {
		t.Errorf("medium %+v", m)
	}
	if set.Train.Len() != 4+3+1 || set.Test.Len() != 2+2 || !slices.Equal(set.Classes, []string{"jigs", "reels"}) {
		t.Errorf("%d and %d items, classes %v", set.Train.Len(), set.Test.Len(), set.Classes)
	}
	var text []string
	for _, n := range set.Notes {
		text = append(text, n.Text)
	}
	all := strings.Join(text, "\n")
	for _, want := range []string{
		"12 phrases of 2 bars out of 5 tunes, as tokens of a sixteenth each, pitches 50 to 67; MIDI files are written at 120 quarter notes a minute",
		"left out: 1 .abc file", "left out: 1 of 23 bars that are not as long", "left out: 1 phrase that their tune has already had",
		"left out: 3 phrases with a bar of silence", "left out: 2 tunes in which no phrase was found", "4 of 4 phrases of the test part are in tunes of the training part too",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("the notes do not say %q:\n%s", want, all)
		}
	}
	if !slices.Equal(set.Attributes, []string{NoteDensity, AverageInterval}) || len(set.Train.Attributes) != 2*set.Train.Len() {
		t.Errorf("attributes %v, %d values", set.Attributes, len(set.Train.Attributes))
	}
	four, err := Open(context.Background(), dir, data.Options{Reading: data.Reading{Bars: 4}})
	if err != nil || four.Train.Len() != 2+1 || four.Item().Size() != 64 {
		t.Errorf("of four bars: %v, %v", four, err)
	}
	like, err := Open(context.Background(), dir, data.Options{Medium: three, Reading: data.Reading{Bars: 2}})
	if err != nil || like.Item().Medium != three {
		t.Errorf("as another medium: %v, %v", like, err)
	}
}

// TestOpenRefuses checks the errors of folders without a tune.
func TestOpenRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string][]byte
		want  string
	}{
		"none":  {map[string][]byte{"a.abc": []byte("X:1")}, "no MIDI file in it, but 1 .abc file"},
		"bad":   {map[string][]byte{"a.mid": []byte("MThd"), "b.mid": scale(t, 60, 3)}, "a.mid: not a readable MIDI file"},
		"short": {map[string][]byte{"a.mid": scale(t, 60, 1)}, "no tune of the training part has 2 bars"},
	} {
		if _, err := Open(context.Background(), write(t, tt.files), data.Options{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	set, err := Open(context.Background(), write(t, map[string][]byte{"a.mid": []byte("MThd"), "b.mid": scale(t, 60, 3), "c.mid": scale(t, 60, 3)}), data.Options{SkipBad: true})
	if err != nil || set.Train.Len()+set.Test.Len() != 4 {
		t.Errorf("bad files are not skipped: %v, %v", set, err)
	}
}

// TestInfo divides a folder by a table of performances.
func TestInfo(t *testing.T) {
	hit := func(pitch int) []byte {
		var notes []midi.Note
		for i := range int64(12) {
			notes = append(notes, midi.Note{Tick: 4 * i, Ticks: 1, Channel: midi.DrumChannel, Pitch: pitch + int(i%2)*2, Velocity: 90})
		}
		return file(t, nil, notes...)
	}
	dir := write(t, map[string][]byte{
		"groove/d1/a.mid": hit(36), "groove/d1/b.mid": hit(40), "groove/d2/c.mid": hit(42), "groove/d2/d.mid": hit(49),
		"groove/info.csv": []byte("style,midi_filename,split\nrock/slow,d1/a.mid,train\nfunk,d1/b.mid,test\nrock,d2/c.mid,validation\nfunk/fast,d2/d.mid,train\n"),
	})
	set, err := Open(context.Background(), dir, data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if set.Item().Medium != (Drums{2, 500_000}) || !slices.Equal(set.Classes, []string{"funk", "rock"}) {
		t.Errorf("%+v, classes %v", set.Item().Medium, set.Classes)
	}
	if !slices.Equal(set.Train.Origins.Files, []string{"groove/d1/a.mid", "groove/d2/d.mid"}) || !slices.Equal(set.Train.Labels, []int32{1, 0}) || set.Test.Len() != 1 {
		t.Errorf("training part %v of %v, %d in the test part", set.Train.Origins.Files, set.Train.Labels, set.Test.Len())
	}
	if in, err := parseInfo("a,b\n1,2\n", "."); in != nil || err != nil {
		t.Errorf("another table: %v, %v", in, err)
	}
	if _, err := parseInfo("midi_filename,split\n\"", "."); err == nil {
		t.Error("a broken table is accepted")
	}
}

// TestRealSets opens the real sets: no tune is in both parts, and every pad of the Groove set is
// known.
func TestRealSets(t *testing.T) {
	for name, want := range map[string]struct {
		medium      medium.Medium
		train, test int
		attributes  int
	}{
		"nottingham/melody.zip":      {Melody{2, 55, 88, 500_000}, 8775, 975, 2},
		"groove/groove-midionly.zip": {Drums{2, 545_455}, 15949, 1851, 1},
	} {
		path := realdata.Path(t, name)
		info, err := os.Stat(path)
		if err != nil || !Opener().Match(path, info, []byte("PK\x03\x04")) {
			t.Errorf("%s is not recognised (%v)", name, err)
		}
		set, err := Open(context.Background(), path, data.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := set.Validate(); err != nil {
			t.Error(err)
		}
		if set.Item().Medium != want.medium || set.Train.Len() != want.train || set.Test.Len() != want.test || len(set.Attributes) != want.attributes {
			t.Errorf("%s: %+v, %d and %d items, attributes %v, want %+v", name, set.Item().Medium, set.Train.Len(), set.Test.Len(), set.Attributes, want)
		}
		in := map[string]bool{}
		for _, f := range set.Train.Origins.Files {
			in[f] = true
		}
		for _, f := range set.Test.Origins.Files {
			if in[f] {
				t.Fatalf("%s: %s is in both parts", name, f)
			}
		}
		for a := range set.Attributes {
			n := 0
			for i := range set.Train.Len() {
				n += int(set.Train.Attributes[i*len(set.Attributes)+a])
			}
			if share := float64(n) / float64(set.Train.Len()); !(share > 0.3 && share <= 0.5) {
				t.Errorf("%s: %.2f of the items have %s, want nearly half", name, share, set.Attributes[a])
			}
		}
		for _, n := range set.Notes {
			if strings.Contains(n.Text, "no hits of drums") {
				t.Errorf("%s: %s", name, n.Text)
			}
		}
	}
}

// TestRealTune writes the windows of a real tune and reads them again.
func TestRealTune(t *testing.T) {
	z, err := zip.OpenReader(realdata.Path(t, "nottingham/melody.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	m := Melody{2, 55, 88, 500_000}
	item := m.Item()
	n := 0
	for _, f := range z.File {
		if !strings.Contains(f.Name, "reelsa-c") || !IsMIDI(f.Name) {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		values, err := m.Decode(item, b)
		if err != nil {
			continue // not in 4/4
		}
		again, err := m.Join(item, values)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := m.Decode(item, again); err != nil || !slices.Equal(got, values) {
			t.Errorf("%s: %v is read as %v, %v", f.Name, values, got, err)
		}
		n++
	}
	if n < 10 {
		t.Errorf("%d tunes, want 10 or more", n)
	}
}

// FuzzDecode builds files of notes anywhere, and reads them as both media: what is read is
// written, and comes back.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x03\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := fuzzed.New(b)
		var events []midi.Event
		for range c.Below(3) {
			events = append(events, midi.Meter{Tick: int64(c.Below(200)), Beats: 1 + c.Below(7), Note: 1 << c.Below(5)}.Event())
		}
		var notes []midi.Note
		for range c.Below(20) {
			n := midi.Note{Tick: int64(c.Below(256)) << fuzzed.Of(c, 0, 0, 0, 3, 16), Ticks: int64(c.Below(30)), Channel: fuzzed.Of(c, 0, 1, midi.DrumChannel), Pitch: 60 + c.Below(13), Velocity: 1 + c.Below(127)}
			if n.Channel == midi.DrumChannel {
				n.Pitch = c.Below(128)
			}
			notes = append(notes, n)
		}
		file, err := (&midi.File{Division: midi.Division{Ticks: 1 + c.Below(9)}, Tracks: []midi.Track{midi.NewTrack(events, notes, 0)}}).Encode()
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range []medium.Item{three.Item(), Drums{2, 500_000}.Item()} {
			values, err := item.Medium.Decode(item, file)
			if err != nil {
				continue
			}
			if len(values) == 0 || len(values)%item.Size() != 0 {
				t.Fatalf("%s: %d values", item.Medium.Name(), len(values))
			}
			again, err := item.Medium.(medium.Joiner).Join(item, values)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := item.Medium.Decode(item, again); err != nil || !slices.Equal(got, values) {
				t.Fatalf("%s: %v comes back as %v, %v", item.Medium.Name(), values, got, err)
			}
			if _, _, _, _, err := medium.Draw(item, values); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzInfo checks that no table makes a panic.
func FuzzInfo(f *testing.F) {
	f.Add("midi_filename,split,style\na.mid,train,rock/slow\n")
	f.Fuzz(func(t *testing.T, text string) {
		if in, err := parseInfo(text, "."); err != nil && in != nil {
			t.Errorf("%v and %v", in, err)
		}
	})
}
