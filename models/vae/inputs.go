package vae

import (
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// Inputs are the nodes that a function of a model may depend on, and the builder of its
// networks. A node that a function does not depend on is no input of it.
type Inputs struct {
	// Builder declares parameters; a network is Builder.Network of its name. In a step of
	// training Builder.Training is set.
	Builder *nn.Builder

	X      *graph.Node // (B,H,W,C) in [0,1]
	Labels *graph.Node // (B,K); nil if K is 0
	Weight *graph.Node // (B), 1 for an image and 0 for padding; nil where images are scored one by one
	Key    *graph.Node // int32 (4), the random key of the batch
	Epoch  *graph.Node // (), epochs of training done; nil outside a step of training

	// Measures are the numbers of each item that its medium measures, (B,M), in the order of
	// medium.Measurer; nil of a medium that measures none.
	Measures *graph.Node

	// LabelledX and LabelledY are the labelled images of a semi-supervised step of
	// training, (L,H,W,C) and (L,K); else nil.
	LabelledX, LabelledY *graph.Node
}

// A Term is a metric with a value for each image, (B).
type Term struct {
	Name  string
	Value *graph.Node
}

// A Posterior is q(z|x) = N(Mu, diag e^LogVar) of a batch and one draw from it.
type Posterior struct {
	Mu, LogVar *graph.Node // (B,Z); LogVar is ln σ²
	Z          *graph.Node // (B,Z), Mu + e^(LogVar/2)·ε
	KL         *graph.Node // (B), KL(q(z|x) ‖ N(0, I)), nats
}

// newInputs returns the inputs of a function of n images.
func newInputs(in model.Input, n int) *Inputs {
	s := &Inputs{
		Builder: nn.NewBuilder(),
		X:       graph.Input(model.InputX, tensor.Float32, in.Batch(n)...),
		Weight:  graph.Input(model.InputWeight, tensor.Float32, n),
		Key:     graph.Input(model.InputKey, tensor.Int32, 4),
	}
	if in.Labels > 0 {
		s.Labels = graph.Input(model.InputLabels, tensor.Float32, n, in.Labels)
	}
	if m, ok := in.Medium.(medium.Measurer); ok {
		s.Measures = graph.Input(model.InputMeasures, tensor.Float32, n, len(m.Measures(in.Item)))
	}
	return s
}

// nodes returns the inputs that are set, and more.
func (in *Inputs) nodes(more ...*graph.Node) []*graph.Node {
	var all []*graph.Node
	for _, n := range append([]*graph.Node{in.X, in.Labels, in.Weight, in.Key, in.Epoch, in.Measures, in.LabelledX, in.LabelledY}, more...) {
		if n != nil {
			all = append(all, n)
		}
	}
	return all
}

// Total returns the sum of value over the images of weight 1: value (B) → ().
func (in *Inputs) Total(value *graph.Node) *graph.Node {
	return graph.Sum(graph.Mul(in.Weight, value))
}

// Mean returns the mean of value over the images of weight 1: value (B) → (). It is not
// a number if there are none.
func (in *Inputs) Mean(value *graph.Node) *graph.Node {
	return graph.Div(in.Total(value), graph.Sum(in.Weight))
}

// metric returns the mean of value as a metric.
func (in *Inputs) metric(name string, value *graph.Node) graph.Output {
	return graph.Output{Name: name, Value: graph.Tag(in.Mean(value), name)}
}

// metrics returns the means of all terms.
func (in *Inputs) metrics(terms []Term) []graph.Output {
	var all []graph.Output
	for _, t := range terms {
		all = append(all, in.metric(t.Name, t.Value))
	}
	return all
}

// withImages returns the inputs with other images and labels, all of weight 1.
func (in *Inputs) withImages(x, labels *graph.Node) *Inputs {
	t := *in
	t.X, t.Labels, t.Weight = x, labels, nil
	return &t
}

// withTarget returns the inputs with the images whose likelihood is computed: binarised
// if l asks for it.
func (in *Inputs) withTarget(l likelihood.Likelihood) *Inputs {
	t := *in
	t.X = l.Target(in.X, in.Key)
	return &t
}

// repeated returns the inputs with each image k times, as repeat orders them.
func (in *Inputs) repeated(k int) *Inputs {
	t := *in
	t.X, t.Labels, t.Weight = repeat(in.X, k), repeat(in.Labels, k), repeat(in.Weight, k)
	return &t
}

// repeat returns images k times, all images of one repetition after another:
// (B,…) → (k·B,…).
func repeat(x *graph.Node, k int) *graph.Node {
	if x == nil || k == 1 {
		return x
	}
	s := x.Shape()
	all := graph.BroadcastTo(graph.Reshape(x, append([]int{1}, s...)...), append([]int{k}, s...)...)
	return graph.Reshape(all, append([]int{k * s[0]}, s[1:]...)...)
}

// reconstructionLoss returns −ln p(x|z) of each image, without the constant of l:
// logits (B,H,W,C) → (B).
func (in *Inputs) reconstructionLoss(l likelihood.Likelihood, logits *graph.Node) *graph.Node {
	return graph.Tag(l.NLL(in.Builder.Network("decoder"), in.X, logits), model.Reconstruction)
}
