package gan

import (
	"fmt"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

// An algorithm is how the networks of a model are trained and measured.
type algorithm interface {
	// updates returns the updates of one iteration, in their order.
	updates(in *inputs) []update.Update
	// metrics returns the metrics of Eval, image by image: (B).
	metrics(in *inputs) []graph.Output
}

// adversary is a GAN for images of one shape: the Options and what else its functions
// need.
type adversary struct {
	Options
	algorithm
	name   string
	img    medium.Item
	labels int // K; 0 = the networks are given none

	settings optim.Settings // in place of the rules of the optimisers

	generatorOptimizer, discriminatorOptimizer optimizer

	model *model.Model // set by declare
}

// An optimizer is a rule with the networks whose parameters it updates.
type optimizer struct {
	name     string // of its updates; its slots are optimizer/name/…
	networks []string
	rule     optim.Rule
	rate     float64 // learning rate as a multiple of the run's
	gradNorm string  // the metric of the norm of the gradient
}

// newOptimizer returns the optimiser of the network with that name, by a rule. The slots
// of the rule are optimizer/name/…; those of an Adam without a Name have no other prefix.
func newOptimizer(network string, rule optim.Rule, rate float64, gradNorm string) optimizer {
	slots := "optimizer/" + network
	if adam, ok := rule.(optim.Adam); ok && adam.Name == "" {
		adam.Name = slots
		rule = adam
	} else {
		rule = update.Prefixed(rule, slots+"/")
	}
	return optimizer{network, []string{network}, rule, rate, gradNorm}
}

// newAdversary returns the GAN of the options, yet to be declared: a caller may
// change the algorithm and the optimisers before.
func newAdversary(name string, o Options, in model.Input) (*adversary, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if in.Size() < 1 || in.Shape.Check() != nil {
		return nil, emptyImageError(in.Item)
	}
	m := &adversary{name: name, Options: o.defaults(), img: in.Item, settings: in.Optimizer}
	if o.Labels {
		if m.labels = in.Labels; m.labels == 0 {
			return nil, option.Errorf("gan: %s takes the labels of images, and these have none: want a set with labels, such as mnist, or another kind", name)
		}
	}
	m.algorithm = alternating{m.Separate}
	m.generatorOptimizer = newOptimizer(generator, m.Optimizer, 1, model.GGradNorm)
	m.discriminatorOptimizer = newOptimizer(discriminator, m.DOptimizer, m.DRate, model.DGradNorm)
	return m, nil
}

func emptyImageError(img medium.Item) error {
	return fmt.Errorf("gan: images of %v: want at least one row, column and channel", img)
}

// declare sets the model. It fails where the networks do not fit the images.
func (m *adversary) declare() error {
	var in *inputs
	var step update.Step
	var updates []update.Update
	err := graph.Try(func() {
		in = m.inputs(2*m.DSteps, true) // batch statistics need two images
		updates = m.updates(in)
		step = update.New(in.b, in.lr, updates...)
	})
	if err == nil {
		err = unusedParameters(in.b, updates)
	}
	if err != nil {
		return fmt.Errorf("gan: %s for images of %v: %w", m.name, m.img, err)
	}
	m.model = &model.Model{
		Params: in.b.Params(), Slots: step.Slots, Networks: nn.WithOverview(m.name, in.b.Networks()), Objective: m.objective(), Optimizer: m.settings,
		Phases: []model.Phase{{Step: m.train}}, Eval: m.eval, Latent: m.Latent, Decode: m.decode, Discriminate: m.discriminate,
		TakesLabels: model.Conditioning{Decode: m.Labels, Sample: m.Labels},
	}
	if m.Labels {
		m.model.Sample = m.sample
		m.model.Objective += "; given the labels"
	}
	return nil
}

// unusedParameters returns an error if a network has no layers, or a parameter that no
// update changes.
func unusedParameters(b *nn.Builder, updates []update.Update) error {
	trained := map[string]bool{}
	for _, u := range updates {
		if len(u.Params) == 0 {
			return fmt.Errorf("the %s has no parameters: declare its layers in the Builder that it is given", u.Name)
		}
		for _, p := range u.Params {
			trained[p.Name()] = true
		}
	}
	for _, p := range b.States() {
		if !trained[p.Name()] {
			return fmt.Errorf("parameter %s is not learned: declare the layers of a network in the Builder that it is given", p.Name())
		}
	}
	if len(b.Networks()) == 0 {
		return fmt.Errorf("no network has a layer: end each layer of your own with Builder.Layer")
	}
	return nil
}

// objective returns the losses of both networks on one line.
func (m *adversary) objective() string {
	text := m.Loss.Formula
	for _, p := range m.Penalties {
		text += " + " + p.Formula
	}
	if m.Loss.Unit != "" {
		text += ", " + m.Loss.Unit
	}
	return medium.Reword(m.img, text)
}

// train builds a step of training: one iteration of the algorithm.
func (m *adversary) train(n int) (*graph.Func, error) {
	if k := m.DSteps; n%k != 0 || n < k {
		return nil, option.Errorf("gan: {Batch} %d: want a multiple of {DSteps} %d, as %d", n, k, max(1, (n+k/2)/k)*k)
	}
	return model.Build("train", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		in := m.inputs(n, true)
		step := update.New(in.b, in.lr, m.updates(in)...)
		return in.nodes(in.lr), step.Metrics, step.Updates
	})
}

// eval builds the function that sums the metrics over the images of weight 1.
func (m *adversary) eval(n int) (*graph.Func, error) {
	return model.Build("eval", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		in := m.inputs(n, false)
		return in.nodes(), in.sums(m.metrics(in)), nil
	})
}

// decode builds the generator: images of given noise, each independent of the others.
func (m *adversary) decode(n int) (*graph.Func, error) {
	return model.Build("decode", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		z := graph.Input(model.InputZ, tensor.Float32, n, m.Latent)
		nodes := []*graph.Node{z}
		var y *graph.Node
		if m.labels > 0 {
			y = graph.Input(model.InputLabels, tensor.Float32, n, m.labels)
			nodes = append(nodes, y)
		}
		b := nn.NewBuilder()
		x := m.Generator.Generate(b.Network(generator), z, y, m.img)
		return nodes, picture(m.withAverage(b, x)), nil
	})
}

// sample builds the function that draws images with given labels.
func (m *adversary) sample(n int) (*graph.Func, error) {
	return model.Build("sample", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		in := m.inputs(n, false)
		return []*graph.Node{in.key, in.y}, picture(m.withAverage(in.b, in.generate("prior"))), nil
	})
}

// discriminate builds the discriminator.
func (m *adversary) discriminate(n int) (*graph.Func, error) {
	return model.Build("discriminate", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		in := m.inputs(n, false)
		return in.nodes(), []graph.Output{{Name: model.OutputLogit, Value: in.logits(in.real())}}, nil
	})
}

// picture returns images in [−1, 1] as the output model.OutputPicture, in [0, 1].
func picture(x *graph.Node) []graph.Output {
	value := graph.Tag(graph.AddScalar(graph.Scale(x, 0.5), 0.5), model.OutputPicture)
	return []graph.Output{{Name: model.OutputPicture, Value: value}}
}

// requireShape panics with a *graph.ShapeError unless the output of a network has that
// shape.
func requireShape(network string, x *graph.Node, want ...int) {
	if !x.Shape().Equal(graph.Shape(want)) {
		panic(&graph.ShapeError{Op: network, In: []graph.Shape{x.Shape()}, Want: "want an output of " + graph.Shape(want).String()})
	}
}
