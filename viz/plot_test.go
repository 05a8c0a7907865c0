package viz

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// The first values of a training do not squeeze the rest, and what is left out is said.
// A chart of few points, or one that moves later too, is whole.
func TestPlotSettles(t *testing.T) {
	falling := []float64{500, 200, 110, 108, 106, 105, 104, 103, 102, 101, 100, 100}
	for name, tt := range map[string]struct {
		series []Series
		note   string
	}{
		"falling":   {[]Series{{Name: "a", Y: falling}}, "2 points at the start above the axis, up to 500.0"},
		"rising":    {[]Series{{Name: "a", Y: []float64{-90, 0, 1, 2, 1, 2, 1, 2, 1, 2, 1}}}, "1 point at the start below the axis, down to −90.00"},
		"both":      {[]Series{{Name: "a", Y: falling}, {Name: "b", Y: append([]float64{-300}, falling[1:]...)}}, "4 points at the start outside the axis, from −300.0 to 500.0"},
		"few":       {[]Series{{Name: "a", Y: falling[:5]}}, ""},
		"gentle":    {[]Series{{Name: "a", Y: falling[3:]}}, ""},
		"late peak": {[]Series{{Name: "a", Y: append(falling[:9:9], 400)}}, ""},
	} {
		for _, log := range []bool{false, true} {
			g := Panel{CurveOptions{LogY: log}, tt.series}.plot()
			want := tt.note
			if log {
				want = ""
			}
			if g.note != want {
				t.Errorf("%s: note %q, want %q", name, g.note, want)
			}
			for _, c := range g.curves {
				for _, run := range c.runs {
					for _, q := range run {
						if !(q.y >= g.yr.lo && q.y <= g.yr.hi) {
							t.Errorf("%s: a curve is drawn at %v, outside %v", name, q, g.yr)
						}
					}
				}
			}
		}
	}
	g := Panel{Series: []Series{{Y: falling}}}.plot()
	if run := g.curves[0].runs[0]; len(g.curves[0].runs) != 1 || len(run) != 11 || run[0].y != 116 || math.Abs(run[0].x-(2+84.0/90)) > 1e-9 {
		t.Errorf("the curve enters the axis at %v, want (2.93, 116)", g.curves[0].runs)
	}
}

// Axes of counts have whole numbers.
func TestPlotOfCounts(t *testing.T) {
	for _, tt := range []struct {
		y    []float64
		want string
		last string
	}{
		{[]float64{2, 2, 2}, "[1 2 3]", "2"},
		{[]float64{0, 0}, "[0 1]", "0"},
		{[]float64{0, 1, 2, 3}, "[0 1 2 3]", "3"},
		{[]float64{12, 64, 48}, "[20 40 60]", "48"},
		{[]float64{0.5, 1}, "[0.6 0.8 1.0]", "1.000"},
	} {
		g := Panel{Series: []Series{{Y: tt.y}}}.plot()
		var labels []string
		for _, k := range g.yTicks(4) {
			labels = append(labels, k.text)
		}
		if fmt.Sprint(labels) != tt.want || g.curves[0].last != tt.last {
			t.Errorf("%v: ticks %v and last %q, want %s and %q", tt.y, labels, g.curves[0].last, tt.want, tt.last)
		}
	}
}

// A chart of many points stays small, keeps its peaks, and its table says what it leaves
// out; the points of a curve of few are all there.
func TestChartOfManyPoints(t *testing.T) {
	y := make([]float64, 20_000)
	for i := range y {
		y[i] = math.Sin(float64(i) / 3000)
	}
	y[12_345] = 5
	c := must(newChart(Panel{CurveOptions{Title: "loss", XLabel: "step"}, []Series{
		{Name: "train", Y: y}, {Name: "test", X: []float64{7000, 14_000, 20_000}, Y: []float64{1, 2, 3}},
	}}))
	if len(c.SVG) > 60_000 {
		t.Errorf("%d bytes", len(c.SVG))
	}
	if peak := fmt.Sprintf(" %.1fL", chartTop+(chartHeight-chartTop-chartBottom)*0.05/1.1); !strings.Contains(string(c.SVG), peak) {
		t.Errorf("the peak, at%s, is not drawn", peak)
	}
	if n := len(c.Table.Rows); n > maxRows+3 || !strings.Contains(c.Table.Title, "of 20,000 points") {
		t.Errorf("%d rows, %q", n, c.Table.Title)
	}
	tests := 0
	for _, row := range c.Table.Rows {
		if row[2] != "" {
			tests++
		}
	}
	if tests != 3 {
		t.Errorf("%d of the 3 test values are in the table", tests)
	}
	if l := c.Legend[1]; l.Name != "test" || l.Last != "3.000" {
		t.Errorf("the second curve is %s, %s", l.Name, l.Last)
	}
}
