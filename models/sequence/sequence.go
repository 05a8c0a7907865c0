// Package sequence are generative models of sequences that are computed step by step: a
// language model and the deep Markov model; a file a paper.
//
// An item is a sequence of tokens, (T) with a vocabulary, or of vectors of numbers from 0 to 1,
// (T, D), such as the keys of a piano-roll. A sequence may end before the last step of its item:
// a medium.Terminator or a medium.Masked says where, and what follows counts nowhere. The
// metrics of an item are sums over the steps of its sequence, whose number is the metric
// model.Steps, so the quotient of two means is a figure per step of all sequences together, as
// publications have it.
//
// The VAE of sequences with one code for an item is in package vae. This package must not know
// any medium.
package sequence

import (
	"fmt"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/prob"
)

// B sequences of T steps, D numbers a step or V tokens, Z latent units a step, in every comment
// of this package.

// maxSteps bounds the steps of an item: each adds its nodes to the graph of a step of training.
const maxSteps = 512

// A kind is what sequences consist of: tokens or vectors.
type kind struct {
	item medium.Item
	mask int // the channel that says which steps belong to the sequence; −1 of none
}

// kindOf returns the kind of the sequences of an item. It fails if they are none.
func kindOf(item medium.Item) (kind, error) {
	k := kind{item, -1}
	tokens := item.Element == medium.Tokens
	switch {
	case tokens && len(item.Shape) != 1 || !tokens && len(item.Shape) != 2:
		return k, option.Errorf("sequence: images of %v in %v: these networks take sequences, of tokens as of a text, or of vectors as of a piano-roll; use dense networks, as those of mlp-vae", item.Element, item)
	case item.Shape[0] < 2 || item.Shape[0] > maxSteps:
		return k, option.Errorf("sequence: sequences of %d steps: want 2 to %d", item.Shape[0], maxSteps)
	}
	if c, ok := medium.MaskChannel(item); ok && !tokens {
		if c < 0 || c >= item.Shape[1] || item.Shape[1] < 2 {
			return k, fmt.Errorf("sequence: the mask of %v is channel %d", item, c)
		}
		k.mask = c
	}
	return k, nil
}

// tokens reports whether the sequences are of tokens.
func (k kind) tokens() bool { return k.item.Element == medium.Tokens }

// steps returns T.
func (k kind) steps() int { return k.item.Shape[0] }

// width returns the number of logits of a step: V of tokens, else D.
func (k kind) width() int {
	switch {
	case k.tokens():
		return k.item.Vocabulary
	case k.mask >= 0:
		return k.item.Shape[1] - 1
	}
	return k.item.Shape[1]
}

// A batch is the inputs of a function of sequences, and the builder of its networks.
type batch struct {
	kind
	n                     int // B
	b                     *nn.Builder
	x, weight, key, epoch *graph.Node // epoch is nil outside a step of training

	values *graph.Node // ids (B,T), or vectors (B,T,D)
	mask   *graph.Node // (B,T): 1 in the steps of the sequence, 0 after its end
}

// batch returns the inputs of a function of n sequences.
func (k kind) batch(n int) *batch {
	x := graph.Input(model.InputX, tensor.Float32, k.item.Batch(n)...)
	in := &batch{kind: k, n: n, b: nn.NewBuilder(), x: x, weight: graph.Input(model.InputWeight, tensor.Float32, n), key: graph.Input(model.InputKey, tensor.Int32, 4)}
	in.values, in.mask = k.observe(x)
	return in
}

// observe returns the values of sequences x (B, Shape…) without the mask, and the mask (B,T).
func (k kind) observe(x *graph.Node) (values, mask *graph.Node) {
	n, steps := x.Shape()[0], k.steps()
	mask = graph.BroadcastTo(graph.Const(1), n, steps)
	switch end, ends := medium.End(k.item); {
	case ends:
		return x, likelihood.Steps(x, end)
	case k.mask < 0:
		return x, mask
	}
	channels := func(from, to int) *graph.Node {
		return graph.Slice(x, []int{0, 0, from}, []int{n, steps, to}, []int{1, 1, 1})
	}
	mask = graph.Reshape(channels(k.mask, k.mask+1), n, steps)
	var parts []*graph.Node
	if k.mask > 0 {
		parts = append(parts, channels(0, k.mask))
	}
	if last := k.width() + 1; k.mask+1 < last {
		parts = append(parts, channels(k.mask+1, last))
	}
	return graph.Concat(2, parts...), mask
}

