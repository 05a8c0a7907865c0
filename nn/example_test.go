package nn_test

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/nn"
)

// A classifier of two layers for images of 28×28 pixels: its layers, its parameters and an initial value.
func Example() {
	b := nn.NewBuilder()
	net := b.Network("classifier")
	x := net.Input("images", graph.Input("x", tensor.Float32, 32, 28, 28, 1))
	h := net.Dense("dense", net.Flatten("flatten", x), 100, nn.ReLU)
	logits := net.Dense("logits", h, 10, nn.None)

	fmt.Println("logits:", logits.Shape())
	for _, p := range b.Params() {
		fmt.Println(p.Name, p.Shape)
	}
	fmt.Println("parameters:", nn.Count(b.Params()))

	w := b.Params()[0].Draw(rng.New(1)) // the same for every seed 1
	fmt.Println("initial kernel:", w.Shape())
	// Output:
	// logits: [32,10]
	// classifier/dense/kernel [784,100]
	// classifier/dense/bias [100]
	// classifier/logits/kernel [100,10]
	// classifier/logits/bias [10]
	// parameters: 79510
	// initial kernel: [784,100]
}

// A layer of your own declares its parameters with Param and records its output with Layer.
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
