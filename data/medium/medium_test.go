package medium

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/tensor"
)

// signal is a toy medium with a setting: T numbers, drawn as T columns of 2 rows.
type signal struct {
	Rate int `json:"rate,omitempty"`
}

func (signal) Name() string                                    { return "signal" }
func (signal) Check(Item) error                                { return nil }
func (signal) TileSize(it Item) (h, w, c int)                  { return 2, it.Shape[0], 1 }
func (signal) Format(Item) Format                              { return Format{Extension: ".txt"} }
func (signal) Encode(_ Item, values []float32) ([]byte, error) { return json.Marshal(values) }
func (signal) Decode(_ Item, b []byte) (values []float32, e error) {
	e = json.Unmarshal(b, &values)
	return
}
func (signal) Tile(_ Item, values, dst []float32) {
	copy(dst, values)
	copy(dst[len(values):], values)
}

func item(n int) Item { return Item{Medium: signal{8000}, Shape: tensor.Shape{n, 1}, Element: Reals} }

func TestItem(t *testing.T) {
	it := item(3)
	if it.Size() != 3 || it.String() != "3x1" || !slices.Equal(it.Batch(5), []int{5, 3, 1}) || (Item{}).Size() != 0 || it.Check() != nil {
		t.Errorf("%v of %d, batch %v", it, it.Size(), it.Batch(5))
	}
	other := item(3)
	other.Medium = signal{44100}
	if !it.Equal(other) || it.Equal(item(4)) || it.Equal(Item{Shape: it.Shape, Element: Reals}) {
		t.Error("items are compared wrongly")
	}
	if _, _, _, err := HWC(it); err == nil || !strings.Contains(err.Error(), "signal medium with shape 3x1: want three axes") {
		t.Error(err)
	}
	if h, w, c, err := HWC(Item{Shape: tensor.Shape{4, 5, 6}}); h != 4 || w != 5 || c != 6 || err != nil {
		t.Errorf("%d %d %d %v", h, w, c, err)
	}
	for want, bad := range map[string]Item{
		"without a shape":    {},
		"axes of 1 or more":  {Shape: tensor.Shape{0}},
		"vocabulary of 0":    {Shape: tensor.Shape{1}, Element: Tokens},
		"vocabulary of 3":    {Shape: tensor.Shape{1}, Vocabulary: 3},
		"want levels, reals": {Shape: tensor.Shape{1}, Element: 9},
		"at most 268435456":  {Shape: tensor.Shape{1 << 20, 1 << 9}},
	} {
		if err := bad.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// A terminated medium has sequences that end early.
type terminated struct{ signal }

func (terminated) End(Item) int { return 3 }

func TestEnd(t *testing.T) {
	it := Item{Medium: terminated{}, Shape: tensor.Shape{5}, Element: Tokens, Vocabulary: 4}
	if id, ok := End(it); id != 3 || !ok {
		t.Errorf("ends with %d, %v", id, ok)
	}
	if _, ok := End(item(3)); ok {
		t.Error("numbers end early")
	}
	it.Element, it.Vocabulary = Reals, 0
	if _, ok := End(it); ok {
		t.Error("numbers of a medium of tokens end early")
	}
}

func TestDrawAndEncode(t *testing.T) {
	pix, h, w, c, err := Draw(item(2), []float32{1, 2, 3, 4})
	if err != nil || h != 2 || w != 2 || c != 1 || !slices.Equal(pix, []float32{1, 2, 1, 2, 3, 4, 3, 4}) {
		t.Errorf("%v of %dx%dx%d, %v", pix, h, w, c, err)
	}
	files, err := Encode(item(2), []float32{1, 2, 3, 4})
	if err != nil || len(files) != 2 || string(files[1]) != "[3,4]" {
		t.Errorf("%s, %v", files, err)
	}
	for _, bad := range []Item{item(3), {Shape: tensor.Shape{2}}, {}} {
		if _, _, _, _, err := Draw(bad, make([]float32, 4)); err == nil {
			t.Errorf("%v was drawn", bad)
		}
	}
}

// TestSaved checks that an item is opened as it was saved, with the settings of its medium.
func TestSaved(t *testing.T) {
	var r Registry
	r.Register(KindOf[signal]("signal"))
	s, err := Save(item(7))
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(s)
	if want := `{"medium":"signal","shape":[7,1],"element":"reals","settings":{"rate":8000}}`; err != nil || string(b) != want {
		t.Fatalf("%s, %v; want %s", b, err, want)
	}
	var back Saved
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	it, err := r.Open(back)
	if err != nil || !it.Equal(item(7)) || it.Medium != (signal{8000}) || !back.SameShape(s) || back.String() != "7x1" || back.Size() != 7 {
		t.Errorf("%+v, %v", it, err)
	}
	for want, bad := range map[string]Saved{
		`no medium "sound"; have signal`: {Medium: "sound", Shape: []int{1}},
		"unknown field":                  {Medium: "signal", Shape: []int{1}, Settings: json.RawMessage(`{"speed":1}`)},
		"axes of 1 or more":              {Medium: "signal", Shape: []int{-1}},
	} {
		if _, err := r.Open(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a name was registered twice")
		}
	}()
	r.Register(KindOf[signal]("signal"))
}
