package vae

import (
	"github.com/imago-ml/imago/graph"
	"github.com/imago-ml/imago/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/tensor"
)

// batch is the inputs of a function over images, and the terms made from them.
type batch struct {
	b              *nn.Builder
	x, weight, key *graph.Node
	terms          []term
}

func (m *autoencoder) batch(n int) batch {
	s := batch{b: nn.NewBuilder()}
	s.x = m.images(n)
	s.weight = graph.Input(model.InputWeight, tensor.Float32, n)
	s.key = graph.Input(model.InputKey, tensor.Int32, 4)
	s.terms = m.terms(s.b, s.x, s.key)
	return s
}

// sum is Σ weight·value over the batch.
func (s batch) sum(value *graph.Node) *graph.Node {
	return graph.Sum(graph.Mul(s.weight, value))
}

func (m *autoencoder) images(n int) *graph.Node {
	return graph.Input(model.InputX, tensor.Float32, n, m.img.H, m.img.W, m.img.C)
}

// step is a batch, its metrics and the updates that lower its loss:
//
//	loss = Σ weight·loss_image / Σ weight
//
// so that a short batch, filled up with images of weight 0, is the batch it was.
type step struct {
	batch
	lr      *graph.Node
	metrics []graph.Output
	updates []graph.Update
	slots   []optim.Slot
}

func (m *autoencoder) step(n int) step {
	s := step{batch: m.batch(n), lr: graph.Input(model.InputLR, tensor.Float32)}
	total := graph.Sum(s.weight)
	for _, t := range s.terms {
		mean := graph.Tag(graph.Div(s.sum(t.value), total), t.name)
		s.metrics = append(s.metrics, graph.Output{Name: t.name, Value: mean})
	}
	loss := s.metrics[0].Value
	grads := graph.Grad(loss, s.b.States()...)
	norm := graph.Tag(optim.GlobalNorm(grads), model.GradNorm)
	s.metrics = append(s.metrics, graph.Output{Name: model.GradNorm, Value: norm})
	s.updates, s.slots = m.rule.Update(s.b.States(), grads, s.lr)
	s.updates = optim.Guard(s.updates, loss, norm)
	return s
}

// Train is one function: the gradient of the loss and a step of the rule.
func (m *autoencoder) Train(n int) ([]*graph.Func, error) {
	f, err := function("train", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		s := m.step(n)
		return []*graph.Node{s.x, s.weight, s.key, s.lr}, s.metrics, s.updates
	})
	return []*graph.Func{f}, err
}

// Eval is the weighted sums of the terms.
func (m *autoencoder) Eval(n int) (*graph.Func, error) {
	return function("eval", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		s := m.batch(n)
		var out []graph.Output
		for _, t := range s.terms {
			out = append(out, graph.Output{Name: t.name + model.SumSuffix, Value: graph.Tag(s.sum(t.value), t.name)})
		}
		return []*graph.Node{s.x, s.weight, s.key}, out, nil
	})
}

// Encode gives the mean of q(z|x), and its log-variance if it has one.
func (m *autoencoder) Encode(n int) (*graph.Func, error) {
	return function("encode", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		x := m.images(n)
		mu, logVar := m.encode(nn.NewBuilder(), x)
		out := []graph.Output{{Name: model.OutputMean, Value: mu}}
		if logVar != nil {
			out = append(out, graph.Output{Name: model.OutputLogVar, Value: logVar})
		}
		return []*graph.Node{x}, out, nil
	})
}

// Decode gives the mean image of p(x|z).
func (m *autoencoder) Decode(n int) (*graph.Func, error) {
	return function("decode", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		z := graph.Input(model.InputZ, tensor.Float32, n, m.latent)
		return []*graph.Node{z}, picture(m.decode(nn.NewBuilder(), z)), nil
	})
}

// Reconstruct decodes the mean of q(z|x).
func (m *autoencoder) Reconstruct(n int) (*graph.Func, error) {
	return function("reconstruct", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		b, x := nn.NewBuilder(), m.images(n)
		mu, _ := m.encode(b, x)
		return []*graph.Node{x}, picture(m.decode(b, mu)), nil
	})
}

func picture(logits *graph.Node) []graph.Output {
	return []graph.Output{{Name: model.OutputPicture, Value: graph.Tag(graph.Sigmoid(logits), model.OutputPicture)}}
}

// function makes a Func of what build returns, with those of its inputs that the
// outputs depend on: a deterministic design needs no key.
func function(name string, build func() ([]*graph.Node, []graph.Output, []graph.Update)) (*graph.Func, error) {
	var inputs, used []*graph.Node
	f := &graph.Func{}
	if err := graph.Try(func() { inputs, f.Outputs, f.Updates = build() }); err != nil {
		return nil, err
	}
	needed := map[*graph.Node]bool{}
	for _, n := range f.Nodes() {
		needed[n] = true
	}
	for _, in := range inputs {
		if needed[in] {
			used = append(used, in)
		}
	}
	return graph.NewFunc(name, used, f.Outputs, f.Updates)
}
