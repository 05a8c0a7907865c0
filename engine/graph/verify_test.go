package graph_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// Verify reports the first fault of a function that NewFunc has not made, or that was changed afterwards.
func TestVerify(t *testing.T) {
	a, b, w := inputX(2), inputX(2), graph.State("w", 2)
	outs := func(n ...*graph.Node) []graph.Output {
		var o []graph.Output
		for i, y := range n {
			o = append(o, graph.Output{Name: fmt.Sprint(i), Value: y})
		}
		return o
	}
	list := func(n ...*graph.Node) []*graph.Node { return n }
	for _, c := range []struct {
		f    graph.Func
		want string
	}{
		{graph.Func{Inputs: list(a), States: list(w), Outputs: outs(graph.Add(a, w), w), Updates: []graph.Update{{State: w, Value: a}}}, ""},
		{graph.Func{Inputs: list(a), Outputs: outs(graph.Neg(a), a)}, ""},
		{graph.Func{}, ""},
		{graph.Func{Outputs: outs(nil)}, "graph: f: an input, state, output or update is nil"},
		{graph.Func{States: list(w), Updates: []graph.Update{{State: w}}}, "graph: f: an input, state, output or update is nil"},
		{graph.Func{Inputs: list(w)}, "graph: f: input 0 is a state"},
		{graph.Func{States: list(a)}, "graph: f: state 0 is a input"},
		{graph.Func{Outputs: outs(a)}, `graph: f: input "x" is used but not listed`},
		{graph.Func{Outputs: outs(w)}, `graph: f: state "w" is used but not listed`},
		{graph.Func{Inputs: list(a, b)}, `graph: f: empty or repeated input name "x"`},
		{graph.Func{States: list(w, graph.State("w", 3))}, `graph: f: empty or repeated state name "w"`},
		{graph.Func{Inputs: list(graph.Input("", tensor.Float32))}, `graph: f: empty or repeated input name ""`},
		{graph.Func{Outputs: []graph.Output{{Name: "y", Value: graph.Const(1)}, {Name: "y", Value: graph.Const(2)}}}, `graph: f: output 1: empty or repeated name "y"`},
		{graph.Func{Outputs: []graph.Output{{Value: graph.Const(1)}}}, `graph: f: output 0: empty or repeated name ""`},
		{graph.Func{Inputs: list(a), Updates: []graph.Update{{State: a, Value: a}}}, "graph: f: update of a input"},
		{graph.Func{States: list(w), Updates: []graph.Update{{State: w, Value: w}, {State: w, Value: w}}}, `graph: f: state "w" is updated twice`},
		{graph.Func{States: list(w), Updates: []graph.Update{{State: w, Value: graph.Const(1)}}}, `graph: f: state "w" is f32[2], its update f32[]`},
		// Nodes with operands that do not match their shape, as a faulty rewrite would make them.
		{graph.Func{Outputs: outs(graph.Rebuild(graph.Add(graph.Const(1), graph.Const(2)), graph.ConstOf([]float32{1, 2}, 2), graph.Const(1)))},
			"graph: f: graph: add([2], []): want operands of one shape"},
		{graph.Func{Outputs: outs(graph.Rebuild(graph.Neg(graph.Const(1)), graph.ConstOf([]float32{1, 2}, 2)))},
			"graph: f: neg has shape [], its operands give [2]"},
		{graph.Func{Outputs: outs(graph.Rebuild(graph.Neg(graph.Const(1))))}, "graph: f: graph: neg(): takes 1 operands"},
	} {
		c.f.Name = "f"
		if err := graph.Verify(&c.f); err == nil && c.want != "" || err != nil && err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
	if _, err := graph.NewFunc("f", nil, outs(graph.Neg(a)), nil); err == nil {
		t.Error("NewFunc accepts an input that is not listed")
	}
}

// The errors of the builders, in full: this is what a user reads after connecting layers that do not fit.
func TestShapeErrors(t *testing.T) {
	f := func(shape ...int) *graph.Node { return graph.State("s", shape...) }
	key := graph.Input("key", tensor.Int32, 4)
	conv := func(s int, p graph.Padding) graph.ConvConfig {
		return graph.ConvConfig{Stride: [2]int{s, s}, Padding: p}
	}
	for _, c := range []struct {
		build func() *graph.Node
		want  string
	}{
		{func() *graph.Node { return f(2, 0) }, "state(): tensor: shape [2,0]: axis 1 is 0, want at least 1"},
		{func() *graph.Node { return f(1<<20, 1<<20) }, "state(): tensor: shape [1048576,1048576] has more than 2147483647 elements"},
		{func() *graph.Node { return graph.ConstOf([]float32{1, 2, 3}, 2) }, "const([2]): the number of elements does not match"},
		{func() *graph.Node { return graph.Normal(f(4), "n", 2) }, "normal([4]): operand 0 is f32, want i32"},
		{func() *graph.Node { return graph.Uniform(graph.Input("k", tensor.Int32, 2), "n", 2) }, "uniform([2]): a key has four words: want [4]"},
		{func() *graph.Node { return graph.Exp(key) }, "exp([4]): operand 0 is i32, want f32"},
		{func() *graph.Node { return graph.Add(f(2, 3), f(2)) }, "add([2,3], [2]): the shapes do not broadcast together"},
		{func() *graph.Node { return graph.Select(f(2), f(3), f(1)) }, "select([2], [3], [1]): the shapes do not broadcast together"},
		{func() *graph.Node { return graph.Reshape(f(2, 3), 4) }, "reshape([2,3]): [4] has 4 elements, want 6"},
		{func() *graph.Node { return graph.Reshape(f(2, 3), 4, -1) }, "reshape([2,3]): [4,1] has 4 elements, want 6"},
		{func() *graph.Node { return graph.Reshape(f(2, 3), -1, -1, 6) }, "reshape([2,3]): tensor: shape [-1,-1,6]: axis 0 is -1, want at least 1"},
		{func() *graph.Node { return graph.Transpose(f(2, 3), 0) }, "transpose([2,3]): [0] is not a permutation of 2 axes"},
		{func() *graph.Node { return graph.Transpose(f(2, 3), 1, 1) }, "transpose([2,3]): [1 1] is not a permutation of 2 axes"},
		{func() *graph.Node { return graph.Transpose(f(2, 3)) }, "transpose([2,3]): [] is not a permutation of 2 axes"},
		{func() *graph.Node { return graph.BroadcastTo(f(2), 2, 3) }, "broadcast([2]): axis 0 of length 2 does not broadcast to [2,3]"},
		{func() *graph.Node { return graph.BroadcastTo(f(2, 2), 2) }, "broadcast([2,2]): has more axes than [2]"},
		{func() *graph.Node { return graph.Pad(f(2), []int{-1}, []int{0}, []int{0}) }, "pad([2]): axis 0: negative padding"},
		{func() *graph.Node { return graph.Pad(f(2), []int{1}, nil, []int{0}) }, "pad([2]): want 1 numbers in each of lo, hi and interior"},
		{func() *graph.Node { return graph.Slice(f(2), []int{1}, []int{3}, []int{1}) }, "slice([2]): axis 0: [1:3:1] is not inside [0:2]"},
		{func() *graph.Node { return graph.Slice(f(2), []int{1}, []int{1}, []int{1}) }, "slice([2]): axis 0: [1:1:1] is not inside [0:2]"},
		{func() *graph.Node { return graph.Slice(f(2), []int{0}, []int{1}, []int{0}) }, "slice([2]): axis 0: [0:1:0] is not inside [0:2]"},
		{func() *graph.Node { return graph.Slice(f(2), nil, []int{1}, []int{1}) }, "slice([2]): want 1 numbers in each of start, limit and stride"},
		{func() *graph.Node { return graph.Concat(0) }, "concat(): want operands and one of their axes, not [0]"},
		{func() *graph.Node { return graph.Concat(1, f(2)) }, "concat([2]): want operands and one of their axes, not [1]"},
		{func() *graph.Node { return graph.Concat(0, f(2), f(2, 1)) }, "concat([2], [2,1]): want operands of one rank"},
		{func() *graph.Node { return graph.Concat(0, f(2, 2), f(2, 3)) }, "concat([2,2], [2,3]): want operands that differ only in axis 0"},
		{func() *graph.Node { return graph.Sum(f(2, 3), 2) }, "sum([2,3]): axes [2] are not different axes of a rank 2 operand"},
		{func() *graph.Node { return graph.ReduceMax(f(2, 3), 1, 0, 1) }, "max_reduce([2,3]): axes [0 1 1] are not different axes of a rank 2 operand"},
		{func() *graph.Node { return graph.MatMul(f(2, 3), f(2, 3)) }, "matmul([2,3], [2,3]): inner lengths 3 and 2 differ"},
		{func() *graph.Node { return graph.MatMulT(f(2, 3), f(2, 4), true, true) }, "matmul([2,3], [2,4]): inner lengths 2 and 4 differ"},
		{func() *graph.Node { return graph.MatMul(f(2, 3), f(3)) }, "matmul([2,3], [3]): want two matrices, or two arrays of matrices with equal leading axes"},
		{func() *graph.Node { return graph.MatMul(f(2, 3, 4), f(3, 4, 5)) }, "matmul([2,3,4], [3,4,5]): the leading axes do not broadcast together"},
		{func() *graph.Node { return graph.Gather(f(), f(2)) }, "gather([], [2]): a table has rows: want an axis"},
		{func() *graph.Node { return graph.ScatterAdd(f(2, 3), f(3), 5) }, "scatter_add([2,3], [3]): want an id for each row: the leading axes of the first operand"},
		{func() *graph.Node { return graph.ScatterAdd(f(2), f(2, 1), 5) }, "scatter_add([2], [2,1]): want an id for each row: the leading axes of the first operand"},
		{func() *graph.Node { return graph.ScatterAdd(f(2), f(2), 0) }, "scatter_add([2], [2]): tensor: shape [0]: axis 0 is 0, want at least 1"},
		{func() *graph.Node { return graph.Conv2D(f(5, 5, 3), f(3, 3, 3, 8), conv(1, graph.Same)) },
			"conv2d([5,5,3], [3,3,3,8]): want an image (N,H,W,Ci) and a kernel (Kh,Kw,Ci,Co)"},
		{func() *graph.Node { return graph.Conv2D(f(1, 5, 5, 3), f(3, 3, 8, 3), conv(1, graph.Same)) },
			"conv2d([1,5,5,3], [3,3,8,3]): image of 3 channels, kernel for 8"},
		{func() *graph.Node { return graph.Conv2D(f(1, 5, 2, 3), f(3, 3, 3, 8), conv(2, graph.Valid)) },
			"conv2d([1,5,2,3], [3,3,3,8]): axis 2: a kernel of length 3 does not fit length 2 with stride 2, padding valid"},
		{func() *graph.Node { return graph.Conv2D(f(1, 5, 5, 3), f(3, 3, 3, 8), graph.ConvConfig{}) },
			"conv2d([1,5,5,3], [3,3,3,8]): axis 1: a kernel of length 3 does not fit length 5 with stride 0, padding same"},
		{func() *graph.Node {
			return graph.Conv2DInputGrad(f(1, 3, 3, 8), f(3, 3, 3, 8), graph.Shape{1, 7, 7, 3}, conv(2, graph.Same))
		}, "conv2d_input_grad([1,3,3,8], [3,3,3,8]): a convolution of [1,7,7,3] gives [1,4,4,8]"},
		{func() *graph.Node {
			return graph.Conv2DFilterGrad(f(1, 7, 7, 3), f(1, 3, 3, 8), graph.Shape{3, 3, 3, 8}, conv(2, graph.Same))
		}, "conv2d_filter_grad([1,7,7,3], [1,3,3,8]): a convolution with kernel [3,3,3,8] gives [1,4,4,8]"},
	} {
		err := graph.Try(func() { c.build() })
		var shape *graph.ShapeError
		if !errors.As(err, &shape) || err.Error() != "graph: "+c.want {
			t.Errorf("got  %v\nwant graph: %s", err, c.want)
		}
	}
}

// Try does not recover other panics.
func TestTryKeepsOtherPanics(t *testing.T) {
	defer func() {
		if r := fmt.Sprint(recover()); !strings.Contains(r, "a bug") {
			t.Errorf("recovered %q", r)
		}
	}()
	_ = graph.Try(func() { panic("a bug") })
	t.Error("Try recovered the panic")
}
