package nn_test

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/nn"
)

// A layer of one's own is parameters, nodes, and a note of the result.
func ExampleBuilder_Layer() {
	scale := func(b *nn.Builder, name string, x *graph.Node) *graph.Node {
		gain := b.Param(name+"/gain", nn.Constant(1), x.Shape()[1])
		return b.Layer(name, "Scale", graph.Mul(x, gain), x)
	}

	b := nn.NewBuilder()
	net := b.Network("net")
	x := net.Input("in", graph.Input("x", tensor.Float32, 8, 784))
	scale(net, "scale", net.Dense("dense", x, 10, nn.ReLU))

	for _, l := range b.Networks()[0].Layers {
		fmt.Println(l.Name, l.Kind, l.Out, l.Params, l.Inputs)
	}
	for _, p := range b.Params() {
		fmt.Println(p.Name, p.Shape)
	}
	// Output:
	// in InputLayer [8,784] 0 []
	// dense Dense [8,10] 7850 [in]
	// scale Scale [8,10] 10 [dense]
	// net/dense/kernel [784,10]
	// net/dense/bias [10]
	// net/scale/gain [10]
}
