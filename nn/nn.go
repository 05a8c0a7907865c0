// Package nn declares parameters and adds layers to a graph.
//
// A Builder is run over the same code for every function and batch size of a
// model: a parameter is known by its full name ("encoder/conv2d/kernel") alone,
// so functions built apart and compiled against one state share it. Within one
// Builder a name is one node, however often it is declared, so a network that is
// applied twice has one set of weights.
//
// The package writes down what it builds, layer by layer, for summaries and
// diagrams. It knows no loss, no optimiser, no device and holds no numbers:
// Param.Draw is where a parameter gets its first value.
package nn

import (
	"cmp"
	"strings"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// B images, H×W×C pixels, in every comment of this package.

// A Param is a declared parameter: a state of the graphs, and how it starts.
type Param struct {
	Name  string // full: network, layer, parameter
	Shape tensor.Shape
	Init  Init

	// Buffer says that it is not learned by gradient: a running statistic. It is
	// saved with the rest, but counted nowhere.
	Buffer bool

	// Like is the name of the parameter whose first value is its own too; "" is none.
	Like string
}

// Draw returns the parameter's first value under the key of the model: it is drawn at
// key.Split(p.Name), so it does not depend on the other parameters.
func (p Param) Draw(key rng.Key) *tensor.Tensor {
	t := tensor.New(tensor.Float32, p.Shape...)
	p.Init(key.Split(cmp.Or(p.Like, p.Name)), p.Shape, t.F32())
	return t
}

// Count returns the number of elements of all params together, buffers aside.
func Count(params []Param) int {
	n := 0
	for _, p := range params {
		if !p.Buffer {
			n += p.Shape.Size()
		}
	}
	return n
}

// A Layer is a line of a summary and a box of a diagram.
type Layer struct {
	Name   string       // within its network
	Kind   string       // Keras' class name: Dense, Conv2D, Reshape, InputLayer, …
	Out    tensor.Shape // axis 0 is the batch
	Params int          // number of elements of its own parameters
	Inputs []string     // the layers of the same network that feed it
}

// A Network is a named list of layers, in the order in which they were added.
type Network struct {
	Name   string
	Layers []Layer
}

// Params returns the number of elements of the parameters of all layers.
func (n Network) Params() int {
	sum := 0
	for _, l := range n.Layers {
		sum += l.Params
	}
	return sum
}

// A Builder adds layers to one network and declares their parameters. Layers
// panic with a *graph.ShapeError where operands do not fit; see graph.Try.
type Builder struct {
	// Kernel, Bias and Gamma, the scale of a normalisation, are how the parameters
	// of the layers that follow start: GlorotUniform, Zeros and Constant(1) in a
	// new Builder. With a Bias of nil the layers have none.
	Kernel, Bias, Gamma Init
	// Training says that the layers that follow are for a step of training, if
	// they are not the same in use.
	Training bool
	// Spectral says that the kernels of the Dense, Conv2D and ConvTranspose2D layers
	// that follow are divided by their largest singular value: see kernel.
	Spectral bool

	network string
	all     *declared
}

// declared is what the Builders of all networks share.
type declared struct {
	params  []Param
	states  []*graph.Node // states[i] is params[i]
	updates []graph.Update
	// normalised is the kernel that a layer uses, of that which it learns.
	normalised map[*graph.Node]*graph.Node
	networks   []*drawn
}

// drawn is a Network while it is built.
type drawn struct {
	Network
	madeBy map[*graph.Node]string // the layer whose output a node is
}

// NewBuilder returns an empty Builder, of no network.
func NewBuilder() *Builder {
	return &Builder{Kernel: GlorotUniform, Bias: Zeros, Gamma: Constant(1), all: &declared{}}
}

// Network returns a Builder whose layers and parameters belong to the network of that
// name. It shares everything else with b.
func (b *Builder) Network(name string) *Builder {
	c := *b
	c.network = name
	return &c
}

// Param returns the parameter of that name in b's network, declared on first use.
// Declaring it again with another shape panics with a *graph.ShapeError.
func (b *Builder) Param(name string, init Init, shape ...int) *graph.Node {
	return b.declare(Param{Name: b.full(name), Shape: shape, Init: init})
}

// Shadow returns a buffer of b's network that has the name of a parameter of any network
// after its own, and starts as that does: to hold an average of it, say.
func (b *Builder) Shadow(of Param) *graph.Node {
	return b.declare(Param{Name: b.full(of.Name), Shape: of.Shape, Init: of.Init, Buffer: true, Like: of.Name})
}

func (b *Builder) declare(p Param) *graph.Node {
	for i, old := range b.all.params {
		if old.Name != p.Name {
			continue
		}
		if !old.Shape.Equal(p.Shape) {
			panic(&graph.ShapeError{Op: "parameter " + p.Name, In: []graph.Shape{old.Shape, p.Shape}, Want: "a parameter has one shape"})
		}
		return b.all.states[i]
	}
	s := graph.State(p.Name, p.Shape...)
	p.Shape = s.Shape().Clone()
	b.all.params = append(b.all.params, p)
	b.all.states = append(b.all.states, s)
	return s
}

// Params lists the parameters of all networks in the order of declaration.
func (b *Builder) Params() []Param { return b.all.params }

// States returns the nodes of Params, buffers aside, in the same order: what a loss
// is differentiated by.
func (b *Builder) States() []*graph.Node {
	var states []*graph.Node
	for i, p := range b.all.params {
		if !p.Buffer {
			states = append(states, b.all.states[i])
		}
	}
	return states
}

// Updates returns the new values of the buffers that the layers of a step of training
// average into, one a buffer.
func (b *Builder) Updates() []graph.Update { return b.all.updates }

// Networks lists the networks in the order in which they got their first layer.
func (b *Builder) Networks() []Network {
	list := make([]Network, len(b.all.networks))
	for i, d := range b.all.networks {
		list[i] = d.Network
	}
	return list
}

// Input notes that x enters b's network, as the layer of that name, and returns x.
func (b *Builder) Input(name string, x *graph.Node) *graph.Node {
	return b.Layer(name, "InputLayer", x)
}

// Layer notes y as the output of the layer of that name and kind, made from the
// outputs in, and labels the nodes between. Every layer ends with it, those
// written outside this package too: parameters declared as name/… are its own.
// A layer that is applied again is noted once.
func (b *Builder) Layer(name, kind string, y *graph.Node, in ...*graph.Node) *graph.Node {
	graph.Tag(y, b.full(name))
	d := b.drawn()
	l := Layer{Name: name, Kind: kind, Out: y.Shape().Clone(), Inputs: d.makers(in)}
	d.madeBy[y] = name
	for _, old := range d.Layers {
		if old.Name == name {
			return y
		}
	}
	for _, p := range b.all.params {
		if !p.Buffer && strings.HasPrefix(p.Name, b.full(name)+"/") {
			l.Params += p.Shape.Size()
		}
	}
	d.Layers = append(d.Layers, l)
	return y
}

func (b *Builder) full(name string) string {
	if b.network == "" {
		return name
	}
	return b.network + "/" + name
}

func (b *Builder) drawn() *drawn {
	for _, d := range b.all.networks {
		if d.Name == b.network {
			return d
		}
	}
	d := &drawn{Network{Name: b.network}, map[*graph.Node]string{}}
	b.all.networks = append(b.all.networks, d)
	return d
}

// makers names the layers nearest above in: what lies between them and in, such
// as a reshape, is part of the layer that follows.
func (d *drawn) makers(in []*graph.Node) []string {
	var names []string
	seen := map[*graph.Node]bool{}
	var walk func(n *graph.Node)
	walk = func(n *graph.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		if name, ok := d.madeBy[n]; ok {
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
