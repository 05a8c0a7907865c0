package data

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// counting returns an array as its different numbers, in order, with how often each is there.
func counting(p Pixels, values []float64) Pixels {
	var used []float64
	count, first := map[float64]int{}, map[float64]int{}
	for i, v := range values {
		if count[v]++; count[v] == 1 {
			used, first[v] = append(used, v), i
		}
	}
	place := p.Place
	p.Len = len(used)
	p.At = func(i int) float64 { return used[i] }
	p.Count = func(i int) int { return count[used[i]] }
	p.Place = func(i int) string { return place(first[used[i]]) }
	return p
}

// TestFindScale checks which scale the numbers of images are found to have, and what is
// said of them.
func TestFindScale(t *testing.T) {
	ramp := func(lo, hi float64, odd ...float64) []float64 { // 2,000 numbers, then the odd ones
		v := make([]float64, 2000)
		for i := range v {
			v[i] = lo + (hi-lo)*float64(i)/1999
		}
		return append(v, odd...)
	}
	whole := func(hi int, odd ...float64) []float64 {
		v := ramp(0, float64(hi))
		for i := range v {
			v[i] = math.Round(v[i])
		}
		return append(v, odd...)
	}
	for _, tt := range []struct {
		name  string
		parts [][]float64
		rng   string
		scale Scale
		says  string // of a note, or if the scale is none of the error
		warns bool
	}{
		{"0 to 1", [][]float64{ramp(0, 1)}, "", unit, "a: pixels 0 to 1 of 1, rounded to 256 levels", false},
		{"levels", [][]float64{whole(255)}, "", levels, "a: pixels 0 to 255 of 255", false},
		{"levels as fractions", [][]float64{ramp(0, 255)}, "", levels, "rounded to 256 levels", false},
		{"black and white", [][]float64{whole(1)}, "", unit, "a: pixels 0 to 1 of 1", false},
		{"sparse levels", [][]float64{append(make([]float64, 9000), 255, 200, 1, 255)}, "", levels, "pixels 0 to 255", false},
		{"-1 to 1", [][]float64{ramp(-1, 1)}, "", signed, "pixels -1 to 1 of -1 to 1", false},
		{"16 bits", [][]float64{whole(65535)}, "", words16, "pixels 0 to 65535 of 65535", false},
		{"zeros", [][]float64{make([]float64, 50)}, "", levels, "all alike", true},
		{"a hair above", [][]float64{ramp(0, 1, 1.0000001)}, "", unit, "1 number outside 0 to 1, such as a[2000], which is 1.0000001", true},
		{"a hair below", [][]float64{ramp(0, 1, -1e-6)}, "", unit, "such as a[2000], which is -1e-06", true},
		{"few levels", [][]float64{ramp(0, 0.01)}, "", unit, "only 4 of 256 levels, 0 to 3; if these are black to white, say Range 0:0.01", true},
		{"few whole levels", [][]float64{whole(16)}, "", levels, "pixels 0 to 16 of 255: only 17 of 256 levels", true},
		{"few levels, said", [][]float64{whole(16)}, "0:16", Scale{0, 16}, "a: pixels 0 to 16 of 16", false},
		{"outside what is said", [][]float64{whole(20)}, "0:16", Scale{0, 16}, "numbers outside 0 to 16, such as a[1950], which is 20", true},
		{"an odd pixel", [][]float64{ramp(0, 1, 200)}, "", noScale, "a[2000] is 200, where all but 1 of 2,001 numbers are 0 to 1", false},
		{"an odd whole pixel", [][]float64{whole(1, 2)}, "", noScale, "a[2000] is 2, where all but 1", false},
		{"an odd pixel of levels", [][]float64{whole(255, 70000)}, "", noScale, "a[2000] is 70000, where all but 1 of 2,001 numbers are 0 to 255", false},
		{"an odd negative pixel", [][]float64{ramp(0, 1, -5)}, "", noScale, "a[2000] is -5, where all but 1", false},
		{"standardised", [][]float64{ramp(-0.7, 3.2)}, "", noScale, "a has numbers from -0.7 to 3.2, which is none of the scales of pixels, 0 to 1, 0 to 255 and -1 to 1: say which numbers are black and white, as Range -0.7:3.2", false},
		{"12 bits", [][]float64{whole(4095)}, "", noScale, "as Range 0:4095", false},
		{"two scales", [][]float64{ramp(0, 1), whole(255)}, "", noScale, "a has pixels from 0 to 1, but b from 0 to 255: these are two scales", false},
		{"two scales and zeros", [][]float64{make([]float64, 9), whole(255), ramp(0, 1)}, "", noScale, "b has pixels from 0 to 255, but c from 0 to 1", false},
		{"not finite", [][]float64{ramp(0, 1, math.NaN())}, "", noScale, "a[2000] is NaN", false},
	} {
		var parts []Pixels
		for k, v := range tt.parts {
			name := string(rune('a' + k))
			parts = append(parts, Pixels{Name: name, Len: len(v), At: func(i int) float64 { return v[i] }, Place: func(i int) string { return fmt.Sprintf("%s[%d]", name, i) }})
		}
		s, notes, err := FindScale(parts, Options{Reading: Reading{Range: tt.rng}})
		counted := make([]Pixels, len(parts))
		for k, v := range tt.parts {
			counted[k] = counting(parts[k], v)
		}
		c, n, e := FindScale(counted, Options{Reading: Reading{Range: tt.rng}})
		same := func(a, b Note) bool { return a.Text == b.Text && a.Warning == b.Warning }
		if finite := tt.name != "not finite"; finite && (c != s || !slices.EqualFunc(n, notes, same) || fmt.Sprint(e) != fmt.Sprint(err)) {
			t.Errorf("%s: counted, the scale is %v with notes %v (%v), not %v with %v (%v)", tt.name, c, n, e, s, notes, err)
		}
		if tt.scale == noScale {
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s: %v, want %q", tt.name, err, tt.says)
			}
			continue
		}
		if err != nil || s != tt.scale {
			t.Errorf("%s: scale %v, want %v (%v)", tt.name, s, tt.scale, err)
		}
		if !slices.ContainsFunc(notes, func(n Note) bool { return n.Warning == tt.warns && strings.Contains(n.Text, tt.says) }) {
			t.Errorf("%s: notes %v, want %q", tt.name, notes, tt.says)
		}
	}
	for v, want := range map[float64]uint8{-2: 0, -1: 0, 0: 128, 0.5: 191, 1: 255, 7: 255} {
		if got := signed.Level(v); got != want {
			t.Errorf("level of %v: %d, want %d", v, got, want)
		}
	}
}

// TestReading checks the options that say how data are read.
func TestReading(t *testing.T) {
	for _, tt := range []struct {
		r    Reading
		says string // "" = right
	}{
		{Reading{}, ""},
		{Reading{Header: "yes", Fill: "median", Scale: "robust", As: "images", Pixels: "28x28", Range: "-1:1"}, ""},
		{Reading{Header: "maybe"}, `Header "maybe": want yes or no`},
		{Reading{Fill: "0"}, `Fill "0": want mean or median or drop`},
		{Reading{Scale: "z"}, `Scale "z": want minmax or robust`},
		{Reading{Pixels: "28"}, `Pixels "28": want rows, columns and channels, as 28x28x1`},
		{Reading{Pixels: "0x28x1"}, `Pixels "0x28x1"`},
		{Reading{Pixels: "4x4", As: "table"}, "want one of them"},
		{Reading{Range: "1:0"}, `Range "1:0": want the numbers of black and of white, the lower first`},
		{Reading{Range: "0:inf"}, `Range "0:inf"`},
	} {
		if err := tt.r.Validate(); (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%+v: %v, want %q", tt.r, err, tt.says)
		}
	}
}
