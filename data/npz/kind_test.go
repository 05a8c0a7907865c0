package npz

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/imago-ml/imago/data"
)

// TestLooksLikeImages checks by which evidence rows of numbers are images or a table.
func TestLooksLikeImages(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const n = 100
	rows := func(d int, at func(row []float32)) []float32 {
		v := make([]float32, n*d)
		for i := range n {
			at(v[i*d : (i+1)*d])
		}
		return v
	}
	blob := func(side int, top float64) func([]float32) {
		return func(row []float32) {
			y, x := float64(side)*(0.3+0.4*r.Float64()), float64(side)*(0.3+0.4*r.Float64())
			for i := range row {
				dy, dx := float64(i/side)-y, float64(i%side)-x
				row[i] = float32(math.Floor(top * math.Exp(-(dy*dy+dx*dx)*8/float64(side*side))))
			}
		}
	}
	noise := func(top float64) func([]float32) {
		return func(row []float32) {
			for i := range row {
				row[i] = float32(math.Floor(top * r.Float64()))
			}
		}
	}
	spectrum := func(row []float32) {
		at, width := float64(len(row))*r.Float64(), float64(len(row))/8
		for i := range row {
			x := (float64(i) - at) / width
			row[i] = float32(100*math.Exp(-x*x) + float64(i))
		}
	}
	bands := func(row []float32) { // four, of different brightness, of nine neighbours
		light := 60 * r.Float64()
		for i := range row {
			row[i] = float32(math.Floor([]float64{70, 110, 130, 90}[i%4] + light + 9*r.Float64()))
		}
	}
	for _, tt := range []struct {
		name   string
		d      int
		row    func([]float32)
		images bool
	}{
		{"digits of 8x8 in 16 levels", 64, blob(8, 16), true},
		{"pictures of 28x28", 784, blob(28, 255), true},
		{"scores from 1 to 10", 9, noise(10), false},
		{"one column", 1, noise(200), false},
		{"pen strokes", 16, noise(101), false},
		{"a picture too small to tell", 36, blob(6, 255), false},
		{"bands of a satellite", 36, bands, false},
		{"bands, more of them", 64, bands, false},
		{"columns of one kind", 100, noise(100), false},
		{"spectra", 100, spectrum, false},
		{"spectra, longer", 1024, spectrum, false},
		{"no square", 65, noise(255), false},
	} {
		parts := [2]arrays{{images: f32(t, rows(tt.d, tt.row), n, tt.d), imagesName: "X"}}
		table, notes := isTable(parts, data.Options{})
		if table == tt.images {
			t.Errorf("%s: a table: %v", tt.name, table)
		}
		if (len(notes) == 0) != (tt.d == 65) {
			t.Errorf("%s: notes %v", tt.name, notes)
		}
		for as, want := range map[string]bool{data.AsTable: true, data.AsImages: false} {
			if got, _ := isTable(parts, data.Options{Reading: data.Reading{As: as}}); got != want {
				t.Errorf("%s: a table though As is %s: %v", tt.name, as, got)
			}
		}
	}
}
