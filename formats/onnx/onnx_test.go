package onnx_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/onnx"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/nn"
)

// fields calls f for each field of a message that holds bytes.
func fields(t *testing.T, b []byte, f func(field protowire.Number, v []byte)) {
	t.Helper()
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		b = b[n:]
		n = protowire.ConsumeFieldValue(num, typ, b)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		if typ == protowire.BytesType {
			v, _ := protowire.ConsumeBytes(b)
			f(num, v)
		}
		b = b[n:]
	}
}

// operators returns the operators of a file, in order.
func operators(t *testing.T, file []byte) []string {
	var ops []string
	fields(t, file, func(field protowire.Number, v []byte) {
		if field != 7 { // the graph
			return
		}
		fields(t, v, func(field protowire.Number, v []byte) {
			if field != 1 { // a node
				return
			}
			fields(t, v, func(field protowire.Number, v []byte) {
				if field == 4 {
					ops = append(ops, string(v))
				}
			})
		})
	})
	return ops
}

// network returns a function of a network over an input, and its weights.
func network(t *testing.T, shape []int, layers func(b *nn.Builder, x *graph.Node) *graph.Node) (build func(batch int) (*graph.Func, error), weights func(string) (*tensor.Tensor, error)) {
	values := map[string]*tensor.Tensor{}
	build = func(batch int) (f *graph.Func, err error) {
		x := graph.Input("x", tensor.Float32, append([]int{batch}, shape...)...)
		if failed := graph.Try(func() {
			b := nn.NewBuilder()
			f, err = graph.NewFunc("network", []*graph.Node{x}, []graph.Output{{Name: "y", Value: layers(b, x)}}, nil)
			for _, p := range b.Params() {
				values[p.Name] = p.Draw(rng.New(1))
			}
		}); failed != nil {
			t.Fatal(failed)
		}
		return f, err
	}
	return build, func(name string) (*tensor.Tensor, error) { return values[name], nil }
}

// The graph of a decoder and of an encoder is what one would write by hand: no transpose between layers, and batch norm in
// the layers before it.
func TestOperators(t *testing.T) {
	for _, tt := range []struct {
		name   string
		shape  []int
		layers func(b *nn.Builder, x *graph.Node) *graph.Node
		want   string
	}{
		{"decoder", []int{5}, func(b *nn.Builder, x *graph.Node) *graph.Node {
			h := b.Reshape("r", b.Dense("d", x, 3*4*8, nn.None), 3, 4, 8)
			h = b.BatchNorm("n", h, nn.ReLU)
			h = b.BatchNorm("n1", b.ConvTranspose2D("c", h, 6, 3, 2, graph.Same, nn.None), nn.LeakyReLU(0.2))
			return b.ConvTranspose2D("c1", h, 1, 4, 2, graph.Same, nn.Sigmoid)
		}, "Gemm Reshape Relu ConvTranspose LeakyRelu ConvTranspose Reshape Sigmoid"},
		{"encoder", []int{8, 10, 3}, func(b *nn.Builder, x *graph.Node) *graph.Node {
			h := b.BatchNorm("n", b.Conv2D("c", x, 6, 3, 2, graph.Same, nn.None), nn.ReLU)
			h = b.Conv2D("c1", h, 4, 3, 2, graph.Same, nn.ReLU)
			return b.Dense("d", b.Flatten("f", h), 2, nn.None)
		}, "Transpose Conv Relu Conv Relu Reshape Gemm"},
		{"residual block", []int{6, 6, 4}, func(b *nn.Builder, x *graph.Node) *graph.Node {
			x = b.Conv2D("c", x, 4, 3, 1, graph.Same, nn.None)
			h := b.Conv2D("c1", graph.ReLU(x), 4, 3, 1, graph.Same, nn.None)
			return graph.Sum(graph.Add(x, h), 1, 2)
		}, "Transpose Conv Relu Conv Add ReduceSum"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			build, weights := network(t, tt.shape, tt.layers)
			var file, again bytes.Buffer
			for _, w := range []*bytes.Buffer{&file, &again} {
				if _, err := onnx.Write(w, build, onnx.Options{Weights: weights}); err != nil {
					t.Fatal(err)
				}
			}
			if got := strings.Join(operators(t, file.Bytes()), " "); got != tt.want {
				t.Errorf("operators %s, want %s", got, tt.want)
			}
			if !bytes.Equal(file.Bytes(), again.Bytes()) {
				t.Error("the same function gives other bytes")
			}
		})
	}
}

