package nn

import (
	"slices"
	"testing"

	"github.com/imago-ml/imago/graph"
	"github.com/imago-ml/imago/tensor"
)

func TestResizingByHand(t *testing.T) {
	b := NewBuilder()
	x := graph.Input("x", tensor.Float32, 1, 2, 2, 2)
	values := map[string]graph.Value{"x": {1, 10, 2, 20, 3, 30, 4, 40}}
	up := b.UpSampling2D("up", x)
	want := graph.Value{
		1, 10, 1, 10, 2, 20, 2, 20, 1, 10, 1, 10, 2, 20, 2, 20,
		3, 30, 3, 30, 4, 40, 4, 40, 3, 30, 3, 30, 4, 40, 4, 40,
	}
	if got := eval(t, up, values); !slices.Equal(got, want) || !up.Shape().Equal(graph.Shape{1, 4, 4, 2}) {
		t.Errorf("doubled to %v %v, want %v", up.Shape(), got, want)
	}
	down := b.AveragePooling2D("down", up)
	if got := eval(t, down, values); !slices.Equal(got, values["x"]) || !down.Shape().Equal(graph.Shape{1, 2, 2, 2}) {
		t.Errorf("halved again to %v %v, want %v", down.Shape(), got, values["x"])
	}
	if got := eval(t, b.AveragePooling2D("mean", x), values); !slices.Equal(got, graph.Value{2.5, 25}) {
		t.Errorf("halved to %v, want the means 2.5 and 25", got)
	}
	if err := graph.Try(func() { b.AveragePooling2D("odd", graph.Input("y", tensor.Float32, 1, 3, 4, 1)) }); err == nil {
		t.Error("three rows were halved")
	}
}
