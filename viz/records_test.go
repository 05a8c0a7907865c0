package viz_test

import (
	"fmt"
	"image"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/viz"
)

// cities is a medium of records: two numbers and a word.
type cities struct{ columns int }

func (cities) Name() string                                  { return "cities" }
func (cities) Check(medium.Item) error                       { return nil }
func (c cities) TileSize(medium.Item) (h, w, ch int)         { return 1, c.columns, 1 }
func (cities) Tile(_ medium.Item, values, dst []float32)     { copy(dst, values) }
func (cities) Format(medium.Item) medium.Format              { return medium.Format{Extension: ".csv"} }
func (cities) Encode(medium.Item, []float32) ([]byte, error) { return nil, nil }
func (cities) Decode(medium.Item, []byte) ([]float32, error) { return nil, nil }
func (c cities) Header(medium.Item) (names []string) {
	for j := range c.columns {
		names = append(names, fmt.Sprintf("column %d", j))
	}
	return names
}

func (c cities) Cells(_ medium.Item, values []float32) (cells []any) {
	for j := range c.columns {
		if j == 2 {
			cells = append(cells, map[bool]string{false: "low", true: "high"}[values[2] > 0.5])
			continue
		}
		cells = append(cells, 1000*float64(values[j]))
	}
	return cells
}

func records(n, columns int) (medium.Item, []float32) {
	values := make([]float32, n*columns)
	for i := range values {
		values[i] = float32(i%(7+i%columns)) / 13
	}
	return medium.Item{Medium: cities{columns}, Shape: tensor.Shape{columns}, Element: medium.Reals}, values
}

// Records are drawn as lines of a table, 19 units each, with as many columns as fit, and a
// manifold of them as a map of each column.
func TestRecords(t *testing.T) {
	size := func(img image.Image, err error) string {
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(img.Bounds().Size().Div(viz.Density))
	}
	item, values := records(6, 3)
	wide, many := records(6, 40)
	long, all := records(400, 3)
	plane, grid := records(100, 3)
	for name, tt := range map[string]struct{ got, want string }{
		"grid":      {size(viz.Grid(item, values, 2, viz.GridOptions{})), "(289,162)"},
		"pairs":     {size(viz.Pairs(item, values[:6], values[6:12], viz.PairsOptions{Title: "t"})), "(372,154)"},
		"sheet":     {size(viz.Sheet(item, values, 3, 2, viz.SheetOptions{Rows: []string{"a", "b", "c"}, Cols: []string{"x", "y"}})), "(309,162)"},
		"wide":      {size(viz.Grid(wide, many, 2, viz.GridOptions{})), "(952,184)"},
		"long":      {size(viz.Grid(long, all, 2, viz.GridOptions{})), "(301,2540)"},
		"manifold":  {size(viz.Manifold(plane, grid, 10, -3, 3, viz.ManifoldOptions{})), "(954,282)"},
		"titles":    {size(viz.Grid(item, values, 2, viz.GridOptions{Titles: []string{"a"}})), "viz: grid: 1 titles for 6 images, want one each"},
		"count":     {size(viz.Sheet(item, values, 2, 2, viz.SheetOptions{})), "viz: sheet: 6 images, want 4 in 2 rows of 2"},
		"too few":   {size(viz.Manifold(item, values, 3, -3, 3, viz.ManifoldOptions{})), "viz: manifold: 6 records, want 9 for 3 a side"},
		"the range": {size(viz.Manifold(item, values, 3, 3, -3, viz.ManifoldOptions{})), "viz: manifold: from 3 to -3, want two finite values, the smaller first"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %s, want %s", name, tt.got, tt.want)
		}
	}
}

// The curve of an exploding first epoch is cut, with a word, and so it does not squeeze the
// others; counts have whole numbers on their axis.
func TestPanelsSay(t *testing.T) {
	text := func(y ...float64) string {
		svg, err := viz.PanelsSVG([]viz.Panel{{CurveOptions: viz.CurveOptions{YLabel: "nats"}, Series: []viz.Series{{Name: "a", Y: y}}}}, 1)
		if err != nil {
			t.Fatal(err)
		}
		return string(svg)
	}
	for _, tt := range []struct {
		svg       string
		has, lack []string
	}{
		{text(5000, 12, 11, 10, 9, 8, 7), []string{"nats; 1 point at the start above the axis, up to 5000", ">12<", "a  7<"}, []string{">4000<"}},
		{text(50, 40, 30, 20, 10, 5.5), []string{">nats<", ">50<"}, nil},
		{text(1e9, 2.5, 1), []string{">nats<"}, nil},
		{text(0, 1, 1, 2, 2), []string{">0<", ">1<", ">2<", "a  2<"}, []string{">0.5<", "2.000"}},
		{text(2), []string{">1<", ">2<", ">3<", "a  2<"}, []string{"2.0"}},
		{text(0), []string{">0<", ">1<"}, []string{">−1<", "0.0"}},
	} {
		for _, part := range tt.has {
			if !strings.Contains(tt.svg, part) {
				t.Errorf("%q is missing in %s", part, texts(tt.svg))
			}
		}
		for _, part := range tt.lack {
			if strings.Contains(tt.svg, part) {
				t.Errorf("%q stands in %s", part, texts(tt.svg))
			}
		}
	}
}

// texts returns the texts of an SVG document.
func texts(svg string) (all []string) {
	for _, part := range strings.Split(svg, "</text>") {
		if i := strings.LastIndex(part, ">"); i >= 0 {
			all = append(all, part[i+1:])
		}
	}
	return all
}
