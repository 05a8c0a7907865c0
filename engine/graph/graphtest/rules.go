package graphtest

import (
	"math"

	"github.com/imago-ml/imago/engine/graph"
)

// rules are the steps from which RandomFunc chooses. Each adds one primitive, or a layer, to the pool of g.
var rules = []func(g *generator){
	unaryRule, unaryRule, unaryRule, binaryRule, binaryRule, binaryRule, binaryRule, selectRule,
	reshapeRule, transposeRule, broadcastRule, padRule, sliceRule, concatRule, gatherRule, scatterRule,
	reduceRule, reduceRule, matMulRule, matMulRule, batchedMatMulRule, conv2DRule, conv2DRule, inputGradRule, filterGradRule,
	randomRule, denseRule, normRule, softmaxRule, lossRule, fanOutRule,
}

func unaryRule(g *generator) {
	x := g.pickNode()
	switch g.intn(11) {
	case 0:
		g.add(graph.Neg(x.Node), -x.hi, -x.lo)
	case 1:
		if b := x.maxAbs(); b > 4 {
			x = boundedNode{graph.Scale(x.Node, 0.5), x.lo / 2, x.hi / 2}
		}
		g.add(graph.Exp(x.Node), math.Exp(x.lo), math.Exp(x.hi))
	case 2:
		x = g.positive(x)
		g.add(graph.Log(x.Node), math.Log(x.lo), math.Log(x.hi))
	case 3:
		x = g.positive(x)
		g.add(graph.Sqrt(x.Node), math.Sqrt(x.lo), math.Sqrt(x.hi))
	case 4:
		g.add(graph.Tanh(x.Node), -1, 1)
	case 5:
		g.add(graph.Sigmoid(x.Node), 0, 1)
	case 6:
		g.add(graph.Softplus(x.Node), 0, max(x.hi, 0)+0.7)
	case 7:
		g.add(graph.Abs(x.Node), 0, x.maxAbs())
	case 8:
		g.add(graph.Sign(x.Node), -1, 1)
	case 9:
		g.add(graph.StopGradient(x.Node), x.lo, x.hi)
	case 10:
		g.add(graph.LeakyReLU(x.Node, 0.25), min(x.lo, x.lo/4), max(x.hi, 0))
	}
}

func binaryRule(g *generator) {
	a := g.pickNode()
	b := g.broadcastPartner(a)
	if g.chance(0.3) {
		a, b = b, a
	}
	largest := a.maxAbs() * b.maxAbs()
	switch g.intn(9) {
	case 0, 1:
		g.add(graph.Add(a.Node, b.Node), a.lo+b.lo, a.hi+b.hi)
	case 2:
		g.add(graph.Sub(a.Node, b.Node), a.lo-b.hi, a.hi-b.lo)
	case 3, 4:
		g.add(graph.Mul(a.Node, b.Node), -largest, largest)
	case 5:
		b = g.positive(b)
		g.add(graph.Div(a.Node, b.Node), -a.maxAbs()/b.lo, a.maxAbs()/b.lo)
	case 6:
		g.add(graph.Max(a.Node, b.Node), max(a.lo, b.lo), max(a.hi, b.hi))
	case 7:
		g.add(graph.Min(a.Node, b.Node), min(a.lo, b.lo), min(a.hi, b.hi))
	case 8:
		if g.chance(0.5) {
			g.add(graph.Greater(a.Node, b.Node), 0, 1)
		} else {
			// Of inputs, because the equality of computed numbers depends on rounding.
			x, y := g.input(a.Shape()...), g.input(b.Shape()...)
			g.add(graph.Equal(x.Node, y.Node), 0, 1)
		}
	}
}

func selectRule(g *generator) {
	a := g.pickNode()
	b, c := g.broadcastPartner(a), g.broadcastPartner(a)
	cond := c.Node
	if g.chance(0.6) {
		cond = graph.Greater(cond, a.Node)
	}
	g.add(graph.Select(cond, a.Node, b.Node), min(a.lo, b.lo), max(a.hi, b.hi))
}

func reshapeRule(g *generator) {
	x := g.pickNode()
	g.add(graph.Reshape(x.Node, g.randomFactors(x.Shape().Size(), 1+g.intn(4))...), x.lo, x.hi)
}

