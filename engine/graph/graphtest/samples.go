package graphtest

import (
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
)

type graphNode = *graph.Node

var sampleKey = rng.New(3).Split("samples")

// samples returns a list of samples for each primitive. The function of a sample is smooth within 0.01 of its operands.
func samples() map[graph.Op][]sample {
	m := map[graph.Op][]sample{}
	elementSamples(m)
	movementSamples(m)
	tableSamples(m)
	reductionSamples(m)
	matMulSamples(m)
	convSamples(m)
	return m
}

func uniformSample(i int, lo, hi float64, shape ...int) Operand {
	return Uniform(sampleKey.At(uint64(i)), lo, hi, shape...)
}

func distinctSample(i int, first float64, shape ...int) Operand {
	return Distinct(sampleKey.At(uint64(i)), first, shape...)
}

func elementSamples(m map[graph.Op][]sample) {
	square := func(x ...graphNode) graphNode { return graph.Square(x[0]) }
	state := uniformSample(0, -1, 1, 2, 3)
	state.State = true
	m[graph.OpInput] = []sample{{"squared", square, []Operand{uniformSample(0, -1, 1, 2, 3)}}}
	m[graph.OpState] = []sample{{"squared", square, []Operand{state}}}
	m[graph.OpConst] = []sample{
		{"scalar", func(x ...graphNode) graphNode { return graph.Scale(graph.Square(x[0]), -0.7) }, []Operand{uniformSample(1, -1, 1, 3)}},
		{"array", func(x ...graphNode) graphNode {
			return graph.Mul(graph.Exp(x[0]), graph.ConstOf([]float32{1, -2, 3}, 3))
		}, []Operand{uniformSample(1, -1, 1, 2, 3)}},
	}
	m[graph.OpUniform] = []sample{{"times x", func(x ...graphNode) graphNode {
		return graph.Mul(graph.Square(x[1]), graph.Uniform(x[0], "u", 3, 2))
	}, []Operand{KeyWords(sampleKey), uniformSample(2, -1, 1, 3, 2)}}}
	m[graph.OpNormal] = []sample{{"reparameterised", func(x ...graphNode) graphNode {
		return graph.Add(x[1], graph.Mul(graph.Exp(x[2]), graph.Normal(x[0], "eps", 5, 3)))
	}, []Operand{KeyWords(sampleKey), uniformSample(3, -1, 1, 5, 3), uniformSample(4, -1, 1, 5, 3)}}}

	for _, u := range []struct {
		op     graph.Op
		f      func(x graphNode) graphNode
		lo, hi float64
	}{
		{graph.OpNeg, graph.Neg, -2, 2},
		{graph.OpExp, graph.Exp, -2, 2},
		{graph.OpLog, graph.Log, 0.3, 3},
		{graph.OpTanh, graph.Tanh, -2, 2},
		{graph.OpSigmoid, graph.Sigmoid, -4, 4},
		{graph.OpSoftplus, graph.Softplus, -4, 4},
		{graph.OpSqrt, graph.Sqrt, 0.3, 3},
		{graph.OpStop, graph.StopGradient, -1, 1},
	} {
		for i, shape := range [][]int{{}, {7}, {3, 1, 5}} {
			m[u.op] = append(m[u.op], sample{fmt.Sprint(shape), func(x ...graphNode) graphNode { return u.f(x[0]) },
				[]Operand{uniformSample(5+i, u.lo, u.hi, shape...)}})
		}
	}
	m[graph.OpStop] = append(m[graph.OpStop], sample{"of a product", func(x ...graphNode) graphNode {
		return graph.StopGradient(graph.Mul(x[0], x[0]))
	}, []Operand{uniformSample(5, -1, 1, 4)}})
	m[graph.OpAbs] = []sample{
		{"both signs", func(x ...graphNode) graphNode { return graph.Abs(x[0]) }, []Operand{distinctSample(6, 0.05, 5, 3)}},
		{"of a product", func(x ...graphNode) graphNode { return graph.Abs(graph.Mul(x[0], x[0])) }, []Operand{distinctSample(7, 0.05, 4)}},
	}
	m[graph.OpSign] = []sample{{"times x", func(x ...graphNode) graphNode { return graph.Mul(graph.Sign(x[0]), graph.Square(x[0])) }, []Operand{distinctSample(8, 0.05, 5)}}}

	for _, b := range []struct {
		op graph.Op
		f  func(a, b graphNode) graphNode
	}{
		{graph.OpAdd, graph.Add}, {graph.OpSub, graph.Sub}, {graph.OpMul, graph.Mul}, {graph.OpDiv, graph.Div},
		{graph.OpMax, graph.Max}, {graph.OpMin, graph.Min}, {graph.OpGreater, graph.Greater}, {graph.OpEqual, graph.Equal},
	} {
		for i, s := range [][2][]int{
			{{3, 4}, {3, 4}}, {{}, {}}, {{2, 3, 5}, {}}, {{}, {3}}, // equal shapes, scalars
			{{3, 4}, {4}}, {{3, 4}, {3, 1}}, {{2, 3, 4}, {1, 3, 1}}, {{2, 1, 3}, {4, 1}}, // row, column, middle, both
		} {
			// With squares, the second derivatives of linear primitives are not 0.
			f := func(x ...graphNode) graphNode { return b.f(graph.Mul(x[0], graph.Square(x[0])), x[1]) }
			if b.op == graph.OpDiv {
				f = func(x ...graphNode) graphNode {
					return graph.Div(graph.Exp(x[0]), graph.AddScalar(graph.Square(x[1]), 0.5))
				}
			}
			// The operands of comparisons differ by 0.05 at least; cubes of them would not.
			if b.op == graph.OpMax || b.op == graph.OpMin || b.op == graph.OpGreater || b.op == graph.OpEqual {
				f = func(x ...graphNode) graphNode { return graph.Mul(b.f(x[0], x[1]), graph.Square(x[0])) }
			}
			m[b.op] = append(m[b.op], sample{fmt.Sprint(s[0], s[1]), f,
				[]Operand{distinctSample(10+i, 0.3, s[0]...), distinctSample(20+i, 0.35, s[1]...)}})
		}
	}
	m[graph.OpSelect] = []sample{
		{"on a comparison", func(x ...graphNode) graphNode {
			return graph.Select(graph.Greater(x[0], x[1]), graph.Mul(x[0], x[1]), graph.Exp(x[1]))
		}, []Operand{distinctSample(30, 0, 4, 3), distinctSample(31, 0.05, 3)}},
		{"on a number", func(x ...graphNode) graphNode {
			return graph.Select(graph.ConstOf([]float32{0, 2, -1}, 3), graph.Square(x[0]), x[1])
		}, []Operand{distinctSample(32, 0, 2, 3), distinctSample(33, 0, 2, 1)}},
		{"leaky relu", func(x ...graphNode) graphNode { return graph.Square(graph.LeakyReLU(x[0], 0.2)) }, []Operand{distinctSample(34, 0.05, 7)}},
	}
}

