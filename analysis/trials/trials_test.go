package trials

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/rng"
)

// The interval is that of tables of Student's t: 12.706 and 2.776 for 1 and 4 degrees of
// freedom.
func TestSummarise(t *testing.T) {
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-3 }
	if s := Summarise([]float64{1, 3}); s.Mean != 2 || !near(s.SD, math.Sqrt2) || !near(s.Half, 12.706) {
		t.Errorf("%+v, want 2, √2 and 12.706", s)
	}
	if s := Summarise([]float64{2, 4, 4, 5, 10}); s.Mean != 5 || !near(s.SD, 3) || !near(s.Half, 2.7764*3/math.Sqrt(5)) {
		t.Errorf("%+v, want 5, 3 and 3.725", s)
	}
	if s := Summarise([]float64{7}); s.N != 1 || s.Mean != 7 || !math.IsNaN(s.SD) || !math.IsNaN(s.Half) {
		t.Errorf("%+v of one value, want NaN for what two are needed for", s)
	}
	if s := Summarise(nil); s.N != 0 || !math.IsNaN(s.Mean) {
		t.Errorf("%+v of none", s)
	}
}

func TestParseDimension(t *testing.T) {
	for text, want := range map[string]string{
		"latent=2,8,32":         "{latent [2 8 32] 0 0 false false 0}",
		"--loss=bce":            "{loss [bce] 0 0 false false 0}",
		"lr=1e-4..1e-2:log":     "{lr [] 0.0001 0.01 true false 0}",
		"lr=1e-4..1e-2:log:5":   "{lr [] 0.0001 0.01 true false 5}",
		"latent=2..64":          "{latent [] 2 64 false false 0}",
		"beta=-1..1":            "{beta [] -1 1 false false 0}",
		"latent":                "want OPTION=VALUES",
		"=3":                    "want OPTION=VALUES",
		"latent=":               "want OPTION=VALUES",
		"latent=2,,3":           "a value is empty",
		"lr=2..1":               "the lower first",
		"lr=a..1":               "want two numbers",
		"lr=0..1:log":           "logarithm of 0",
		"lr=1..2:lin":           "want log, or a number of points",
		"lr=1..2:1":             "from 2 to 10000",
		"lr=1e308..-1e308":      "the lower first",
		"lr=-1.7e308..1.7e308":  "want two numbers",
		"lr=NaN..1":             "want two numbers",
		"hidden=512,256;1024,5": "{hidden [512 256;1024 5] 0 0 false false 0}",
	} {
		d, err := ParseDimension(text)
		got := fmt.Sprint(d)
		if err != nil {
			got = err.Error()
		}
		if got != want && !(err != nil && strings.Contains(got, want)) {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestGrid(t *testing.T) {
	var dims []Dimension
	for _, text := range []string{"latent=2,8", "lr=1e-4..1e-2:log:3", "k=1..3:9"} {
		d, err := ParseDimension(text)
		if err != nil {
			t.Fatal(err)
		}
		d.Whole = d.Name == "k"
		dims = append(dims, d)
	}
	got, err := Grid(dims)
	if err != nil || len(got) != 2*3*3 {
		t.Fatalf("%d points, %v: want 18", len(got), err)
	}
	if first, last := strings.Join(got[0], " "), strings.Join(got[17], " "); first != "2 0.0001 1" || last != "8 0.01 3" || strings.Join(got[4], " ") != "2 0.001 2" {
		t.Errorf("from %s by %v to %s", first, got[4], last)
	}
	dims[1].Points = 0
	if _, err := Grid(dims); err == nil || !strings.Contains(err.Error(), "lr=0.0001..0.01:5") {
		t.Errorf("a range without points: %v", err)
	}
	if _, err := Grid([]Dimension{{Name: "a", Lo: 0, Hi: 1, Points: 101}, {Name: "b", Lo: 0, Hi: 1, Points: 100}}); err == nil {
		t.Error("a grid of 10,100 points")
	}
}

// Draws stay in their range, are even in it or in its logarithm, and those of a shorter
// search are the first of a longer one.
func TestRandom(t *testing.T) {
	dims := []Dimension{{Name: "a", Values: []string{"x", "y", "z"}}, {Name: "lr", Lo: 1e-4, Hi: 1e-2, Log: true}, {Name: "n", Lo: 2, Hi: 5, Whole: true}, {Name: "u", Lo: -1, Hi: 3}}
	all := Random(dims, 4000, rng.New(7))
	count := map[string]int{}
	low, mean := 0, 0.0
	for _, p := range all {
		count["a"+p[0]]++
		count["n"+p[2]]++
		lr, err := strconv.ParseFloat(p[1], 64)
		u, errU := strconv.ParseFloat(p[3], 64)
		if err != nil || errU != nil || lr < 1e-4 || lr > 1e-2 || u < -1 || u > 3 {
			t.Fatalf("a point outside the ranges: %v", p)
		}
		if lr < 1e-3 {
			low++
		}
		mean += u / 4000
	}
	// A share of p has a standard deviation of √(p(1−p)/4000), below 0.008.
	for key, share := range map[string]float64{"ax": 1. / 3, "ay": 1. / 3, "az": 1. / 3, "n2": 0.25, "n3": 0.25, "n4": 0.25, "n5": 0.25} {
		if got := float64(count[key]) / 4000; !(math.Abs(got-share) < 0.032) {
			t.Errorf("%s has a share of %v, want %v", key, got, share)
		}
	}
	if got := float64(low) / 4000; !(math.Abs(got-0.5) < 0.032) || !(math.Abs(mean-1) < 0.08) {
		t.Errorf("half of the rates are below the middle of the logarithm: %v; the mean of u is %v, want 1", got, mean)
	}
	for i, p := range Random(dims, 10, rng.New(7)) {
		if !slices.Equal(p, all[i]) {
			t.Errorf("point %d is %v in a search of 10 and %v in one of 4000", i, p, all[i])
		}
	}
}