func transposeRule(g *generator) {
	x := g.pickNode()
	if len(x.Shape()) < 2 {
		x = g.nodeOfRank(2 + g.intn(3))
	}
	var perm []int
	g.i++
	for _, p := range g.key.At(g.i).Perm(len(x.Shape())) {
		perm = append(perm, int(p))
	}
	g.add(graph.Transpose(x.Node, perm...), x.lo, x.hi)
}

func broadcastRule(g *generator) {
	x := g.pickNode()
	s := x.Shape().Clone()
	for i, d := range s {
		if k := lengths[g.intn(len(lengths))]; d == 1 && s.Size()*k <= maxElements {
			s[i] = k
		}
	}
	if k := lengths[g.intn(len(lengths))]; len(s) < 4 && s.Size()*k <= maxElements {
		s = append([]int{k}, s...)
	}
	g.add(graph.BroadcastTo(x.Node, s...), x.lo, x.hi)
}

func padRule(g *generator) {
	x := g.pickNode()
	r := len(x.Shape())
	lo, hi, between := make([]int, r), make([]int, r), make([]int, r)
	size := 1
	for i, d := range x.Shape() {
		lo[i], hi[i], between[i] = g.intn(3), g.intn(3), g.intn(3)
		size *= lo[i] + hi[i] + d + (d-1)*between[i]
	}
	if size <= maxElements {
		g.add(graph.Pad(x.Node, lo, hi, between), min(x.lo, 0), max(x.hi, 0))
	}
}

func sliceRule(g *generator) {
	x := g.pickNode()
	r := len(x.Shape())
	lo, hi, step := make([]int, r), make([]int, r), make([]int, r)
	for i, d := range x.Shape() {
		lo[i] = min(g.intn(d), g.intn(d))
		hi[i], step[i] = lo[i]+1+g.intn(d-lo[i]), 1+g.intn(3)
	}
	g.add(graph.Slice(x.Node, lo, hi, step), x.lo, x.hi)
}

func concatRule(g *generator) {
	x := g.pickNode()
	if len(x.Shape()) == 0 {
		x = g.nodeOfRank(1)
	}
	ax := g.intn(len(x.Shape()))
	xs, lo, hi, size := []*graph.Node{x.Node}, x.lo, x.hi, x.Shape().Size()
	for range g.intn(3) {
		s := x.Shape().Clone()
		s[ax] = 1 + g.intn(4)
		if size += s.Size(); size > maxElements {
			break
		}
		y := g.nodeOfShape(s...)
		xs, lo, hi = append(xs, y.Node), min(lo, y.lo), max(hi, y.hi)
	}
	if g.chance(0.2) { // one operand twice
		xs = append(xs, x.Node)
	}
	g.add(graph.Concat(ax, xs...), lo, hi)
}

// ids returns numbers of rows of a table: most of them are whole and in it.
func (g *generator) ids(rows int, shape ...int) *graph.Node {
	if g.chance(0.2) {
		return g.input(shape...).Node
	}
	data := make([]float32, graph.Shape(shape).Size())
	for i := range data {
		if data[i] = float32(g.intn(rows+2) - 1); g.chance(0.05) {
			data[i] += 0.5
		}
	}
	return graph.ConstOf(data, shape...)
}

func gatherRule(g *generator) {
	table := g.nodeOfRank(1 + g.intn(3))
	s := table.Shape()
	ids := g.shape(g.intn(3))
	if graph.Shape(ids).Size()*s[1:].Size() > maxElements {
		ids = []int{1}
	}
	g.add(graph.Gather(table.Node, g.ids(s[0], ids...)), min(table.lo, 0), max(table.hi, 0))
}

func scatterRule(g *generator) {
	x := g.nodeOfRank(1 + g.intn(3))
	s, rows := x.Shape(), lengths[g.intn(len(lengths))]
	n := g.intn(len(s) + 1)
	if rows*s[n:].Size() > maxElements {
		rows = 1
	}
	largest := float64(s[:n].Size()) * x.maxAbs()
	g.add(graph.ScatterAdd(x.Node, g.ids(rows, s[:n]...), rows), -largest, largest)
}

// axes returns random axes of x. The result nil means all axes.
func (g *generator) axes(x boundedNode) []int {
	var axes []int
	for i := range x.Shape() {
		if g.chance(0.5) {
			axes = append(axes, i)
		}
	}
	return axes // nil means all
}

