package graphtest

import (
	"fmt"
	"math"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// unitRoundoff is the largest relative error of rounding to float32. A kernel of exp or log has an error of a few of it.
const unitRoundoff = 0x1p-24

// The number of runs for the estimate of rounding errors: at first, and if there are differences.
const fewRuns, manyRuns = 3, 40

// A nodeEvaluator evaluates a function node by node, so that a rounding error can be added after each node.
type nodeEvaluator struct {
	f         *graph.Func
	nodes     []*graph.Node
	index     map[*graph.Node]int
	nodeFuncs []*graph.Func // the function of each node other than inputs and states, with the inputs "0", "1", …
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

// run evaluates the function and returns its outputs, and after them the values of its updates. If key is not nil, it adds
// a random rounding error to every value that float32 cannot represent.
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

// interpOne returns the only output of f for the given operands.
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

// addRounding adds random rounding errors to y, the value of node i for the operands in. Numbers that float32 represents
// exactly keep their value, so that comparisons of exact numbers keep their result. For sums this requires that the sum of
// the magnitudes is exact as well, because partial sums may be rounded although the result is not.
func (s *nodeEvaluator) addRounding(i int, y graph.Value, in []graph.Value, key rng.Key) error {
	n := s.nodes[i]
	magnitude, isSum := y, false // magnitude is the sum of the magnitudes of the added terms
	switch n.Op() {
	case graph.OpNeg, graph.OpAbs, graph.OpSign, graph.OpStop, graph.OpMax, graph.OpMin, graph.OpGreater, graph.OpEqual,
		graph.OpSelect, graph.OpReshape, graph.OpTranspose, graph.OpBroadcast, graph.OpPad, graph.OpSlice, graph.OpConcat, graph.OpGather,
		graph.OpReduceMax, graph.OpConst, graph.OpUniform, graph.OpNormal:
		return nil // these do not round
	case graph.OpAdd, graph.OpSub:
		magnitude = make(graph.Value, len(y))
		for j := range y {
			magnitude[j] = math.Abs(in[0][j]) + math.Abs(in[1][j])
		}
	case graph.OpSum, graph.OpScatterAdd, graph.OpMatMul, graph.OpConv2D, graph.OpConv2DInputGrad, graph.OpConv2DFilterGrad:
		isSum = true
		absolute := make([]graph.Value, len(in))
		for k, v := range in {
			if n.Op() == graph.OpScatterAdd && k == 1 { // ids
				absolute[k] = v
				continue
			}
			absolute[k] = make(graph.Value, len(v))
			for j, x := range v {
				absolute[k][j] = math.Abs(x)
			}
		}
		var err error
		if magnitude, err = interpOne(s.nodeFuncs[i], absolute); err != nil {
			return err
		}
	}
	u := make([]float32, len(y))
	key.Uniform(u)
	for j, v := range y {
		if !isFloat32(v) || isSum && !isFloat32(magnitude[j]) {
			y[j] += math.Abs(magnitude[j]) * 2 * unitRoundoff * (2*float64(u[j]) - 1)
		}
	}
	return nil
}

// isFloat32 reports whether float32 represents v exactly.
func isFloat32(v float64) bool { return float64(float32(v)) == v }

// roundingErrors returns an estimate of the error of float32 arithmetic for each element of each output and update: the
// largest difference in runs with random rounding errors, or the root mean square of these over the array if it is larger.
func (s *nodeEvaluator) roundingErrors(env graph.Env, want []graph.Value, runs int) ([]graph.Value, error) {
	errors := make([]graph.Value, len(want))
	for i, w := range want {
		errors[i] = make(graph.Value, len(w))
	}
	for r := range runs {
		key := rng.New(uint64(r)).Split("rounding")
		got, err := s.run(env, &key)
		if err != nil {
			return nil, err
		}
		for i, w := range want {
			for j := range w {
				if d := math.Abs(got[i][j] - w[j]); d > errors[i][j] {
					errors[i][j] = d
				}
			}
		}
	}
	for _, v := range errors {
		sum := 0.0
		for _, d := range v {
			sum += d * d
		}
		rms := math.Sqrt(sum / float64(len(v)))
		for j := range v {
			v[j] = max(v[j], rms)
		}
	}
	return errors, nil
}

// toTensor returns v as a tensor of type dt, rounded.
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

// fromTensor returns the elements of t as float64.
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
