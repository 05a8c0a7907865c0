package pianoroll

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/formats/audio"
	"github.com/imago-ml/imago/formats/midi"
	"github.com/imago-ml/imago/internal/realdata"
	"github.com/imago-ml/imago/internal/synth"
)

// registry returns one of the opener alone.
func registry() *data.Registry {
	var r data.Registry
	r.RegisterOpener(Opener())
	return &r
}

// steps returns the steps of all items of a split, and those of the longest.
func steps(t *testing.T, s data.Split) (all, longest int) {
	t.Helper()
	x, err := data.AllFloats(context.Background(), s.Items)
	if err != nil {
		t.Fatal(err)
	}
	for piece := range slices.Chunk(x, s.Items.Item().Size()) {
		n := length(piece)
		all, longest = all+n, max(longest, n)
		for i := n * (Keys + 1); i < len(piece); i++ {
			if piece[i] != 0 {
				t.Fatalf("a value after the end is %v", piece[i])
			}
		}
	}
	return all, longest
}

func TestChorales(t *testing.T) {
	path := realdata.Path(t, "jsb/jsb-chorales-quarter.json.gz")
	set, err := registry().Open(context.Background(), path, data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if item := set.Item(); item.String() != "160x89" || set.Validation.Len() != 0 {
		t.Errorf("items of %v, %d of validation", item, set.Validation.Len())
	}
	for name, c := range map[string]struct {
		split                  data.Split
		pieces, steps, longest int
	}{
		"train": {set.Train, 229, 13_807, 129}, "test": {set.Test, 77, 4_725, 160},
	} {
		if all, longest := steps(t, c.split); c.split.Len() != c.pieces || all != c.steps || longest != c.longest {
			t.Errorf("%s: %d pieces of %d steps, the longest of %d; want %d of %d, %d", name, c.split.Len(), all, longest, c.pieces, c.steps, c.longest)
		}
	}
	if text := notes(set); !strings.Contains(text, "left out: the validation part of the file, 76 pieces") {
		t.Errorf("notes:\n%s", text)
	}
	with, err := registry().Open(context.Background(), path, data.Options{Validation: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	if all, _ := steps(t, with.Validation); with.Validation.Len() != 76 || all != 4_602 || with.Train.Len() != 229 {
		t.Errorf("validation: %d pieces of %d steps, %d of training", with.Validation.Len(), all, with.Train.Len())
	}
	short, err := registry().Open(context.Background(), path, data.Options{Medium: Medium{Steps: 32, Quarter: 1, Tempo: 500_000}})
	if err != nil {
		t.Fatal(err)
	}
	if all, longest := steps(t, short.Train); all != 13_807 || longest != 32 || !strings.Contains(notes(short), "divided") {
		t.Errorf("in items of 32 steps: %d steps, %d in one, %s", all, longest, notes(short))
	}
}

func notes(set *data.Set) string {
	var text []string
	for _, n := range set.Notes {
		text = append(text, n.Text)
	}
	return strings.Join(text, "\n")
}

// The other sets of the same form open too; pieces of more than MaxSteps steps are divided, and
// no step is lost.
func TestOtherSets(t *testing.T) {
	for name, want := range map[string]int{"nottingham": 176_561, "piano-midi": 75_911, "musedata": 245_202} {
		path := realdata.Path(t, "polyphonic/"+name+".json.gz")
		set, err := registry().Open(context.Background(), path, data.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if all, longest := steps(t, set.Train); all != want || longest > MaxSteps {
			t.Errorf("%s: %d steps, want %d; %d in an item", name, all, want, longest)
		}
	}
}

// small is a file of two pieces.
const small = `{"train": [[[60, 64], [], [60]], [[21, 108]]], "test": [[[60]]]}`

// open opens the file of that content.
func open(t *testing.T, content string, opt data.Options) (*data.Set, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pieces.json")
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	return registry().Open(context.Background(), path, opt)
}

func TestErrors(t *testing.T) {
	for content, want := range map[string]string{
		`{"train": [[[60, 20]]]}`:                        "train: piece 1: step 1: note 20: want the keys of a piano, 21 to 108",
		`{"train": [[]]}`:                                "train: piece 1 has no steps",
		`{"train": [], "test": [[[60]]]}`:                "no piece in the part train",
		`{"train": [[[60]]], "dev": [[[60]]]}`:           `a part "dev": want train, valid or test`,
		`{"train": [[60]]}`:                              "a step a list of MIDI notes",
		`{"train": [[[60.5]]]}`:                          "a step a list of MIDI notes",
		`{"train": [[[60]]]`:                             "unexpected end",
		`{"train": [[[99999999999999999999999999999]]]}`: "a step a list of MIDI notes",
	} {
		if _, err := open(t, content, data.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", content, err, want)
		}
	}
	for _, content := range []string{`{"images": 3}`, `[1, 2]`, ``} {
		if _, err := open(t, content, data.Options{}); err == nil || strings.Contains(err.Error(), "pianoroll") {
			t.Errorf("%q was taken: %v", content, err)
		}
	}
	set, err := open(t, `{"train": [[[60]], [[61]], [[62]], [[63]]]}`, data.Options{TestFraction: 0.5})
	if err != nil || set.Train.Len()+set.Test.Len() != 4 || set.Test.Len() == 0 {
		t.Errorf("without a test part: %v, %v", set, err)
	}
	if set, err := open(t, small, data.Options{Whole: true}); err != nil || set.Train.Len() != 3 || set.Test.Len() != 0 {
		t.Errorf("whole: %v, %v", set, err)
	}
}

// A piece that is written as a MIDI file and read again is the same.
func TestMIDI(t *testing.T) {
	set, err := registry().Open(context.Background(), realdata.Path(t, "jsb/jsb-chorales-quarter.json.gz"), data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	item := set.Item()
	m := item.Medium.(Medium)
	x, err := data.AllFloats(context.Background(), set.Test.Items)
	if err != nil {
		t.Fatal(err)
	}
	size := item.Size()
	for i := range set.Test.Len() {
		values := slices.Clone(x[i*size : (i+1)*size])
		file, err := m.Encode(item, values)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Decode(item, file)
		if err != nil {
			t.Fatal(err)
		}
		// Steps of silence at the end are not in a MIDI file's notes.
		for s := length(got); s < length(values); s++ {
			if slices.Max(values[s*(Keys+1):s*(Keys+1)+Keys]) > 0 {
				t.Fatalf("piece %d: step %d is lost", i, s)
			}
			values[s*(Keys+1)+Keys] = 0
		}
		if !slices.Equal(got, values) {
			t.Fatalf("piece %d differs after a MIDI file", i)
		}
	}
	joined, err := m.Join(item, x[:2*size])
	if err != nil {
		t.Fatal(err)
	}
	f, err := midi.Decode(joined)
	if err != nil {
		t.Fatal(err)
	}
	first, second := length(x[:size]), length(x[size:2*size])
	if got, want := f.Tracks[0].End, int64((first+1+second)*f.Division.Ticks); got != want {
		t.Errorf("two pieces end at tick %d, want %d", got, want)
	}
	if _, err := (Medium{Steps: 8, Quarter: 1, Tempo: 1}).Decode(Item(8), joined); err == nil || !strings.Contains(err.Error(), "at most 8 steps") {
		t.Errorf("a long piece: %v", err)
	}
}

// The picture of a roll has time to the right, pitch up, and grey after the end.
func TestTile(t *testing.T) {
	set, err := open(t, small, data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	item := set.Item()
	if item.Shape[0] != 3 {
		t.Fatalf("items of %v", item)
	}
	x, err := data.AllFloats(context.Background(), set.Train.Items)
	if err != nil {
		t.Fatal(err)
	}
	pix, h, w, c, err := medium.Draw(item, x)
	if err != nil || h != 176 || w != 6 || c != 1 {
		t.Fatalf("%d×%d×%d, %v", h, w, c, err)
	}
	at := func(piece, key, step int) float32 { return pix[piece*h*w+(Keys-1-(key-Lowest))*2*w+step*2] }
	for _, p := range []struct {
		piece, key, step int
		want             float32
	}{{0, 60, 0, 1}, {0, 64, 0, 1}, {0, 62, 0, 0}, {0, 60, 1, 0}, {0, 60, 2, 1}, {1, 21, 0, 1}, {1, 108, 0, 1}, {1, 21, 1, ended}, {1, 60, 2, ended}} {
		if got := at(p.piece, p.key, p.step); got != p.want {
			t.Errorf("key %d of step %d of piece %d is %v, want %v", p.key, p.step, p.piece, got, p.want)
		}
	}
}

func TestCheck(t *testing.T) {
	good := Item(4)
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	if c, ok := medium.MaskChannel(good); c != 88 || !ok {
		t.Errorf("mask %d, %v", c, ok)
	}
	for want, change := range map[string]func(it *medium.Item, m *Medium){
		"want 1 to 512":  func(it *medium.Item, m *Medium) { m.Steps = 513; it.Shape[0] = 513 },
		"want 4 steps":   func(it *medium.Item, m *Medium) { it.Shape[1] = 88 },
		"want levels":    func(it *medium.Item, m *Medium) { it.Element = medium.Reals },
		"want 1 to 96":   func(it *medium.Item, m *Medium) { m.Quarter = 0 },
		"microseconds a": func(it *medium.Item, m *Medium) { m.Tempo = 1 << 24 },
	} {
		it := Item(4)
		m := it.Medium.(Medium)
		change(&it, &m)
		it.Medium = m
		if err := it.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// FuzzOpen opens bytes as a file, plain and compressed: it fails or gives a valid set.
func FuzzOpen(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte(`{"valid": [[[60]]], "train": [[[]]]}`))
	f.Add([]byte(`{"train": [[[60]]], "train": [[[61, 61]]]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		w.Write(b)
		w.Close()
		for _, content := range [][]byte{b, z.Bytes()} {
			path := filepath.Join(t.TempDir(), "pieces.json")
			if err := os.WriteFile(path, content, 0o666); err != nil {
				t.Fatal(err)
			}
			if set, err := Open(context.Background(), path, data.Options{}); err == nil {
				if err := set.Validate(); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

// FuzzDecode decodes bytes as a MIDI file: it fails or gives a piece that is written again.
func FuzzDecode(f *testing.F) {
	item := Item(16)
	m := item.Medium.(Medium)
	piece := make([]float32, item.Size())
	for s := range 3 {
		piece[s*(Keys+1)+40+s], piece[s*(Keys+1)+Keys] = 1, 1
	}
	file, err := m.Encode(item, piece)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Fuzz(func(t *testing.T, b []byte) {
		values, err := m.Decode(item, b)
		if err != nil {
			return
		}
		again, err := m.Encode(item, values)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := m.Decode(item, again); err != nil || !slices.Equal(got, values) {
			t.Errorf("written and read again it differs: %v", err)
		}
	})
}

// TestShift checks that a piece is transposed as far as all notes stay on the piano, and that its
// end stays where it is.
func TestShift(t *testing.T) {
	item := Item(3)
	m := item.Medium.(Medium)
	at := func(keys ...int) []float32 {
		x := make([]float32, item.Size())
		for step, key := range keys {
			x[step*(Keys+1)+key], x[step*(Keys+1)+Keys] = 1, 1
		}
		return x
	}
	for _, c := range []struct {
		rows       int
		from, want []float32
	}{
		{-3, at(40, 10), at(43, 13)}, {3, at(40, 10), at(37, 7)}, {12, at(40, 5), at(35, 0)}, {-12, at(85, 5), at(87, 7)}, {5, at(), at()},
	} {
		if m.Shift(item, c.from, c.rows, 1); !slices.Equal(c.from, c.want) {
			t.Errorf("%d rows: keys are not where they should be", c.rows)
		}
	}
}

// TestPlay checks that a piece is played up to its end.
func TestPlay(t *testing.T) {
	set, err := open(t, small, data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	item := set.Item()
	x, err := data.AllFloats(context.Background(), set.Train.Items)
	if err != nil {
		t.Fatal(err)
	}
	for i, steps := range []float64{3, 1} {
		file, kind, err := item.Medium.(medium.Audible).Play(item, x[i*item.Size():(i+1)*item.Size()])
		if err != nil || kind != "audio/wav" {
			t.Fatal(kind, err)
		}
		c, err := audio.Decode(bytes.NewReader(file), 10)
		if err != nil || len(c.Samples) != int((steps/2+synth.Tail)*synth.Rate) {
			t.Errorf("piece %d: %d samples, want those of %v steps of half a second (%v)", i, len(c.Samples), steps, err)
		}
		if first := c.Samples[:synth.Rate/4]; slices.Max(first) < 0.1 {
			t.Errorf("piece %d begins with silence", i)
		}
	}
}
