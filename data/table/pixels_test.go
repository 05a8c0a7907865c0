package table

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
)

// TestPixels checks that rows of pixels are images where their names or an option say so.
func TestPixels(t *testing.T) {
	body := func(names string, step int) string {
		var b strings.Builder
		fmt.Fprintf(&b, "label,%s\n", names)
		for i := range 6 {
			fmt.Fprintf(&b, "%d,%d,0,128,255\n", i%2, i*step)
		}
		return b.String()
	}
	for _, tt := range []struct {
		name, file string
		read       data.Reading
		shape      string
		first      []uint8 // levels of row 1; nil: a table
		note       string
	}{
		{"by name", body("pixel0,pixel1,pixel2,pixel3", 20), data.Reading{}, "2x2x1", []uint8{20, 0, 128, 255}, "are read as images of 2x2"},
		{"by row and column", body("1x1,1x2,2x1,2x2", 20), data.Reading{}, "2x2x1", []uint8{20, 0, 128, 255}, "as their names say"},
		{"a table all the same", body("pixel0,pixel1,pixel2,pixel3", 20), data.Reading{As: data.AsTable}, "4", nil, "column pixel0: 0 to "},
		{"other names", body("a,b,c,d", 20), data.Reading{}, "4", nil, ""},
		{"a shape", body("a,b,c,d", 20), data.Reading{Pixels: "4x1x1"}, "4x1x1", []uint8{20, 0, 128, 255}, "pixels 0 to 255"},
		{"square", body("a,b,c,d", 20), data.Reading{As: data.AsImages}, "2x2x1", []uint8{20, 0, 128, 255}, ""},
		{"a range", body("a,b,c,d", 100), data.Reading{As: data.AsImages, Range: "0:510"}, "2x2x1", []uint8{50, 0, 64, 128}, ""},
	} {
		set, err := read(t.Context(), inMemory([]byte(tt.file)), "x", data.Options{Whole: true, Reading: tt.read})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if err := set.Validate(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if set.Item().String() != tt.shape || !slices.Equal(set.Classes, []string{"0", "1"}) || set.Train.Origin(1).Line != 3 {
			t.Errorf("%s: %v of classes %q, row 1 from %v", tt.name, set.Item(), set.Classes, set.Train.Origin(1))
		}
		if tt.first != nil {
			if got := set.Train.Items.(*data.InMemory).Slice(1); !slices.Equal(got, tt.first) {
				t.Errorf("%s: row 1 is %v, want %v", tt.name, got, tt.first)
			}
		}
		if !slices.ContainsFunc(set.Notes, func(n data.Note) bool { return strings.Contains(n.Text, tt.note) }) {
			t.Errorf("%s: %v, want a note %q", tt.name, set.Notes, tt.note)
		}
	}
	for _, tt := range []struct {
		name string
		read data.Reading
		says string
	}{
		{"too few", data.Reading{Pixels: "28x28x1"}, "Pixels 28x28x1 has 784 numbers, and the table 4 columns beside the label"},
		{"no square", data.Reading{As: data.AsImages, Drop: []string{"d"}}, "rows of 3 numbers are no square images"},
		{"another scale", data.Reading{Pixels: "2x2x1"}, "the table has numbers from 0 to 500"},
	} {
		_, err := read(t.Context(), inMemory([]byte(body("a,b,c,d", 100))), "x", data.Options{Reading: tt.read})
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.says)
		}
	}
}
