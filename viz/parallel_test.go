package viz

import (
	"image"
	"math"
	"strings"
	"testing"
)

// A line crosses each axis at its value, the best line has the darkest colour, and a line
// without a value is left out.
func TestParallel(t *testing.T) {
	axes := []Axis{
		{Name: "latent", Words: []string{"2", "8", "2", "8"}},
		{Name: "lr", Numbers: []float64{1e-4, 1e-3, 1e-2, 1e-3}, Log: true},
		{Name: "test_loss", Numbers: []float64{160, 140, 150, math.NaN()}},
	}
	place, marks := axes[1].scale([]int{0, 1, 2})
	if place(0) != 0 || math.Abs(place(1)-0.5) > 1e-9 || place(2) != 1 || len(marks) < 3 {
		t.Errorf("rates lie at %v, %v and %v with %d marks, want 0, ½ and 1 with three or more", place(0), place(1), place(2), len(marks))
	}
	place, marks = axes[0].scale([]int{0, 1, 2})
	if place(0) != 0.25 || place(1) != 0.75 || place(2) != 0.25 || len(marks) != 2 || marks[1].text != "8" {
		t.Errorf("words lie at %v, %v and %v with marks %v", place(0), place(1), place(2), marks)
	}
	img, err := Parallel(axes, ParallelOptions{Title: "sweep"})
	if err != nil {
		t.Fatal(err)
	}
	// Midway between the first two axes the best line, 1, is at the mean of its two places; no other line is there.
	x := axisMargin + axisPitch/2
	y := axisTop + axisHeight*(1-(0.75+0.5)/2)
	dark := func(y float64) uint32 {
		r, g, b, _ := img.At(int(x*Density), int(y*Density)).RGBA()
		return (r + g + b) / 3 >> 8
	}
	if got := dark(y); got > 120 {
		t.Errorf("the best line has a brightness of %d, want it dark", got)
	}
	if got := dark(axisTop + axisHeight*(1-(0.25+0)/2)); got < 120 || got > 250 {
		t.Errorf("the worst line has a brightness of %d, want it pale", got)
	}
	up, err := Parallel(axes, ParallelOptions{Up: true})
	if err != nil {
		t.Fatal(err)
	}
	if same(img, up) {
		t.Error("the colours do not depend on the direction")
	}
	for what, bad := range map[string][]Axis{
		"2 to":       axes[:1],
		"as many":    {axes[0], {Name: "x", Numbers: []float64{1}}},
		"coloured":   {axes[1], axes[0]},
		"one kind":   {axes[0], {Name: "x", Numbers: []float64{1, 2, 3, 4}, Words: axes[0].Words}},
		"words and ": {axes[0], {Name: "x"}},
	} {
		if _, err := Parallel(bad, ParallelOptions{}); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%v, want an error with %q", err, what)
		}
	}
}

// same reports whether two pictures are equal.
func same(a, b image.Image) bool {
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			if a.At(x, y) != b.At(x, y) {
				return false
			}
		}
	}
	return true
}
