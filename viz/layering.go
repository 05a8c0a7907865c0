package viz

import (
	"fmt"
	"slices"
	"sort"
)

// A vertex of a layered drawing is a box, or a bend: a point in a row through which a
// long edge passes, so that it runs around the boxes between its ends.
type vertex struct {
	layer  int // index of the box, -1 for a bend
	row    int
	w      float64 // width in units
	x      float64 // middle
	up, dn []int   // neighbours in the row above and below
}

// A layering is a graph laid out in rows with edges that run downwards only, by the
// method of Sugiyama, Tagawa & Toda 1981: rows by longest path, order within a row by
// the mean position of the neighbours, then positions.
type layering struct {
	v     []vertex
	rows  [][]int // vertices from left to right
	paths [][]int // for each edge its vertices, top to bottom
}

// maxLayers bounds a diagram.
const maxLayers = 500

// findRows checks the names and returns the row of each layer: the length of the
// longest path to it from a layer without inputs.
func findRows(layers []NetLayer) (rows []int, index map[string]int, err error) {
	if len(layers) < 1 || len(layers) > maxLayers {
		return nil, nil, fmt.Errorf("viz: network: %d layers, want 1 to %d", len(layers), maxLayers)
	}
	index = make(map[string]int, len(layers))
	for i, l := range layers {
		if j, dup := index[l.Name]; dup {
			return nil, nil, fmt.Errorf("viz: network: layers %d and %d are both named %q, want names that differ", j, i, l.Name)
		}
		index[l.Name] = i
	}
	edges := 0
	for _, l := range layers {
		for _, in := range l.Inputs {
			if _, ok := index[in]; !ok {
				return nil, nil, fmt.Errorf("viz: network: layer %q takes %q, which is no layer of the diagram", l.Name, in)
			}
			edges++
		}
	}
	if edges > 4*maxLayers {
		return nil, nil, fmt.Errorf("viz: network: %d connections, want at most %d", edges, 4*maxLayers)
	}
	rows = make([]int, len(layers))
	// Without a cycle no way is longer than the number of layers.
	for pass := 0; ; pass++ {
		changed := false
		for i, l := range layers {
			for _, in := range l.Inputs {
				if r := rows[index[in]] + 1; r > rows[i] {
					rows[i], changed = r, true
				}
			}
		}
		if !changed {
			return rows, index, nil
		}
		if pass > len(layers) {
			return nil, nil, fmt.Errorf("viz: network: the inputs form a cycle, want a graph without one")
		}
	}
}

// layOut places boxes of the given widths, gap apart, and returns the total width.
func layOut(layers []NetLayer, widths []float64, gap float64) (*layering, float64, error) {
	rows, index, err := findRows(layers)
	if err != nil {
		return nil, 0, err
	}
	g := &layering{rows: make([][]int, slices.Max(rows)+1)}
	add := func(layer, row int, w float64) int {
		g.v = append(g.v, vertex{layer: layer, row: row, w: w})
		g.rows[row] = append(g.rows[row], len(g.v)-1)
		return len(g.v) - 1
	}
	for i := range layers {
		add(i, rows[i], widths[i])
	}
	for i, l := range layers {
		for _, in := range l.Inputs {
			from := index[in]
			path := []int{from}
			for r := rows[from] + 1; r < rows[i]; r++ {
				path = append(path, add(-1, r, 8))
			}
			path = append(path, i)
			for k := 1; k < len(path); k++ {
				a, b := path[k-1], path[k]
				g.v[a].dn = append(g.v[a].dn, b)
				g.v[b].up = append(g.v[b].up, a)
			}
			g.paths = append(g.paths, path)
		}
	}
	if len(g.v) > 20*maxLayers {
		return nil, 0, fmt.Errorf("viz: network: the connections pass %d rows, want at most %d; draw it in parts", len(g.v), 20*maxLayers)
	}
	g.order()
	return g, g.place(gap), nil
}

// order sorts every row by the mean position of the neighbours, alternately downward
// and upward.
func (g *layering) order() {
	pos := make([]float64, len(g.v))
	note := func(row []int) {
		for k, v := range row {
			pos[v] = float64(k) - float64(len(row)-1)/2
		}
	}
	for _, row := range g.rows {
		note(row)
	}
	for sweep := range 8 {
		for k := range g.rows {
			row := g.rows[k]
			if sweep%2 == 1 {
				row = g.rows[len(g.rows)-1-k]
			}
			key := func(v int) float64 {
				near := g.v[v].up
				if sweep%2 == 1 {
					near = g.v[v].dn
				}
				return mean(near, pos, pos[v])
			}
			sort.SliceStable(row, func(a, b int) bool { return key(row[a]) < key(row[b]) })
			note(row)
		}
	}
}

func mean(of []int, at []float64, none float64) float64 {
	if len(of) == 0 {
		return none
	}
	sum := 0.0
	for _, v := range of {
		sum += at[v]
	}
	return sum / float64(len(of))
}

// place sets the x of every vertex to the mean of its neighbours as far as the order
// and the gap allow. It returns the total width.
func (g *layering) place(gap float64) float64 {
	for _, row := range g.rows { // to begin with, rows centred on 0
		total := -gap
		for _, v := range row {
			total += g.v[v].w + gap
		}
		x := -total / 2
		for _, v := range row {
			g.v[v].x = x + g.v[v].w/2
			x += g.v[v].w + gap
		}
	}
	for sweep := range 24 {
		for k := range g.rows {
			row := g.rows[k]
			if sweep%2 == 1 {
				row = g.rows[len(g.rows)-1-k]
			}
			want := make([]float64, len(row))
			for i, v := range row {
				sum, n := 0.0, 0
				for _, near := range [][]int{g.v[v].up, g.v[v].dn} {
					for _, u := range near {
						sum += g.v[u].x
						n++
					}
				}
				want[i] = g.v[v].x
				if n > 0 {
					want[i] = sum / float64(n)
				}
			}
			g.settle(row, want, gap)
		}
	}
	lo, hi := g.v[0].x, g.v[0].x
	for _, v := range g.v {
		lo, hi = min(lo, v.x-v.w/2), max(hi, v.x+v.w/2)
	}
	for i := range g.v {
		g.v[i].x -= lo
	}
	return hi - lo
}

// settle sets the positions of a row as near to want as its order and gaps allow, in
// least squares: groups of neighbours that would overlap are merged and moved as one
// (pool adjacent violators).
func (g *layering) settle(row []int, want []float64, gap float64) {
	type group struct {
		sum  float64 // of want minus offset
		n    int
		from int
	}
	offset := make([]float64, len(row)) // of a vertex from the first, packed
	for i := 1; i < len(row); i++ {
		offset[i] = offset[i-1] + (g.v[row[i-1]].w+g.v[row[i]].w)/2 + gap
	}
	var gs []group
	for i := range row {
		gs = append(gs, group{want[i] - offset[i], 1, i})
		for len(gs) > 1 {
			a, b := gs[len(gs)-2], gs[len(gs)-1]
			if a.sum/float64(a.n) <= b.sum/float64(b.n) {
				break
			}
			gs = append(gs[:len(gs)-2], group{a.sum + b.sum, a.n + b.n, a.from})
		}
	}
	for _, gr := range gs {
		for i := gr.from; i < gr.from+gr.n; i++ {
			g.v[row[i]].x = gr.sum/float64(gr.n) + offset[i]
		}
	}
}
