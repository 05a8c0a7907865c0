// Package nn builds the layers of neural networks as graph nodes and declares their parameters.
//
// To use it, make a Builder with NewBuilder, take the view of one network with Network, and call one method for each
// layer:
//
//	b := nn.NewBuilder()
//	decoder := b.Network("decoder")
//	h := decoder.Dense("dense", z, 256, nn.ReLU) // z (B, Z)
//	logits := decoder.Dense("logits", h, 784, nn.None)
//	loss := graph.Mean(prob.BernoulliNLL(x, logits))
//	grads := graph.Grad(loss, b.States()...) // one gradient for each learned parameter
//
// The same code runs for every function and every batch size of a model. A parameter is identified by its full name
// alone ("decoder/dense/kernel"): functions that are built by different Builders and compiled with one state share
// their parameters. Within one Builder a name is one node: a network that is applied twice has one set of weights.
//
// A Builder also records the layers of each network, for summaries and diagrams: see Networks. A layer of your own
// calls Param for its parameters and Layer for its record.
//
// The package holds no numbers, and must not know losses, optimisers or devices. Param.Draw computes the initial
// value of a parameter.
package nn

import (
	"cmp"
	"iter"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// In all comments of this package, B is the batch size, H, W and C are the height, the width and the channels of an
// image, and D is the number of features.

// A Param describes a declared parameter: a state of the graphs and its initial value.
type Param struct {
	Name  string // the full name: network/layer/parameter
	Shape tensor.Shape
	Init  Init // computes the initial value

	// Buffer is whether the parameter is not learned by gradient, for example a running statistic. A buffer is
	// saved with the other parameters. Count, Builder.States and Layer.Params leave buffers out.
	Buffer bool

	// InitFrom is the name of another parameter whose initial value this one also has; "" = none.
	InitFrom string
}

// Draw returns the initial value of the parameter. It draws with key.Split(p.Name), so the value depends on the key
// of the model and on the name, and not on the other parameters.
func (p Param) Draw(key rng.Key) *tensor.Tensor {
	t := tensor.New(tensor.Float32, p.Shape...)
	p.Init(key.Split(cmp.Or(p.InitFrom, p.Name)), p.Shape, t.F32())
	return t
}

// InitialValues returns the initial value of each parameter, by name: Draw with the key of the model.
func InitialValues(params []Param, key rng.Key) iter.Seq2[string, *tensor.Tensor] {
	return func(yield func(string, *tensor.Tensor) bool) {
		for _, p := range params {
			if !yield(p.Name, p.Draw(key)) {
				return
			}
		}
	}
}

// Shapes returns the shape of each parameter, by name.
func Shapes(params []Param) iter.Seq2[string, tensor.Shape] {
	return func(yield func(string, tensor.Shape) bool) {
		for _, p := range params {
			if !yield(p.Name, p.Shape) {
				return
			}
		}
	}
}

// Count returns the number of elements of all params, without the buffers.
func Count(params []Param) int {
	n := 0
	for _, p := range params {
		if !p.Buffer {
			n += p.Shape.Size()
		}
	}
	return n
}

// A Builder adds layers to one network and declares their parameters. Its methods panic with a *graph.ShapeError
// where the operands of a layer do not fit; call them within graph.Try to get an error instead.
type Builder struct {
	// Kernel, Bias and Gamma compute the initial values of the kernels, the biases and the scales of batch
	// normalisation in the layers that follow. In a new Builder they are GlorotUniform, Zeros and Constant(1). If
	// Bias is nil, the layers have no bias; if Gamma is nil, BatchNorm has no scale.
	Kernel, Bias, Gamma Init
	// Training is whether the layers that follow are part of a training step. BatchNorm, Spectral and Dropout depend on it.
	Training bool
	// Key is the random key of a training step, int32 (4), from which Dropout draws; nil if there is no such layer.
	Key *graph.Node
	// Spectral is whether the kernels of the Dense, Conv2D and ConvTranspose2D layers that follow are divided by
	// their largest singular value (spectral normalisation): see kernel.
	Spectral bool

	network string
	shared  *sharedState
}

// sharedState is what the Builders of all networks of a model share.
type sharedState struct {
	params  []Param
	states  []*graph.Node  // states[i] is the node of params[i]
	index   map[string]int // of the parameter of a name
	sizes   map[string]int // elements of the learned parameters whose names begin with a path
	updates []graph.Update
	// normalised maps a learned kernel to the kernel after spectral normalisation.
	normalised map[*graph.Node]*graph.Node
	networks   []*record
}

// NewBuilder returns an empty Builder. Its layers belong to the network "": call Network for a named one.
func NewBuilder() *Builder {
	return &Builder{Kernel: GlorotUniform, Bias: Zeros, Gamma: Constant(1), shared: &sharedState{index: map[string]int{}, sizes: map[string]int{}}}
}

// Network returns a Builder whose layers and parameters belong to the network of the given name. It copies the
// settings of b and shares its parameters, updates and records.
func (b *Builder) Network(name string) *Builder {
	c := *b
	c.network = name
	return &c
}

// Param returns the state of the parameter with the given name in the network of b, and declares it on first use. A
// layer of your own calls it once for each of its parameters, with the name layer/parameter. It panics with a
// *graph.ShapeError if the name is already declared with another shape.
func (b *Builder) Param(name string, init Init, shape ...int) *graph.Node {
	return b.declare(Param{Name: b.fullName(name), Shape: shape, Init: init})
}

// Buffer returns a parameter that is not learned by gradient, for example an average over training steps. See Param.
func (b *Builder) Buffer(name string, init Init, shape ...int) *graph.Node {
	return b.declare(Param{Name: b.fullName(name), Shape: shape, Init: init, Buffer: true})
}

// Shadow returns a buffer in the network of b with the shape, the name and the initial value of p, a parameter of
// any network. It can hold an exponential moving average of p.
func (b *Builder) Shadow(p Param) *graph.Node {
	return b.declare(Param{Name: b.fullName(p.Name), Shape: p.Shape, Init: p.Init, Buffer: true, InitFrom: p.Name})
}

// declare returns the state of p, which it declares unless the name is known already.
func (b *Builder) declare(p Param) *graph.Node {
	if i, ok := b.shared.index[p.Name]; ok {
		if old := b.shared.params[i]; !old.Shape.Equal(p.Shape) {
			panic(&graph.ShapeError{Op: "parameter " + p.Name, In: []graph.Shape{old.Shape, p.Shape}, Want: "a parameter has one shape"})
		}
		return b.shared.states[i]
	}
	s := graph.State(p.Name, p.Shape...)
	p.Shape = s.Shape().Clone()
	b.shared.index[p.Name] = len(b.shared.params)
	for i, r := range p.Name {
		if r == '/' && !p.Buffer {
			b.shared.sizes[p.Name[:i]] += p.Shape.Size()
		}
	}
	b.shared.params = append(b.shared.params, p)
	b.shared.states = append(b.shared.states, s)
	return s
}

// fullName returns network/name, or name in the network "".
func (b *Builder) fullName(name string) string {
	if b.network == "" {
		return name
	}
	return b.network + "/" + name
}

// Params returns the parameters of all networks, buffers included, in the order of declaration.
func (b *Builder) Params() []Param { return b.shared.params }

// States returns the states of the learned parameters of all networks, in the order of declaration. A training step
// differentiates its loss with respect to them.
func (b *Builder) States() []*graph.Node {
	var states []*graph.Node
	for i, p := range b.shared.params {
		if !p.Buffer {
			states = append(states, b.shared.states[i])
		}
	}
	return states
}

// Updates returns the new values of the buffers, at most one for each buffer. A training step adds them to the
// updates of its optimiser: they are the running statistics of BatchNorm and the vectors of spectral normalisation.
func (b *Builder) Updates() []graph.Update { return b.shared.updates }

// Networks returns the records of the networks, in the order in which each got its first layer.
func (b *Builder) Networks() []Network {
	list := make([]Network, len(b.shared.networks))
	for i, r := range b.shared.networks {
		list[i] = r.Network
	}
	return list
}

// Input records x as an input of the network of b, under the given name, and returns x.
func (b *Builder) Input(name string, x *graph.Node) *graph.Node {
	return b.Layer(name, "InputLayer", x)
}

// Layer records y as the output of a layer and returns y. The arguments are the name and the kind of the layer, its
// output y, and the outputs in of the layers it is computed from. Layer also labels the nodes between in and y with
// the name. Every layer ends with this call, layers of your own too. The parameters that are declared as name/… belong
// to the layer. A layer that is applied again is recorded once.
func (b *Builder) Layer(name, kind string, y *graph.Node, in ...*graph.Node) *graph.Node {
	graph.Tag(y, b.fullName(name))
	r := b.networkRecord()
	inputs := r.inputLayers(in)
	r.layerOf[y] = name
	if !r.known[name] {
		r.known[name] = true
		r.Layers = append(r.Layers, Layer{Name: name, Kind: kind, Out: y.Shape().Clone(), Inputs: inputs, Params: b.shared.sizes[b.fullName(name)]})
	}
	return y
}

// networkRecord returns the record of the network of b, which it adds if it is missing.
func (b *Builder) networkRecord() *record {
	for _, r := range b.shared.networks {
		if r.Name == b.network {
			return r
		}
	}
	r := &record{Network{Name: b.network}, map[*graph.Node]string{}, map[string]bool{}}
	b.shared.networks = append(b.shared.networks, r)
	return r
}