func reduceRule(g *generator) {
	x := g.pickNode()
	axes := g.axes(x)
	switch g.intn(3) {
	case 0:
		y := graph.Sum(x.Node, axes...)
		k := float64(x.Shape().Size() / y.Shape().Size())
		g.add(y, k*x.lo, k*x.hi)
	case 1:
		g.add(graph.Mean(x.Node, axes...), x.lo, x.hi)
	case 2:
		g.add(graph.ReduceMax(x.Node, axes...), x.lo, x.hi)
	}
}

func matMulRule(g *generator) {
	a := g.nodeOfRank(2)
	ta, tb := g.chance(0.5), g.chance(0.5)
	m, k := a.Shape()[0], a.Shape()[1]
	if ta {
		m, k = k, m
	}
	n := lengths[g.intn(len(lengths))]
	if m*n > maxElements || k*n > maxElements {
		n = 1
	}
	b := g.nodeOfShape(k, n)
	if tb {
		b = g.nodeOfShape(n, k)
	}
	largest := float64(k) * a.maxAbs() * b.maxAbs()
	g.add(graph.MatMulT(a.Node, b.Node, ta, tb), -largest, largest)
}

// batchedMatMulRule adds products of several matrices; one operand may have fewer leading axes, or axes of length 1.
func batchedMatMulRule(g *generator) {
	a := g.nodeOfRank(3 + g.intn(2))
	ta, tb := g.chance(0.5), g.chance(0.5)
	lead, s := len(a.Shape())-2, a.Shape()
	m, k := s[lead], s[lead+1]
	if ta {
		m, k = k, m
	}
	n := 1 + g.intn(9)
	if s[:lead].Size()*n*max(m, k) > maxElements {
		n = 1
	}
	other := s[:lead].Clone()
	switch g.intn(4) {
	case 0:
		other[g.intn(lead)] = 1
	case 1:
		other = other[g.intn(lead+1):]
	}
	last := []int{k, n}
	if tb {
		last = []int{n, k}
	}
	b := g.nodeOfShape(append(other, last...)...)
	largest := float64(k) * a.maxAbs() * b.maxAbs()
	g.add(graph.MatMulT(a.Node, b.Node, ta, tb), -largest, largest)
}

// conv returns random settings of a convolution for images of shape x, and the lengths of its kernel.
func (g *generator) conv(x graph.Shape) (c graph.ConvConfig, k [2]int, ok bool) {
	c = graph.ConvConfig{Stride: [2]int{1 + g.intn(3), 1 + g.intn(3)}, Padding: graph.Padding(g.intn(2))}
	for i := range k {
		k[i] = 1 + g.intn(5)
		if _, _, ok := c.Window(i, x[1+i], k[i]); !ok {
			return c, k, false
		}
	}
	return c, k, true
}

func conv2DRule(g *generator) {
	x := g.nodeOfRank(4)
	c, k, ok := g.conv(x.Shape())
	ci, co := x.Shape()[3], 1+g.intn(9)
	if !ok || x.Shape().Size()/ci*co > 2*maxElements || k[0]*k[1]*ci*co > 2*maxElements {
		return
	}
	w := g.nodeOfShape(k[0], k[1], ci, co)
	largest := float64(k[0]*k[1]*ci) * x.maxAbs() * w.maxAbs()
	g.add(graph.Conv2D(x.Node, w.Node, c), -largest, largest)
}

func inputGradRule(g *generator) {
	gy := g.nodeOfRank(4)
	c, k, _ := g.conv(graph.Shape{1, 5, 5, 1})
	ci, co := 1+g.intn(5), gy.Shape()[3]
	x := graph.Shape{gy.Shape()[0], 0, 0, ci}
	for i := range 2 { // a random image shape whose convolution has the shape of gy
		out, s := gy.Shape()[1+i], c.Stride[i]
		if c.Padding == graph.Same {
			x[1+i] = (out-1)*s + 1 + g.intn(s)
		} else {
			x[1+i] = (out-1)*s + k[i] + g.intn(s)
		}
	}
	if x.Size() > 2*maxElements || k[0]*k[1]*ci*co > 2*maxElements {
		return
	}
	w := g.nodeOfShape(k[0], k[1], ci, co)
	largest := float64(k[0]*k[1]*co) * gy.maxAbs() * w.maxAbs()
	g.add(graph.Conv2DInputGrad(gy.Node, w.Node, x, c), -largest, largest)
}