func movementSamples(m map[graph.Op][]sample) {
	// With the square, the second derivatives are not 0.
	add := func(op graph.Op, name string, shape []int, f func(x graphNode) graphNode) {
		m[op] = append(m[op], sample{name, func(x ...graphNode) graphNode { return f(graph.Square(x[0])) }, []Operand{uniformSample(40, -2, 2, shape...)}})
	}
	for _, s := range [][2][]int{{{6}, {2, 3}}, {{2, 3, 4}, {4, 6}}, {{1}, {}}, {{}, {1, 1}}, {{3, 4}, {2, -1}}} {
		add(graph.OpReshape, fmt.Sprint(s), s[0], func(x graphNode) graphNode { return graph.Reshape(x, s[1]...) })
	}
	for _, s := range [][2][]int{{{3, 4}, {1, 0}}, {{2, 3, 4}, {1, 2, 0}}, {{2, 3, 4}, {2, 0, 1}}, {{2, 3, 2, 5}, {0, 3, 1, 2}}, {{3}, {0}}, {{}, {}}} {
		add(graph.OpTranspose, fmt.Sprint(s), s[0], func(x graphNode) graphNode { return graph.Transpose(x, s[1]...) })
	}
	for _, s := range [][2][]int{{{}, {2, 3}}, {{3}, {2, 3}}, {{2, 1}, {2, 3}}, {{1, 3, 1}, {2, 3, 4}}, {{2, 1, 3}, {5, 2, 4, 3}}, {{1}, {1, 1}}} {
		add(graph.OpBroadcast, fmt.Sprint(s), s[0], func(x graphNode) graphNode { return graph.BroadcastTo(x, s[1]...) })
	}
	for _, p := range []struct{ shape, lo, hi, interior []int }{
		{[]int{4}, []int{2}, []int{1}, []int{0}},
		{[]int{4}, []int{0}, []int{0}, []int{2}},
		{[]int{1}, []int{1}, []int{0}, []int{3}},
		{[]int{2, 3}, []int{0, 1}, []int{2, 0}, []int{1, 2}},
		{[]int{2, 3, 1, 2}, []int{1, 0, 0, 2}, []int{0, 1, 1, 0}, []int{0, 1, 1, 0}},
	} {
		add(graph.OpPad, fmt.Sprint(p), p.shape, func(x graphNode) graphNode { return graph.Pad(x, p.lo, p.hi, p.interior) })
	}
	for _, p := range []struct{ shape, lo, hi, step []int }{
		{[]int{7}, []int{0}, []int{7}, []int{1}},
		{[]int{7}, []int{1}, []int{6}, []int{2}}, // the last element is before the limit
		{[]int{7}, []int{1}, []int{7}, []int{3}},
		{[]int{5}, []int{4}, []int{5}, []int{9}},
		{[]int{4, 5}, []int{1, 0}, []int{3, 5}, []int{1, 3}},
		{[]int{2, 5, 3}, []int{0, 1, 2}, []int{2, 5, 3}, []int{1, 2, 1}},
	} {
		add(graph.OpSlice, fmt.Sprint(p), p.shape, func(x graphNode) graphNode { return graph.Slice(x, p.lo, p.hi, p.step) })
	}
	concat := func(name string, axis int, shapes ...[]int) {
		var operands []Operand
		for i, s := range shapes {
			operands = append(operands, uniformSample(50+i, -2, 2, s...))
		}
		m[graph.OpConcat] = append(m[graph.OpConcat], sample{name, func(x ...graphNode) graphNode {
			return graph.Square(graph.Concat(axis, x...))
		}, operands})
	}
	concat("vectors", 0, []int{2}, []int{1}, []int{3})
	concat("one", 0, []int{2, 2})
	concat("columns", 1, []int{2, 3}, []int{2, 1})
	concat("middle", 1, []int{2, 1, 3}, []int{2, 4, 3}, []int{2, 2, 3})
	m[graph.OpConcat] = append(m[graph.OpConcat], sample{"one operand twice", func(x ...graphNode) graphNode {
		return graph.Square(graph.Concat(0, x[0], x[1], x[0]))
	}, []Operand{uniformSample(53, -2, 2, 2), uniformSample(54, -2, 2, 1)}})
}

