package latent

import "math"

// maxDepth bounds a quadtree: points closer than 2⁻⁴⁰ of the width are one.
const maxDepth = 40

// A quadtree holds points of the plane in squares that are quartered until each
// has one point. Its memory is kept from one build to the next.
type quadtree struct {
	cells []cell
	side  float64 // of the outermost square
}

// A cell is a square of a quadtree.
type cell struct {
	x, y  float64 // sum of its points while building, then their mean
	count float64
	child int32 // of the first of four quarters; 0 = it has none
}

// build makes the tree of points (N, 2).
func (q *quadtree) build(points []float64) {
	lo, hi := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
	for i, v := range points {
		lo[i%2], hi[i%2] = min(lo[i%2], v), max(hi[i%2], v)
	}
	q.side = max(hi[0]-lo[0], hi[1]-lo[1])
	q.cells = append(q.cells[:0], cell{})
	for i := 0; i < len(points); i += 2 {
		q.insert(points[i], points[i+1], lo)
	}
	for i := range q.cells {
		if c := &q.cells[i]; c.count > 0 {
			c.x, c.y = c.x/c.count, c.y/c.count
		}
	}
}

func (q *quadtree) insert(x, y float64, corner [2]float64) {
	at, side := int32(0), q.side
	for depth := 0; ; depth++ {
		c := &q.cells[at]
		if c.child == 0 && c.count > 0 && depth < maxDepth && (c.x != x*c.count || c.y != y*c.count) {
			// A second point: the one that is here, or those that are equal, moves into a quarter.
			first := int32(len(q.cells))
			old := *c
			c.child = first
			q.cells = append(q.cells, cell{}, cell{}, cell{}, cell{})
			k, _ := quarter(old.x/old.count, old.y/old.count, corner, side)
			q.cells[first+k] = old
			c = &q.cells[at]
		}
		c.x, c.y, c.count = c.x+x, c.y+y, c.count+1
		if c.child == 0 {
			return
		}
		k, inner := quarter(x, y, corner, side)
		at, corner, side = c.child+k, inner, side/2
	}
}

// quarter returns which quarter of a square a point lies in, and its corner.
func quarter(x, y float64, corner [2]float64, side float64) (int32, [2]float64) {
	k, half := int32(0), side/2
	if x >= corner[0]+half {
		k, corner[0] = 1, corner[0]+half
	}
	if y >= corner[1]+half {
		k, corner[1] = k+2, corner[1]+half
	}
	return k, corner
}

// repulsion returns Σ_j w_j² (y − y_j) and Σ_j w_j over all points, w = 1/(1+|y−y_j|²),
// a cell whose side is less than theta times its distance taken as points at
// their mean.
func (q *quadtree) repulsion(x, y, theta float64) (fx, fy, sum float64) {
	type visit struct {
		cell int32
		side float64
	}
	var stack [3*maxDepth + 8]visit
	stack[0] = visit{0, q.side}
	for n := 1; n > 0; {
		n--
		v := stack[n]
		c := &q.cells[v.cell]
		if c.count == 0 {
			continue
		}
		dx, dy := x-c.x, y-c.y
		d := dx*dx + dy*dy
		if c.child != 0 && v.side*v.side >= theta*theta*d {
			for k := range int32(4) {
				stack[n] = visit{c.child + k, v.side / 2}
				n++
			}
			continue
		}
		w := 1 / (1 + d)
		sum += c.count * w
		fx, fy = fx+c.count*w*w*dx, fy+c.count*w*w*dy
	}
	return fx, fy, sum
}