// What cannot be written is an error that says why.
func TestUnsupported(t *testing.T) {
	state := func(v float32) func(string) (*tensor.Tensor, error) {
		return func(string) (*tensor.Tensor, error) { return tensor.FromSlice([]float32{v}, 1) }
	}
	function := func(updates []graph.Update, y func(batch int, x *graph.Node) *graph.Node) func(batch int) (*graph.Func, error) {
		return func(batch int) (*graph.Func, error) {
			x := graph.Input("x", tensor.Float32, batch, 3)
			return graph.NewFunc("f", []*graph.Node{x}, []graph.Output{{Name: "y", Value: y(batch, x)}}, updates)
		}
	}
	w := graph.State("w", 1)
	for _, tt := range []struct {
		name  string
		build func(batch int) (*graph.Func, error)
		o     onnx.Options
		want  string
	}{
		{"mean over a batch", function(nil, func(_ int, x *graph.Node) *graph.Node { return graph.Mean(x, 0) }), onnx.Options{}, "a constant depends on the batch"},
		{"one more than the batch", function(nil, func(_ int, x *graph.Node) *graph.Node {
			return graph.Pad(x, []int{0, 0}, []int{1, 0}, []int{0, 0})
		}), onnx.Options{}, "axis 0 is 17 long for a batch of 16 and 18 for one of 17, which is no multiple"},
		{"another operation", function(nil, func(batch int, x *graph.Node) *graph.Node {
			if batch%2 == 0 {
				return graph.Exp(x)
			}
			return graph.Tanh(x)
		}), onnx.Options{}, "is another operation for another batch"},
		{"an update", function([]graph.Update{{State: w, Value: graph.Exp(w)}}, func(_ int, x *graph.Node) *graph.Node { return x }), onnx.Options{}, "f updates states"},
		{"a maximum in 32 bits", function(nil, func(_ int, x *graph.Node) *graph.Node { return graph.Max(x, w) }), onnx.Options{Weights: state(70000), Precision: onnx.Float16}, ""},
		{"a kernel beyond 16 bits", function(nil, func(_ int, x *graph.Node) *graph.Node {
			return graph.MatMul(x, graph.BroadcastTo(w, 3, 2))
		}), onnx.Options{Weights: state(70000), Precision: onnx.Float16}, "w: value 0 is 70000, and float16 holds numbers up to 65504: write float32"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := onnx.Write(&bytes.Buffer{}, tt.build, tt.o)
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (!errors.Is(err, onnx.ErrUnsupported) || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("the error is %v, want %s", err, tt.want)
			}
		})
	}
}

// TestComputingWithinBudget checks that what is computed of weights while a file is written is taken from the memory budget.
func TestComputingWithinBudget(t *testing.T) {
	build := func(batch int) (*graph.Func, error) {
		x := graph.Input("x", tensor.Float32, batch, 1024)
		w := graph.State("w", 1024, 1024)
		return graph.NewFunc("network", []*graph.Node{x}, []graph.Output{{Name: "y", Value: graph.MatMul(x, graph.Tanh(w))}}, nil)
	}
	w := tensor.New(tensor.Float32, 1024, 1024)
	runtime.GC()
	memory.SetLimit(memory.InUse() + 4<<20)
	defer memory.SetLimit(0)
	var over *memory.Error
	_, err := onnx.Write(io.Discard, build, onnx.Options{Weights: func(string) (*tensor.Tensor, error) { return w, nil }})
	if !errors.As(err, &over) || !strings.Contains(err.Error(), "computing ") {
		t.Errorf("16 MiB in 4: %v", err)
	}
}
