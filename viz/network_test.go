package viz

import (
	"slices"
	"strings"
	"testing"
)

var encoderLayers = []NetLayer{
	{Name: "input", Kind: "InputLayer", In: "(None, 28, 28, 1)", Out: "(None, 28, 28, 1)"},
	{Name: "conv", Kind: "Conv2D", In: "(None, 28, 28, 1)", Out: "(None, 14, 14, 32)", Params: 320, Inputs: []string{"input"}},
	{Name: "dense", Kind: "Dense", In: "(None, 6272)", Out: "(None, 16)", Params: 100368, Inputs: []string{"conv"}},
	{Name: "z_mean", Kind: "Dense", Out: "(None, 2)", Inputs: []string{"dense"}},
	{Name: "z_log_var", Kind: "Dense", Out: "(None, 2)", Inputs: []string{"dense"}},
	{Name: "z", Kind: "Sampling", Out: "(None, 2)", Inputs: []string{"z_mean", "z_log_var"}},
	{Name: "loss", Kind: "Loss", Inputs: []string{"z", "input"}},
}

func TestRowsFollowTheInputs(t *testing.T) {
	rows, _, err := findRows(encoderLayers)
	if err != nil {
		t.Fatal(err)
	}
	if want := []int{0, 1, 2, 3, 3, 4, 5}; !slices.Equal(rows, want) {
		t.Errorf("rows %v, want %v", rows, want)
	}
	back := slices.Clone(encoderLayers) // the order given must not matter
	slices.Reverse(back)
	rows, _, err = findRows(back)
	if want := []int{5, 4, 3, 3, 2, 1, 0}; err != nil || !slices.Equal(rows, want) {
		t.Errorf("reversed: rows %v, %v, want %v", rows, err, want)
	}
}

func TestBoxesDoNotOverlap(t *testing.T) {
	d, err := newDiagram(encoderLayers, "encoder")
	if err != nil {
		t.Fatal(err)
	}
	for r, row := range d.g.rows {
		for i, id := range row {
			v := d.g.v[id]
			if left, right := d.x0+v.x-v.w/2, d.x0+v.x+v.w/2; left < netPad-1 || right > d.w-netPad+1 {
				t.Errorf("row %d: a box spans %.0f…%.0f of %.0f", r, left, right, d.w)
			}
			if i > 0 {
				u := d.g.v[row[i-1]]
				if gap := v.x - v.w/2 - (u.x + u.w/2); gap < netGap-1e-6 {
					t.Errorf("row %d: boxes %.1f apart, want %g", r, gap, netGap)
				}
			}
		}
	}
	// input → loss passes four rows, each at a place of its own.
	long := d.g.paths[len(d.g.paths)-1]
	if len(long) != 6 {
		t.Errorf("input → loss has %d vertices, want 6", len(long))
	}
	for _, id := range long[1:5] {
		if d.g.v[id].layer != -1 {
			t.Errorf("input → loss runs through the box of %s", encoderLayers[d.g.v[id].layer].Name)
		}
	}
	mean, logVar, z := d.g.v[3].x, d.g.v[4].x, d.g.v[5].x
	if !(mean < z && z < logVar) && !(logVar < z && z < mean) {
		t.Errorf("z at %.0f is not between z_mean at %.0f and z_log_var at %.0f", z, mean, logVar)
	}
}

// TestOrderUncrosses checks that two chains given crossed are drawn uncrossed.
func TestOrderUncrosses(t *testing.T) {
	g, _, err := layOut([]NetLayer{
		{Name: "a"}, {Name: "b"}, {Name: "B", Inputs: []string{"b"}}, {Name: "A", Inputs: []string{"a"}},
	}, []float64{50, 50, 50, 50}, 10)
	if err != nil {
		t.Fatal(err)
	}
	if (g.v[0].x < g.v[1].x) != (g.v[3].x < g.v[2].x) {
		t.Errorf("a %.0f, b %.0f over A %.0f, B %.0f: the arrows cross", g.v[0].x, g.v[1].x, g.v[3].x, g.v[2].x)
	}
}

func TestNetworkSVGSays(t *testing.T) {
	b, err := NetworkSVG(encoderLayers, "encoder")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Join(svgText(t, b), "|")
	for _, want := range []string{"encoder", "z_log_var", "Conv2D", "(None, 14, 14, 32)", "100,368 parameters"} {
		if !strings.Contains(words, want) {
			t.Errorf("the diagram does not say %q", want)
		}
	}
	img, err := Network(encoderLayers, "encoder")
	if err != nil {
		t.Fatal(err)
	}
	d, _ := newDiagram(encoderLayers, "encoder")
	v := d.g.v[1] // the border of conv is the colour of convolutions
	c := mix(paper, kindColor("Conv2D"), 0.75)
	x, y := int((d.x0+v.x-v.w/2)*Density), int((d.top(1)+netBox/2)*Density)
	if !near(img, x, y, 2, [3]uint8{c.R, c.G, c.B}) {
		t.Errorf("no border of conv at (%d, %d)", x, y)
	}
}

func TestLongChainIsDrawn(t *testing.T) {
	ls := []NetLayer{{Name: "0"}}
	for i := 1; i < 60; i++ {
		ls = append(ls, NetLayer{Name: number(float64(i), 0), Kind: "Dense", Inputs: []string{number(float64(i-1), 0)}})
	}
	if _, err := Network(ls, ""); err != nil {
		t.Error(err)
	}
}