func filterGradRule(g *generator) {
	x := g.nodeOfRank(4)
	c, k, ok := g.conv(x.Shape())
	ci, co := x.Shape()[3], 1+g.intn(5)
	if !ok || k[0]*k[1]*ci*co > 2*maxElements || x.Shape().Size()/ci*co > 2*maxElements {
		return
	}
	y := graph.Shape{x.Shape()[0], 0, 0, co}
	for i := range 2 {
		y[1+i], _, _ = c.Window(i, x.Shape()[1+i], k[i])
	}
	gy := g.nodeOfShape(y...)
	largest := float64(y[0]*y[1]*y[2]) * x.maxAbs() * gy.maxAbs()
	g.add(graph.Conv2DFilterGrad(x.Node, gy.Node, graph.Shape{k[0], k[1], ci, co}, c), -largest, largest)
}

func randomRule(g *generator) {
	shape, stream := g.shape(g.intn(4)), string(rune('a'+g.intn(3)))
	if g.chance(0.5) {
		g.add(graph.Uniform(g.keyInput(), stream, shape...), 0, 1)
	} else {
		g.add(graph.Normal(g.keyInput(), stream, shape...), -7, 7)
	}
}

// denseRule adds a layer act(x·w + b), with a matrix product or a convolution.
func denseRule(g *generator) {
	size := len(g.pool)
	if g.chance(0.5) {
		matMulRule(g)
	} else {
		conv2DRule(g)
	}
	if len(g.pool) == size {
		return
	}
	y := g.pool[len(g.pool)-1]
	b := g.leaf(y.Shape()[len(y.Shape())-1])
	h := g.add(graph.Add(y.Node, b.Node), y.lo-2, y.hi+2)
	switch g.intn(4) {
	case 0:
		g.add(graph.ReLU(h.Node), 0, max(h.hi, 0))
	case 1:
		g.add(graph.LeakyReLU(h.Node, 0.25), min(h.lo, 0), max(h.hi, 0))
	case 2:
		g.add(graph.Sigmoid(h.Node), 0, 1)
	case 3:
		g.add(graph.Tanh(h.Node), -1, 1)
	}
}

// normRule adds (x − mean)/√(variance + 1/4) over random axes, as in batch normalisation.
func normRule(g *generator) {
	x := g.pickNode()
	s, axes := x.Shape().Clone(), g.axes(x)
	for i := range s {
		kept := len(axes) > 0
		for _, ax := range axes {
			kept = kept && ax != i
		}
		if !kept {
			s[i] = 1
		}
	}
	d := graph.Sub(x.Node, graph.Reshape(graph.Mean(x.Node, axes...), s...))
	v := graph.Reshape(graph.Mean(graph.Square(d), axes...), s...)
	g.add(graph.Div(d, graph.Sqrt(graph.AddScalar(v, 0.25))), -2*(x.hi-x.lo), 2*(x.hi-x.lo))
}

// softmaxRule adds a softmax over columns.
func softmaxRule(g *generator) {
	x := g.nodeOfRank(2)
	e := graph.Exp(graph.Sub(x.Node, graph.Reshape(graph.ReduceMax(x.Node, 1), x.Shape()[0], 1)))
	g.add(graph.Div(e, graph.Reshape(graph.Sum(e, 1), x.Shape()[0], 1)), 0, 1)
}

// lossRule adds the mean of a binary cross-entropy or of a squared error.
func lossRule(g *generator) {
	x := g.pickNode()
	y := g.broadcastPartner(x)
	l, hi := graph.Square(graph.Sub(x.Node, y.Node)), (x.maxAbs()+y.maxAbs())*(x.maxAbs()+y.maxAbs())
	lo := 0.0
	if g.chance(0.5) {
		l = graph.Sub(graph.Softplus(x.Node), graph.Mul(x.Node, y.Node))
		lo, hi = -x.maxAbs()*y.maxAbs(), x.maxAbs()+0.7+x.maxAbs()*y.maxAbs()
	}
	g.add(graph.Mean(l, g.axes(boundedNode{Node: l})...), lo, hi)
}

// fanOutRule adds an expression that uses one node several times.
func fanOutRule(g *generator) {
	x := g.pickNode()
	y := graph.Add(graph.Mul(x.Node, graph.Sigmoid(x.Node)), graph.Max(x.Node, graph.Neg(x.Node)))
	g.add(graph.Sub(y, graph.Scale(x.Node, 0.5)), -3*x.maxAbs(), 3*x.maxAbs())
}