// tableSamples adds look-ups with ids in any order, some of them twice, and some that are no row.
func tableSamples(m map[graph.Op][]sample) {
	for i, s := range []struct {
		table, ids []int
		id         []float32
	}{
		{[]int{4, 3}, []int{5}, []float32{3, 0, 3, 1, 3}},
		{[]int{5, 2}, []int{2, 3}, []float32{-1, 4, 5, 0, 2.5, 4}},
		{[]int{3, 2, 2}, []int{2}, []float32{2, 2}},
		{[]int{6}, []int{3, 1}, []float32{5, 1, 1}},
		{[]int{3, 4}, []int{}, []float32{1}},
		{[]int{1, 1}, []int{1}, []float32{float32(math.NaN())}},
	} {
		ids := graph.ConstOf(s.id, s.ids...)
		rows := append(append([]int{}, s.ids...), s.table[1:]...)
		name := fmt.Sprint(s.table, " by ", s.id)
		m[graph.OpGather] = append(m[graph.OpGather], sample{name, func(x ...graphNode) graphNode {
			return graph.Square(graph.Gather(graph.Square(x[0]), ids))
		}, []Operand{uniformSample(55+i, -2, 2, s.table...)}})
		m[graph.OpScatterAdd] = append(m[graph.OpScatterAdd], sample{name, func(x ...graphNode) graphNode {
			return graph.Square(graph.ScatterAdd(graph.Square(x[0]), ids, s.table[0]))
		}, []Operand{uniformSample(55+i, -2, 2, rows...)}})
	}
}

func reductionSamples(m map[graph.Op][]sample) {
	for i, s := range []struct{ shape, axes []int }{
		{[]int{}, nil}, {[]int{5}, nil}, {[]int{3, 4}, []int{0}}, {[]int{3, 4}, []int{1}}, {[]int{3, 4}, nil},
		{[]int{2, 3, 4}, []int{1}}, {[]int{2, 3, 4}, []int{2, 0}}, {[]int{2, 3, 2, 3}, []int{1, 2}}, {[]int{1, 3, 1}, []int{0, 2}},
	} {
		m[graph.OpSum] = append(m[graph.OpSum], sample{fmt.Sprint(s), func(x ...graphNode) graphNode {
			return graph.Square(graph.Sum(x[0], s.axes...))
		}, []Operand{uniformSample(60+i, -2, 2, s.shape...)}})
		m[graph.OpReduceMax] = append(m[graph.OpReduceMax], sample{fmt.Sprint(s), func(x ...graphNode) graphNode {
			return graph.Square(graph.ReduceMax(x[0], s.axes...))
		}, []Operand{distinctSample(70+i, 0.05, s.shape...)}})
	}
	m[graph.OpSum] = append(m[graph.OpSum], sample{"mean", func(x ...graphNode) graphNode {
		return graph.Square(graph.Mean(x[0], 1))
	}, []Operand{uniformSample(80, -2, 2, 3, 5)}})
	m[graph.OpReduceMax] = append(m[graph.OpReduceMax], sample{"logsumexp", func(x ...graphNode) graphNode {
		largest := graph.ReduceMax(x[0], 1)
		return graph.Add(largest, graph.Log(graph.Sum(graph.Exp(graph.Sub(x[0], graph.Reshape(largest, 3, 1))), 1)))
	}, []Operand{distinctSample(81, 0.05, 3, 4)}})
}

