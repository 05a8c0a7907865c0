package nn

import (
	"fmt"
	"math"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/graph/graphtest"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// The convolutions of stride 2 equal their definitions: upsampling and then a convolution of stride 1, and a
// convolution of stride 1 and then average pooling.
func TestUpsampleAndDownsampleConvolutions(t *testing.T) {
	for _, kernel := range []int{1, 3, 5} {
		b := NewBuilder()
		x := graph.Input("x", tensor.Float32, 2, 4, 6, 3)
		w := graph.Input("w", tensor.Float32, kernel, kernel, 3, 2)
		plain := func(x *graph.Node) *graph.Node {
			return graph.Conv2D(x, w, graph.ConvConfig{Stride: [2]int{1, 1}, Padding: graph.Same})
		}
		values := map[string]graph.Value{
			"x": graphtest.Uniform(rng.New(1), -1, 1, 2, 4, 6, 3).Value,
			"w": graphtest.Uniform(rng.New(2), -1, 1, kernel, kernel, 3, 2).Value,
		}
		values["down/kernel"], values["down/bias"] = values["w"], graph.Value{0.5, -1}
		mirrored := make(graph.Value, len(values["w"])) // (row, column, in, out) → (−row, −column, out, in)
		for i, v := range values["w"] {
			tap, in, out := i/6, i/2%3, i%2
			mirrored[(kernel*kernel-1-tap)*6+out*3+in] = v
		}
		values["up/kernel"], values["up/bias"] = mirrored, values["down/bias"]
		bias := graph.ConstOf([]float32{0.5, -1}, 2)

		upsampled := graph.Reshape(graph.BroadcastTo(graph.Reshape(x, 2, 4, 1, 6, 1, 3), 2, 4, 2, 6, 2, 3), 2, 8, 12, 3)
		pooled := graph.Mean(graph.Reshape(plain(x), 2, 2, 2, 3, 2, 2), 2, 4)
		for _, c := range []struct{ got, want *graph.Node }{
			{b.UpsampleConv2D("up", x, 2, kernel, None), graph.Add(plain(upsampled), bias)},
			{b.DownsampleConv2D("down", x, 2, kernel, None), graph.Add(pooled, bias)},
		} {
			name := fmt.Sprintf("%s, kernel %d", c.got.Label(), kernel)
			if !c.got.Shape().Equal(c.want.Shape()) {
				t.Fatalf("%s: %v, want %v", name, c.got.Shape(), c.want.Shape())
			}
			want := eval(t, c.want, values)
			for i, v := range eval(t, c.got, values) {
				if !(math.Abs(v-want[i]) < 1e-12) {
					t.Errorf("%s: value %d is %v, want %v", name, i, v, want[i])
					break
				}
			}
		}
	}
	b := NewBuilder()
	for name, build := range map[string]func(){
		"three rows":     func() { b.DownsampleConv2D("a", graph.Input("x", tensor.Float32, 1, 3, 4, 1), 1, 3, None) },
		"an even kernel": func() { b.UpsampleConv2D("b", graph.Input("x", tensor.Float32, 1, 4, 4, 1), 1, 2, None) },
		"a vector":       func() { b.DownsampleConv2D("c", graph.Input("x", tensor.Float32, 4, 4), 1, 3, None) },
	} {
		if graph.Try(build) == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
