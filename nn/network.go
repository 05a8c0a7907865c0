package nn

import (
	"strconv"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// A Layer is the record of one layer: a line of a summary and a box of a diagram.
type Layer struct {
	Name   string       // within its network
	Kind   string       // the class name in Keras: Dense, Conv2D, Reshape, InputLayer, …
	Out    tensor.Shape // of the output; axis 0 is the batch
	Params int          // the number of elements of its learned parameters
	Inputs []string     // the names of the layers of the same network that it reads
}

// A Network is the record of one network: its layers in the order in which they were added.
type Network struct {
	Name   string
	Layers []Layer
}

// Params returns the number of elements of the learned parameters of all layers.
func (n Network) Params() int {
	sum := 0
	for _, l := range n.Layers {
		sum += l.Params
	}
	return sum
}

// WithOverview returns nets and one network more, of the given name, in which each of nets is a single layer that
// reads the one before it. It is for models whose networks form a chain, such as encoder, sampling and decoder.
func WithOverview(name string, nets []Network) []Network {
	whole := Network{Name: name}
	previous := nets[0].Layers[0]
	whole.Layers = append(whole.Layers, previous)
	for _, n := range nets {
		last := n.Layers[len(n.Layers)-1]
		l := Layer{Name: n.Name, Kind: "Model", Out: last.Out, Params: n.Params(), Inputs: []string{previous.Name}}
		whole.Layers = append(whole.Layers, l)
		previous = l
	}
	return append(nets, whole)
}

// LayerName returns the name that Keras gives to layer i, from 0, of a class: dense, dense_1, dense_2, …
func LayerName(class string, i int) string {
	if i == 0 {
		return class
	}
	return class + "_" + strconv.Itoa(i)
}

// A record is a Network under construction.
type record struct {
	Network
	layerOf map[*graph.Node]string // the name of the layer whose output a node is
	known   map[string]bool        // the names of the layers
}

// inputLayers returns the names of the layers that the nodes in depend on directly. Nodes between these layers and in,
// such as a reshape, count as part of the layer that follows.
func (r *record) inputLayers(in []*graph.Node) []string {
	var names []string
	visited := map[*graph.Node]bool{}
	var walk func(n *graph.Node)
	walk = func(n *graph.Node) {
		if visited[n] {
			return
		}
		visited[n] = true
		if name, ok := r.layerOf[n]; ok {
			names = append(names, name)
			return
		}
		for _, x := range n.In() {
			walk(x)
		}
	}
	for _, n := range in {
		walk(n)
	}
	return names
}
