package pixels

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/imageio"
)

func TestBytes(t *testing.T) {
	nan := float32(math.NaN())
	if got, want := Bytes([]float32{-1, 0, 0.4 / 255, 0.6 / 255, 0.5, 1, 2, nan}), []uint8{0, 0, 0, 1, 128, 255, 255, 0}; !bytes.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCheck(t *testing.T) {
	for _, it := range []medium.Item{Item(28, 28, 1), Item(1, 1, 3), Item(5, 4, 64)} {
		if err := it.Check(); err != nil {
			t.Error(err)
		}
	}
	reals := Item(2, 2, 1)
	reals.Element = medium.Reals
	two := Item(2, 2, 1)
	two.Shape = tensor.Shape{2, 2}
	for want, it := range map[string]medium.Item{
		"1 to 64 channels":       Item(5, 4, 65),
		"axes of 1 or more":      Item(0, 0, 0),
		"want levels":            reals,
		"with shape 2x2: want":   two,
		"rows and columns of 1 ": Item(1<<17, 1, 1),
	} {
		if err := it.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", it, err, want)
		}
	}
}

// TestTile checks that images of 1 and 3 channels are drawn as they are, and the channels of
// others beside each other.
func TestTile(t *testing.T) {
	for _, tt := range []struct {
		h, w, c int
		want    string
		pix     []float32
	}{
		{1, 2, 1, "1 2 1", []float32{0, 1}},
		{1, 1, 3, "1 1 3", []float32{0, 1, 2}},
		{1, 2, 2, "1 4 1", []float32{0, 2, 1, 3}},
		{1, 1, 5, "2 3 1", []float32{0, 1, 2, 3, 4, 0}},
	} {
		it := Item(tt.h, tt.w, tt.c)
		values := make([]float32, it.Size())
		for i := range values {
			values[i] = float32(i)
		}
		pix, h, w, c, err := medium.Draw(it, append(values, values...))
		if err != nil || !slices.Equal([]int{h, w, c}, shapeOf(it)) || fmt.Sprint(h, w, c) != tt.want || !slices.Equal(pix, append(slices.Clone(tt.pix), tt.pix...)) {
			t.Errorf("%v: %v of %dx%dx%d, %v", it, pix, h, w, c, err)
		}
	}
}

func shapeOf(it medium.Item) []int {
	h, w, c := Medium{}.TileSize(it)
	return []int{h, w, c}
}

// TestFiles checks that a file that is encoded is decoded to the same levels.
func TestFiles(t *testing.T) {
	for _, c := range []int{1, 3, 2, 4} {
		it := Item(3, 5, c)
		values := make([]float32, 2*it.Size())
		for i := range values {
			values[i] = float32(i*7%256) / 255
		}
		files, err := medium.Encode(it, values)
		if err != nil {
			t.Fatal(err)
		}
		var got []float32
		for _, f := range files {
			v, err := it.Medium.Decode(it, f)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, v...)
		}
		if many := it.Medium.Format(it).Many; many != (c%2 == 0) || len(files) != map[bool]int{true: 1, false: 2}[many] || !slices.Equal(got, values) {
			t.Errorf("%d channels: %d files, %v", c, len(files), got)
		}
	}
	if _, err := (Medium{}).Encode(Item(1, 1, 1), []float32{0, 1}); err == nil {
		t.Error("two images were written to a PNG file")
	}
}

// TestDecodeFits checks that a picture is cropped to the proportions and resized.
func TestDecodeFits(t *testing.T) {
	m := imageio.New(4, 8, 3)
	for i := range m.Pix {
		m.Pix[i] = 51
	}
	var b bytes.Buffer
	if err := imageio.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	got, err := Medium{}.Decode(Item(2, 2, 1), b.Bytes())
	if err != nil || len(got) != 4 || got[0] != 0.2 {
		t.Errorf("%v, %v", got, err)
	}
	for want, bad := range map[string]medium.Item{"are read from NPY files": Item(2, 2, 2)} {
		if _, err := (Medium{}).Decode(bad, b.Bytes()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	array, err := Medium{}.Encode(Item(2, 2, 2), make([]float32, 8))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (Medium{}).Decode(Item(2, 3, 2), array); err == nil || !strings.Contains(err.Error(), "of shape 2x3x2") {
		t.Errorf("an array of another shape: %v", err)
	}
}

func TestMirrorLeftRight(t *testing.T) {
	x := []float32{1, 2, 3, 4, 5, 6}
	Medium{}.MirrorLeftRight(Item(1, 3, 2), x)
	if !slices.Equal(x, []float32{5, 6, 3, 4, 1, 2}) {
		t.Error(x)
	}
}

// What moves in has the values of the edge, also if the image moves by more than its size.
func TestShift(t *testing.T) {
	for _, tt := range []struct {
		rows, columns int
		want          []float32
	}{
		{0, 0, []float32{1, 2, 3, 4, 5, 6}},
		{1, 0, []float32{1, 2, 3, 1, 2, 3}},
		{0, 1, []float32{1, 1, 2, 4, 4, 5}},
		{-1, -2, []float32{6, 6, 6, 6, 6, 6}},
		{0, -9, []float32{3, 3, 3, 6, 6, 6}},
	} {
		x := []float32{1, 2, 3, 4, 5, 6}
		Medium{}.Shift(Item(2, 3, 1), x, tt.rows, tt.columns)
		if !slices.Equal(x, tt.want) {
			t.Errorf("by %d rows and %d columns: %v, want %v", tt.rows, tt.columns, x, tt.want)
		}
	}
	x := []float32{1, 2, 3, 4, 5, 6}
	Medium{}.Shift(Item(1, 3, 2), x, 0, 1)
	if !slices.Equal(x, []float32{1, 2, 1, 2, 3, 4}) {
		t.Errorf("of two channels: %v", x)
	}
}
