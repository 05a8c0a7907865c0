package gan

import (
	"github.com/imago-ml/imago/graph"
	"github.com/imago-ml/imago/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/tensor"
)

// A scene is the inputs of a function over images, and the networks.
type scene struct {
	m                  *adversary
	n                  int // images
	b                  *nn.Builder
	x, weight, key, lr *graph.Node
	slots              []optim.Slot
}

func (m *adversary) scene(n int, training bool) *scene {
	s := &scene{
		m: m, n: n, b: nn.NewBuilder(),
		x:      graph.Input(model.InputX, tensor.Float32, n, m.img.H, m.img.W, m.img.C),
		weight: graph.Input(model.InputWeight, tensor.Float32, n),
		key:    graph.Input(model.InputKey, tensor.Int32, 4),
		lr:     graph.Input(model.InputLR, tensor.Float32),
	}
	s.b.Training = training
	return s
}

// generate makes images of noise from N(0, I), of the stream of that name.
func (s *scene) generate(stream string) *graph.Node {
	return s.m.generate(s.b, graph.Normal(s.key, stream, s.n, s.m.latent), s.m.img)
}

func (s *scene) judge(x *graph.Node) *graph.Node { return s.m.judge(s.b, x) }

// judgeReal judges the batch.
func (s *scene) judgeReal() *graph.Node {
	return s.judge(graph.AddScalar(graph.Scale(s.x, 2), -1))
}

// overReal is the mean of a number an image, (B), over the images of weight 1.
func (s *scene) overReal(v *graph.Node) *graph.Node {
	return graph.Div(graph.Sum(graph.Mul(s.weight, v)), graph.Sum(s.weight))
}

// A step is one iteration.
type step struct {
	*scene
	metrics []graph.Output
	updates []graph.Update
}

// step plays the turns. The metrics of a network are the means over its turns.
func (m *adversary) step(n int) step {
	s := step{scene: m.scene(n, true)}
	turns, updates := s.play(m.turns(s.scene))
	s.updates = updates
	mean := func(name, network string, of func(p played) *graph.Node) {
		sum, count := graph.Const(0), 0
		for _, p := range turns {
			if p.network == network {
				sum, count = graph.Add(sum, of(p)), count+1
			}
		}
		value := graph.Tag(graph.Scale(sum, 1/float64(count)), name)
		s.metrics = append(s.metrics, graph.Output{Name: name, Value: value})
	}
	mean(model.DLoss, discriminator, func(p played) *graph.Node { return p.shown })
	mean(model.DAccuracy, discriminator, func(p played) *graph.Node { return p.accuracy })
	mean(model.GLoss, generator, func(p played) *graph.Node { return p.shown })
	mean(model.DGradNorm, discriminator, func(p played) *graph.Node { return p.norm })
	mean(model.GGradNorm, generator, func(p played) *graph.Node { return p.norm })
	return s
}

// Train is one function, an iteration of the design.
func (m *adversary) Train(n int) ([]*graph.Func, error) {
	f, err := function("train", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		s := m.step(n)
		return []*graph.Node{s.x, s.weight, s.key, s.lr}, s.metrics, s.updates
	})
	return []*graph.Func{f}, err
}

// Eval is what the networks, as they are in use, make of each image and of a made
// one beside it.
func (m *adversary) Eval(n int) (*graph.Func, error) {
	return function("eval", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		s := m.scene(n, false)
		fake := s.generate("noise")
		onReal, onFake := s.judgeReal(), s.judge(fake)
		half := func(a, b *graph.Node) *graph.Node { return graph.Scale(graph.Add(a, b), 0.5) }
		var out []graph.Output
		for _, t := range []struct {
			name  string
			value *graph.Node // (B)
		}{
			{model.DLoss, half(m.loss.real(onReal), m.loss.fake(onFake))},
			{model.DAccuracy, half(positive(onReal), negative(onFake))},
			{model.GLoss, m.loss.fool(onFake)},
		} {
			sum := graph.Sum(graph.Mul(s.weight, t.value))
			out = append(out, graph.Output{Name: t.name + model.SumSuffix, Value: graph.Tag(sum, t.name)})
		}
		return []*graph.Node{s.x, s.weight, s.key}, out, nil
	})
}

// Decode makes images of noise, each by itself.
func (m *adversary) Decode(n int) (*graph.Func, error) {
	return function("decode", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		z := graph.Input(model.InputZ, tensor.Float32, n, m.latent)
		x := m.generate(nn.NewBuilder(), z, m.img)
		picture := graph.Tag(graph.AddScalar(graph.Scale(x, 0.5), 0.5), model.OutputPicture)
		return []*graph.Node{z}, []graph.Output{{Name: model.OutputPicture, Value: picture}}, nil
	})
}

// function makes a Func of what build returns.
func function(name string, build func() ([]*graph.Node, []graph.Output, []graph.Update)) (*graph.Func, error) {
	var in []*graph.Node
	var out []graph.Output
	var updates []graph.Update
	if err := graph.Try(func() { in, out, updates = build() }); err != nil {
		return nil, err
	}
	return graph.NewFunc(name, in, out, updates)
}