func matMulSamples(m map[graph.Op][]sample) {
	for _, s := range [][3]int{{2, 3, 4}, {1, 1, 1}, {5, 1, 3}, {1, 7, 2}, {17, 2, 1}} {
		for _, t := range [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}} {
			a, b := []int{s[0], s[1]}, []int{s[1], s[2]}
			if t[0] {
				a[0], a[1] = a[1], a[0]
			}
			if t[1] {
				b[0], b[1] = b[1], b[0]
			}
			m[graph.OpMatMul] = append(m[graph.OpMatMul], sample{fmt.Sprint(s, t), func(x ...graphNode) graphNode {
				return graph.MatMulT(x[0], x[1], t[0], t[1])
			}, []Operand{uniformSample(82, -2, 2, a...), uniformSample(83, -2, 2, b...)}})
		}
	}
	// Leading axes: equal, of length 1, missing on either side, and two of them.
	for i, s := range [][2][]int{
		{{3, 2, 4}, {3, 4, 5}}, {{2, 3, 2, 5}, {2, 3, 5, 1}}, {{1, 7, 3}, {1, 3, 17}}, {{3, 2, 4}, {1, 4, 5}}, {{2, 4}, {3, 4, 2}}, {{3, 2, 4}, {4, 5}}, {{2, 1, 3, 2}, {4, 2, 3}},
	} {
		for _, t := range [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}} {
			a, b := slices.Clone(s[0]), slices.Clone(s[1])
			if n := len(a); t[0] {
				a[n-1], a[n-2] = a[n-2], a[n-1]
			}
			if n := len(b); t[1] {
				b[n-1], b[n-2] = b[n-2], b[n-1]
			}
			m[graph.OpMatMul] = append(m[graph.OpMatMul], sample{fmt.Sprint(s, t), func(x ...graphNode) graphNode {
				return graph.MatMulT(graph.Square(x[0]), x[1], t[0], t[1])
			}, []Operand{uniformSample(85+i, -2, 2, a...), uniformSample(95+i, -2, 2, b...)}})
		}
	}
	m[graph.OpMatMul] = append(m[graph.OpMatMul], sample{"with itself", func(x ...graphNode) graphNode {
		return graph.MatMulT(x[0], x[0], true, false)
	}, []Operand{uniformSample(84, -2, 2, 3, 4)}})
}

func convSamples(m map[graph.Op][]sample) {
	i := 0
	for k := 1; k <= 5; k++ {
		for s := 1; s <= 3; s++ {
			for _, pad := range []graph.Padding{graph.Same, graph.Valid} {
				i++
				// Kernel, stride and length along the columns differ from those along the rows.
				c := graph.ConvConfig{Stride: [2]int{s, 1 + (s+k)%3}, Padding: pad}
				kw := 1 + (k+s)%5
				x := graph.Shape{1 + i%2, 5 + i%4, 6 + (i/2)%3, 1 + i%3}
				if pad == graph.Same && i%3 == 0 {
					x[1], x[2] = 1+i%4, 4 // sometimes smaller than the kernel
				}
				w := graph.Shape{k, kw, x[3], 1 + (i/3)%3}
				y := graph.Shape{x[0], 0, 0, w[3]}
				y[1], _, _ = c.Window(0, x[1], k)
				y[2], _, _ = c.Window(1, x[2], kw)
				name := fmt.Sprintf("%v by %v, %v %v", x, w, c.Stride, pad)
				m[graph.OpConv2D] = append(m[graph.OpConv2D], sample{name, func(n ...graphNode) graphNode {
					return graph.Conv2D(n[0], n[1], c)
				}, []Operand{uniformSample(90, -1, 1, x...), uniformSample(91, -1, 1, w...)}})
				m[graph.OpConv2DInputGrad] = append(m[graph.OpConv2DInputGrad], sample{name, func(n ...graphNode) graphNode {
					return graph.Conv2DInputGrad(n[0], n[1], x, c)
				}, []Operand{uniformSample(92, -1, 1, y...), uniformSample(93, -1, 1, w...)}})
				m[graph.OpConv2DFilterGrad] = append(m[graph.OpConv2DFilterGrad], sample{name, func(n ...graphNode) graphNode {
					return graph.Conv2DFilterGrad(n[0], n[1], w, c)
				}, []Operand{uniformSample(94, -1, 1, x...), uniformSample(95, -1, 1, y...)}})
			}
		}
	}
}
