package gan

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
	"github.com/imago-ml/imago/nn"
)

// The random streams of an iteration. They are part of what a seed means, so their names
// never change.
const (
	streamNoise         = "noise"                         // z of the discriminator's update
	streamGeneratorStep = "noise of the generator's turn" // z of a generator's update of its own
	streamReal          = "real"                          // augmentation of real images
	streamFake          = "made"                          // augmentation of generated images
	streamFakeGenerator = "made for the generator's turn" // the same in a generator's update of its own
	streamInterpolation = "between"                       // ε of the gradient penalty
	streamPosterior     = "posterior"                     // ε of q(z|x)
)

// inputs are the inputs of a function over a batch, and the Builder of its networks.
type inputs struct {
	*adversary
	n                  int // B
	b                  *nn.Builder
	x, weight, key, lr *graph.Node
	y                  *graph.Node // labels (B,K); nil of a model that is given none
	index              int         // of the minibatch, from 0
}

// inputs returns the inputs for n images.
func (m *adversary) inputs(n int, training bool) *inputs {
	in := &inputs{
		adversary: m, n: n, b: nn.NewBuilder(),
		x:      graph.Input(model.InputX, tensor.Float32, m.img.Batch(n)...),
		weight: graph.Input(model.InputWeight, tensor.Float32, n),
		key:    graph.Input(model.InputKey, tensor.Int32, 4),
		lr:     graph.Input(model.InputLR, tensor.Float32),
	}
	if m.labels > 0 {
		in.y = graph.Input(model.InputLabels, tensor.Float32, n, m.labels)
	}
	in.b.Training = training
	return in
}

// nodes returns the inputs of a function of images, and after them more.
func (in *inputs) nodes(more ...*graph.Node) []*graph.Node {
	nodes := []*graph.Node{in.x, in.weight, in.key}
	if in.y != nil {
		nodes = append(nodes, in.y)
	}
	return append(nodes, more...)
}

// minibatches returns the inputs of the DSteps updates of the discriminator. Image i of
// the batch is in minibatch i mod DSteps, so that the images of weight 0 that fill up a
// short batch are spread evenly.
func (in *inputs) minibatches() []*inputs {
	k := in.DSteps
	batches := make([]*inputs, k)
	for j := range batches {
		every := func(x *graph.Node) *graph.Node {
			if x == nil || k == 1 {
				return x
			}
			start, stride := make([]int, len(x.Shape())), make([]int, len(x.Shape()))
			for i := range stride {
				stride[i] = 1
			}
			start[0], stride[0] = j, k
			return graph.Slice(x, start, x.Shape(), stride)
		}
		batch := *in
		batch.n, batch.index, batch.x, batch.weight, batch.y = in.n/k, j, every(in.x), every(in.weight), every(in.y)
		batches[j] = &batch
	}
	return batches
}

// stream returns the name of a random stream of the minibatch.
func (in *inputs) stream(name string) string {
	if in.index == 0 {
		return name
	}
	return fmt.Sprintf("%s %d", name, in.index+1)
}

// real returns the images of the batch in [−1, 1].
func (in *inputs) real() *graph.Node { return graph.AddScalar(graph.Scale(in.x, 2), -1) }

// noise draws z from N(0, I): (B,Z).
func (in *inputs) noise(stream string) *graph.Node {
	return graph.Normal(in.key, in.stream(stream), in.n, in.Latent)
}

// generate returns images of drawn noise, with the labels of the batch.
func (in *inputs) generate(stream string) *graph.Node { return in.decodeNoise(in.noise(stream)) }

// decodeNoise returns the images that the generator computes from z.
func (in *inputs) decodeNoise(z *graph.Node) *graph.Node {
	x := in.Generator.Generate(in.b.Network(generator), z, in.y, in.img)
	requireShape(generator, x, in.img.Batch(in.n)...)
	return x
}

// logits returns the output of the discriminator for images with the labels of the
// batch: (B,H,W,C) → (B).
func (in *inputs) logits(x *graph.Node) *graph.Node {
	l := in.Discriminator.Discriminate(in.b.Network(discriminator), x, in.y)
	requireShape(discriminator, l, in.n)
	return l
}

// augmented returns images after the augmentation, if there is one.
func (in *inputs) augmented(stream string, x *graph.Node) *graph.Node {
	if in.Augment == nil {
		return x
	}
	return in.Augment(in.key, in.stream(stream), x)
}

// mean returns the mean of v (B) over the images of weight 1. Without any it is not a
// number in the first minibatch, so that the step changes nothing, and 0 in the others,
// which in a short batch may have none.
func (in *inputs) mean(v *graph.Node) *graph.Node {
	count := graph.Sum(in.weight)
	if in.index > 0 {
		count = graph.Max(count, graph.Const(1))
	}
	return graph.Div(graph.Sum(graph.Mul(in.weight, v)), count)
}

// sums adds each metric, of values (B), over the images of weight 1.
func (in *inputs) sums(metrics []graph.Output) []graph.Output {
	var out []graph.Output
	for _, m := range metrics {
		sum := graph.Sum(graph.Mul(in.weight, m.Value))
		out = append(out, graph.Output{Name: m.Name + model.SumSuffix, Value: graph.Tag(sum, m.Name)})
	}
	return out
}

// update returns the update of a loss by an optimiser. The moving average of the
// generator follows its last update.
func (in *inputs) update(o optimizer, loss *graph.Node, metrics ...graph.Output) update.Update {
	u := update.Update{
		Name: o.name, Loss: loss, Params: update.Params(in.b, o.networks...), Rate: o.rate,
		Optimizer: in.settings.Apply(o.rule, "optimizer/"+o.name),
		GradNorm:  o.gradNorm, Metrics: metrics,
	}
	for _, network := range o.networks {
		if network == generator && in.EMA > 0 {
			u.After = in.averageUpdates
		}
	}
	return u
}

// discriminatorMetrics returns the metrics of a loss of the discriminator and of the
// share of images that it classifies correctly. A critic does not classify.
func (in *inputs) discriminatorMetrics(loss, accuracy *graph.Node) []graph.Output {
	metrics := []graph.Output{{Name: model.DLoss, Value: loss}}
	if !in.Loss.IsCritic {
		metrics = append(metrics, graph.Output{Name: model.DAccuracy, Value: accuracy})
	}
	return metrics
}

// imageMetrics returns the metrics of each image and of a generated image beside it,
// given the logits of the discriminator for both: (B).
func (in *inputs) imageMetrics(realLogits, fakeLogits *graph.Node) []graph.Output {
	l := in.Loss
	half := func(a, b *graph.Node) *graph.Node { return graph.Scale(graph.Add(a, b), 0.5) }
	metrics := in.discriminatorMetrics(half(l.Real(realLogits), l.Fake(fakeLogits)), half(l.isReal(realLogits), l.isFake(fakeLogits)))
	return append(metrics, graph.Output{Name: model.GLoss, Value: l.Generator(fakeLogits)})
}