// nll returns −ln p of each sequence, in nats: logits (B,T,V) or (B,T,D) → (B).
//
//	Σ_t −ln p(x_t),   p = softmax(logits_t), or a Bernoulli of each number with σ(logits_t)
func (in *batch) nll(logits *graph.Node) *graph.Node {
	if in.tokens() {
		return likelihood.Tokens(in.item).NLL(in.b, in.values, logits)
	}
	rows := in.n * in.steps()
	each := prob.BernoulliNLL(graph.Reshape(in.values, rows, in.width()), graph.Reshape(logits, rows, in.width()))
	return in.total(graph.Reshape(each, in.n, in.steps()))
}

// total returns the sum over the steps of each sequence: (B,T) → (B).
func (in *batch) total(x *graph.Node) *graph.Node { return graph.Sum(graph.Mul(in.mask, x), 1) }

// draw returns what a step has, drawn by its logits from the stream of that name: (B,V) → ids
// (B), or (B,D) → (B,D) of 0 and 1.
func (in *batch) draw(logits *graph.Node, stream string) *graph.Node {
	if in.tokens() {
		return prob.CategoricalSample(logits, in.key, stream)
	}
	return prob.Binarize(graph.Sigmoid(logits), in.key, stream)
}

// picture returns items of the values of all steps: ids (B) or vectors (B,D) each → (B,
// Shape…). A sequence of tokens ends with its first end. The mask of vectors is mask, (B,T), or
// 1 throughout if it is nil.
func (in *batch) picture(values []*graph.Node, mask *graph.Node) *graph.Node {
	if in.tokens() {
		end, ends := medium.End(in.item)
		for t := range values {
			if ends && t > 0 {
				last := graph.Const(float64(end))
				values[t] = graph.Select(graph.Equal(values[t-1], last), last, values[t])
			}
		}
		for t, v := range values {
			values[t] = graph.Reshape(v, in.n, 1)
		}
		return graph.Concat(1, values...)
	}
	for t, v := range values {
		values[t] = graph.Reshape(v, in.n, 1, in.width())
	}
	all := graph.Concat(1, values...)
	if in.kind.mask < 0 {
		return all
	}
	if mask == nil {
		mask = graph.BroadcastTo(graph.Const(1), in.n, in.steps())
	}
	part := func(from, to int) *graph.Node {
		return graph.Slice(all, []int{0, 0, from}, []int{in.n, in.steps(), to}, []int{1, 1, 1})
	}
	parts := []*graph.Node{graph.Reshape(mask, in.n, in.steps(), 1)}
	if c := in.kind.mask; c > 0 {
		parts = append([]*graph.Node{part(0, c)}, parts...)
	}
	if c := in.kind.mask; c < in.width() {
		parts = append(parts, part(c, in.width()))
	}
	return graph.Concat(2, parts...)
}

// A term is a metric with a value for each sequence, (B).
type term struct {
	name  string
	value *graph.Node
}

// stepsTerm returns the number of steps of each sequence.
func (in *batch) stepsTerm() term { return term{model.Steps, graph.Sum(in.mask, 1)} }

// A definition is what one model of the package minimises and can do.
type definition struct {
	name    string
	formula string // of the loss, with its unit

	terms       func(in *batch) []term                 // the first is minimised
	sample      func(in *batch) *graph.Node            // items drawn from the model: (B, Shape…)
	reconstruct func(in *batch) *graph.Node            // items (B, Shape…); nil of a model without codes
	logWeights  func(in *batch, draws int) *graph.Node // ln p(x,z) − ln q(z|x): (B,draws), nats
}

