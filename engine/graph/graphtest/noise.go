package graphtest

import (
	"fmt"
	"math"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// float32 rounds to nearest with a relative error of at most 2⁻²⁴; a kernel of
// exp or log errs by a few of these.
const unitRoundoff = 0x1p-24

// How many runs rounding is asked for, first and where that leaves a doubt.
const fewRuns, manyRuns = 3, 40

// A stepper evaluates a function node by node, so that rounding can be imitated
// after each.
type nodeEvaluator struct {
	f         *graph.Func
	nodes     []*graph.Node
	index     map[*graph.Node]int
	nodeFuncs []*graph.Func // of each node that has operands: itself, of inputs "0", "1", …
}

func newNodeEvaluator(f *graph.Func) *nodeEvaluator {
	s := &nodeEvaluator{f: f, nodes: f.Nodes(), index: map[*graph.Node]int{}}
	s.nodeFuncs = make([]*graph.Func, len(s.nodes))
	for i, n := range s.nodes {
		s.index[n] = i
		if n.Op() == graph.OpInput || n.Op() == graph.OpState {
			continue
		}
		in := make([]*graph.Node, len(n.In()))
		for j, x := range n.In() {
			in[j] = graph.Input(operandName(j), x.DType(), x.Shape()...)
		}
		s.nodeFuncs[i] = &graph.Func{Name: n.Op().String(), Inputs: in, Outputs: []graph.Output{{Name: "y", Value: graph.Rebuild(n, in...)}}}
	}
	return s
}

func operandName(j int) string { return fmt.Sprint(j) }

// run evaluates the function; where key is given, every value that float32
// cannot hold is moved by a random part of what its rounding may move it.
// It returns the outputs, then the values of the updates.
func (s *nodeEvaluator) run(env graph.Env, key *rng.Key) ([]graph.Value, error) {
	vals := make([]graph.Value, len(s.nodes))
	for i, n := range s.nodes {
		switch n.Op() {
		case graph.OpInput:
			vals[i] = env.Inputs[n.Name()]
			continue
		case graph.OpState:
			vals[i] = env.States[n.Name()]
			continue
		}
		in := make([]graph.Value, len(n.In()))
		for j, x := range n.In() {
			in[j] = vals[s.index[x]]
		}
		y, err := interpOne(s.nodeFuncs[i], in)
		if err != nil {
			return nil, err
		}
		if key != nil {
			if err := s.addRounding(i, y, in, key.At(uint64(i))); err != nil {
				return nil, err
			}
		}
		vals[i] = y
	}
	var out []graph.Value
	for _, o := range s.f.Outputs {
		out = append(out, vals[s.index[o.Value]])
	}
	for _, u := range s.f.Updates {
		out = append(out, vals[s.index[u.Value]])
	}
	return out, nil
}

func interpOne(f *graph.Func, in []graph.Value) (graph.Value, error) {
	env := graph.Env{Inputs: map[string]graph.Value{}}
	for j, v := range in {
		env.Inputs[operandName(j)] = v
	}
	out, err := graph.Interp(f, env)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// shake moves the elements of y = node i of in. What float32 holds exactly is
// left alone, so that ties and comparisons of exact numbers stay what they are;
// of a sum that goes for its magnitudes too, because its parts may be rounded
// though the whole is not.
func (s *nodeEvaluator) addRounding(i int, y graph.Value, in []graph.Value, key rng.Key) error {
	n := s.nodes[i]
	size, sum := y, false // the sum of the magnitudes of the terms that are added
	switch n.Op() {
	case graph.OpNeg, graph.OpAbs, graph.OpSign, graph.OpStop, graph.OpMax, graph.OpMin, graph.OpGreater, graph.OpEqual,
		graph.OpSelect, graph.OpReshape, graph.OpTranspose, graph.OpBroadcast, graph.OpPad, graph.OpSlice, graph.OpConcat,
		graph.OpReduceMax, graph.OpConst, graph.OpUniform, graph.OpNormal:
		return nil // no rounding
	case graph.OpAdd, graph.OpSub:
		size = make(graph.Value, len(y))
		for j := range y {
			size[j] = math.Abs(in[0][j]) + math.Abs(in[1][j])
		}
	case graph.OpSum, graph.OpMatMul, graph.OpConv2D, graph.OpConv2DInputGrad, graph.OpConv2DFilterGrad:
		sum = true
		pos := make([]graph.Value, len(in))
		for k, v := range in {
			pos[k] = make(graph.Value, len(v))
			for j, x := range v {
				pos[k][j] = math.Abs(x)
			}
		}
		var err error
		if size, err = interpOne(s.nodeFuncs[i], pos); err != nil {
			return err
		}
	}
	u := make([]float32, len(y))
	key.Uniform(u)
	for j, v := range y {
		if !isFloat32(v) || sum && !isFloat32(size[j]) {
			y[j] += math.Abs(size[j]) * 2 * unitRoundoff * (2*float64(u[j]) - 1)
		}
	}
	return nil
}

func isFloat32(v float64) bool { return float64(float32(v)) == v }

// rounding estimates, for each element of each output and update of f, how far
// float32 may lie from float64: the largest move in a few runs in which every
// rounding is drawn at random, or the root mean square over the array if that
// is more.
func (s *nodeEvaluator) roundingErrors(env graph.Env, want []graph.Value, runs int) ([]graph.Value, error) {
	far := make([]graph.Value, len(want))
	for i, w := range want {
		far[i] = make(graph.Value, len(w))
	}
	for r := range runs {
		key := rng.New(uint64(r)).Split("rounding")
		got, err := s.run(env, &key)
		if err != nil {
			return nil, err
		}
		for i, w := range want {
			for j := range w {
				if d := math.Abs(got[i][j] - w[j]); d > far[i][j] {
					far[i][j] = d
				}
			}
		}
	}
	for _, v := range far {
		sum := 0.0
		for _, d := range v {
			sum += d * d
		}
		rms := math.Sqrt(sum / float64(len(v)))
		for j := range v {
			v[j] = max(v[j], rms)
		}
	}
	return far, nil
}

// toTensor rounds v to an array of type dt.
func toTensor(v graph.Value, dt tensor.DType, shape tensor.Shape) *tensor.Tensor {
	t := tensor.New(dt, shape...)
	for i, x := range v {
		switch dt {
		case tensor.Int32:
			t.I32()[i] = int32(x)
		case tensor.Uint8:
			t.U8()[i] = uint8(x)
		default:
			t.F32()[i] = float32(x)
		}
	}
	return t
}

func fromTensor(t *tensor.Tensor) graph.Value {
	v := make(graph.Value, t.Size())
	for i := range v {
		switch t.DType() {
		case tensor.Int32:
			v[i] = float64(t.I32()[i])
		case tensor.Uint8:
			v[i] = float64(t.U8()[i])
		default:
			v[i] = float64(t.F32()[i])
		}
	}
	return v
}
