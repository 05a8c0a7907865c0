package gan

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

// A scene is the inputs of a function over images, and the networks.
type scene struct {
	m                  *adversary
	n                  int // images
	b                  *nn.Builder
	x, weight, key, lr *graph.Node
	labels             *graph.Node // (B,K); nil of a model that is not given any
	slots              []optim.Slot
	part               int // which of the turns of the discriminator it is for, from 0
}

func (m *adversary) scene(n int, training bool) *scene {
	s := &scene{
		m: m, n: n, b: nn.NewBuilder(),
		x:      graph.Input(model.InputX, tensor.Float32, n, m.img.H, m.img.W, m.img.C),
		weight: graph.Input(model.InputWeight, tensor.Float32, n),
		key:    graph.Input(model.InputKey, tensor.Int32, 4),
		lr:     graph.Input(model.InputLR, tensor.Float32),
	}
	if m.labels > 0 {
		s.labels = graph.Input(model.InputLabels, tensor.Float32, n, m.labels)
	}
	s.b.Training = training
	return s
}

// inputs returns those of a function of images; what it needs beside them is last.
func (s *scene) inputs(more ...*graph.Node) []*graph.Node {
	in := []*graph.Node{s.x, s.weight, s.key}
	if s.labels != nil {
		in = append(in, s.labels)
	}
	return append(in, more...)
}

// parts deals the images to the turns of the discriminator: one each to each in turn,
// so that those that fill up a short batch are shared.
func (s *scene) parts() []*scene {
	k := s.m.steps
	parts := make([]*scene, k)
	for j := range parts {
		deal := func(x *graph.Node) *graph.Node {
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
		p := *s
		p.n, p.part, p.x, p.weight, p.labels = s.n/k, j, deal(s.x), deal(s.weight), deal(s.labels)
		parts[j] = &p
	}
	return parts
}

// stream returns the name of a stream of random numbers that the turn has for itself.
func (s *scene) stream(name string) string {
	if s.part == 0 {
		return name
	}
	return fmt.Sprintf("%s %d", name, s.part+1)
}

// generate makes images of noise from N(0, I), of the stream of that name, with the
// labels of the batch.
func (s *scene) generate(stream string) *graph.Node {
	return s.m.generate(s.b, s.noise(stream), s.labels, s.m.img)
}

// noise returns from N(0, I): (B,Z).
func (s *scene) noise(stream string) *graph.Node {
	return graph.Normal(s.key, s.stream(stream), s.n, s.m.latent)
}

func (s *scene) judge(x *graph.Node) *graph.Node { return s.m.judge(s.b, x, s.labels) }

// seen returns x as the discriminator sees it in training, by draws of the stream of that
// name.
func (s *scene) seen(stream string, x *graph.Node) *graph.Node {
	return s.m.augment.apply(s.key, s.stream(stream), x)
}

// real returns the batch.
func (s *scene) real() *graph.Node { return graph.AddScalar(graph.Scale(s.x, 2), -1) }

// overReal returns the mean of a number an image, (B), over the images of weight 1. Where
// there are none it is not a number in the first turn, so that the step changes
// nothing, and 0 in later ones: a short batch may have none for them.
func (s *scene) overReal(v *graph.Node) *graph.Node {
	count := graph.Sum(s.weight)
	if s.part > 0 {
		count = graph.Max(count, graph.Const(1))
	}
	return graph.Div(graph.Sum(graph.Mul(s.weight, v)), count)
}

// A step is one iteration.
type step struct {
	*scene
	metrics []graph.Output
	updates []graph.Update
}

// step plays the turns. A metric is its mean over the turns that have it.
func (m *adversary) step(n int) step {
	s := step{scene: m.scene(n, true)}
	built := update.New(s.b, s.lr, s.updatesOf(m.turns(s.scene))...)
	s.metrics, s.updates, s.slots = built.Metrics, built.Updates, built.Slots
	return s
}

// Train returns one function, an iteration of the design. Its images are dealt to the
// turns of the discriminator.
func (m *adversary) Train(n int) (*graph.Func, error) {
	if k := m.steps; n%k != 0 || n < k {
		return nil, option.Errorf("gan: {Batch} %d is dealt to {DSteps} %d: want a multiple, as %d", n, k, max(1, (n+k/2)/k)*k)
	}
	return model.Build("train", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		s := m.step(n)
		return s.inputs(s.lr), s.metrics, s.updates
	})
}

// A measured design says itself what is measured of each image.
type measured interface {
	// terms are metrics with their values, (B).
	terms(s *scene) []graph.Output
}

// Eval returns what the networks, as they are in use, make of each image and of a made
// one beside it.
func (m *adversary) Eval(n int) (*graph.Func, error) {
	return model.Build("eval", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		s := m.scene(n, false)
		var terms []graph.Output
		if d, ok := m.design.(measured); ok {
			terms = d.terms(s)
		} else {
			terms = s.verdicts(s.judge(s.real()), s.judge(m.shown(s.b, s.generate("noise"))))
		}
		return s.inputs(), s.sums(terms), nil
	})
}

// verdicts returns the terms of what the discriminator says of an image and of a made one.
func (s *scene) verdicts(onReal, onFake *graph.Node) []graph.Output {
	l := s.m.loss
	half := func(a, b *graph.Node) *graph.Node { return graph.Scale(graph.Add(a, b), 0.5) }
	terms := []graph.Output{{Name: model.DLoss, Value: half(l.real(onReal), l.fake(onFake))}}
	if !l.scores {
		terms = append(terms, graph.Output{Name: model.DAccuracy, Value: half(l.positive(onReal), l.negative(onFake))})
	}
	return append(terms, graph.Output{Name: model.GLoss, Value: l.fool(onFake)})
}

// sums adds what is of each image over those of weight 1.
func (s *scene) sums(terms []graph.Output) []graph.Output {
	var out []graph.Output
	for _, t := range terms {
		sum := graph.Sum(graph.Mul(s.weight, t.Value))
		out = append(out, graph.Output{Name: t.Name + model.SumSuffix, Value: graph.Tag(sum, t.Name)})
	}
	return out
}

// Decode makes images of noise, each by itself.
func (m *adversary) Decode(n int) (*graph.Func, error) {
	return model.Build("decode", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		z := graph.Input(model.InputZ, tensor.Float32, n, m.latent)
		in := []*graph.Node{z}
		var y *graph.Node
		if m.labels > 0 {
			y = graph.Input(model.InputLabels, tensor.Float32, n, m.labels)
			in = append(in, y)
		}
		b := nn.NewBuilder()
		return in, picture(m.shown(b, m.generate(b, z, y, m.img))), nil
	})
}

// picture returns x in [−1, 1] as the output that is an image.
func picture(x *graph.Node) []graph.Output {
	value := graph.Tag(graph.AddScalar(graph.Scale(x, 0.5), 0.5), model.OutputPicture)
	return []graph.Output{{Name: model.OutputPicture, Value: value}}
}