// build returns the model of a definition for data of one description.
func (d definition) build(in model.Input, k kind) (*model.Model, error) {
	measure := model.Binary
	if k.tokens() {
		measure = model.Discrete
	}
	m := &model.Model{
		Objective: medium.Reword(in.Item, d.formula), Optimizer: in.Optimizer,
		Likelihood: &model.Likelihood{Name: "bce", Measure: measure},
	}
	if k.tokens() {
		m.Likelihood.Name = likelihood.Tokens(in.Item).Name
	}
	m.Phases = []model.Phase{{Step: func(n int) (*graph.Func, error) {
		return model.Build("train", func() ([]*graph.Node, []graph.Output, []graph.Update) {
			lr := graph.Input(model.InputLR, tensor.Float32)
			b, step := d.step(k, in, n, lr)
			return b.nodes(lr), step.Metrics, step.Updates
		})
	}}}
	m.Eval = d.function(k, "eval", func(b *batch) (out []graph.Output) {
		for _, t := range d.terms(b) {
			out = append(out, graph.Output{Name: t.name + model.SumSuffix, Value: graph.Tag(graph.Sum(graph.Mul(b.weight, t.value)), t.name)})
		}
		return out
	})
	m.Score = d.function(k, "score", func(b *batch) (out []graph.Output) {
		for _, t := range d.terms(b) {
			out = append(out, graph.Output{Name: t.name, Value: t.value})
		}
		return out
	})
	m.Sample = d.function(k, "sample", func(b *batch) []graph.Output { return pictures(d.sample(b)) })
	if d.reconstruct != nil {
		m.Reconstruct = d.function(k, "reconstruct", func(b *batch) []graph.Output { return pictures(d.reconstruct(b)) })
	}
	m.LogWeights = func(n, draws int) (*graph.Func, error) {
		return d.function(k, "log_weights", func(b *batch) []graph.Output {
			return []graph.Output{{Name: model.OutputLogWeight, Value: graph.Tag(d.logWeights(b, draws), model.OutputLogWeight)}}
		})(n)
	}
	err := graph.Try(func() {
		b, step := d.step(k, in, 2, graph.Input(model.InputLR, tensor.Float32))
		m.Params, m.Slots, m.Networks = b.b.Params(), step.Slots, nn.WithOverview(d.name, b.b.Networks())
	})
	if err != nil {
		return nil, fmt.Errorf("sequence: %s for images of %v: %w", d.name, in.Item, err)
	}
	return m, nil
}

// function returns the function of a name with the outputs of f.
func (d definition) function(k kind, name string, f func(b *batch) []graph.Output) model.Function {
	return func(n int) (*graph.Func, error) {
		return model.Build(name, func() ([]*graph.Node, []graph.Output, []graph.Update) {
			b := k.batch(n)
			out := f(b)
			return b.nodes(), out, nil
		})
	}
}

// step returns a step of training on n sequences: the loss is the mean over those of weight 1.
func (d definition) step(k kind, input model.Input, n int, lr *graph.Node) (*batch, update.Step) {
	in := k.batch(n)
	in.b.Training, in.b.Key = true, in.key
	in.epoch = graph.Input(model.InputEpoch, tensor.Float32)
	var metrics []graph.Output
	for _, t := range d.terms(in) {
		mean := graph.Div(graph.Sum(graph.Mul(in.weight, t.value)), graph.Sum(in.weight))
		metrics = append(metrics, graph.Output{Name: t.name, Value: graph.Tag(mean, t.name)})
	}
	const name = "model"
	adam := optim.DefaultAdam()
	adam.Name = "optimizer/" + name
	return in, update.New(in.b, lr, update.Update{
		Name: name, Loss: metrics[0].Value, Params: update.Except(in.b), Optimizer: input.Optimizer.Apply(adam, adam.Name),
		GradNorm: model.GradNorm, Metrics: metrics,
	})
}

// nodes returns the inputs that are set, and more.
func (in *batch) nodes(more ...*graph.Node) []*graph.Node {
	nodes := append([]*graph.Node{in.x, in.weight, in.key}, more...)
	if in.epoch != nil {
		nodes = append(nodes, in.epoch)
	}
	return nodes
}

// pictures returns items as the output of a function.
func pictures(items *graph.Node) []graph.Output {
	return []graph.Output{{Name: model.OutputPicture, Value: graph.Tag(items, model.OutputPicture)}}
}

// before returns what a model has read before each step: zeros, then all steps but the last:
// (B,T,E) → (B,T,E).
func before(x *graph.Node) *graph.Node {
	s := x.Shape()
	read := graph.Slice(x, []int{0, 0, 0}, []int{s[0], s[1] - 1, s[2]}, []int{1, 1, 1})
	return graph.Concat(1, graph.BroadcastTo(graph.Const(0), s[0], 1, s[2]), read)
}

// stream returns the name of the random stream of a step. The names are part of what a seed
// means, so they never change.
func stream(name string, t int) string { return fmt.Sprintf("%s %d", name, t) }
