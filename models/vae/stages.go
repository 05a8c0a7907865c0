package vae

import (
	"fmt"
	"slices"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

// A lesson is one stage of the training of a model that learns in several.
type lesson struct {
	name   string
	epochs int                                    // 0 of the last one: what is left
	begin  func(*staged, model.InitContext) error // or nil
	adam   optim.Adam                             // its slots are this lesson's own
	frozen []string                               // networks that stay as they are
	goal   func(s *class) []graph.Output
}

// A class is the scene of a lesson: some labelled images may be beside the others.
// What a goal gives are scalars, the first of which is minimised.
type class struct {
	*scene
	labelledX *graph.Node // (L,H,W,C)
	labelledY *graph.Node // (L,K)
}

// mean returns the average of value (B) over the images of weight 1.
func (s *class) mean(name string, value *graph.Node) graph.Output {
	mean := graph.Div(s.total(value), graph.Sum(s.weight))
	return graph.Output{Name: name, Value: graph.Tag(mean, name)}
}

// means returns those of all terms.
func (s *class) means(terms []term) (all []graph.Output) {
	for _, t := range terms {
		all = append(all, s.mean(t.name, t.value))
	}
	return all
}

// of returns the scene with other images in the place of its own.
func (s *scene) of(x, labels *graph.Node) *scene {
	t := *s
	t.x, t.labels, t.weight = x, labels, nil
	return &t
}

// staged is a model of several lessons. What it does when it is trained, and how it
// is judged, is the autoencoder's of its design.
type staged struct {
	*autoencoder
	lessons  []lesson
	labelled model.Supervision // zero unless it is semi-supervised
}

// buildStaged makes the model of a design and its lessons, and finds here what does
// not fit.
func buildStaged(kind string, d weigher, in model.Input, latent int, labelled model.Supervision, lessons ...lesson) (*model.Model, error) {
	m := &staged{autoencoder: &autoencoder{design: d, in: in, latent: latent}, lessons: lessons, labelled: labelled}
	err := graph.Try(func() {
		s := m.scene(1)
		m.terms(s)
		m.params = s.b.Params()
		m.networks = nn.WithOverview(kind, s.b.Networks())
		for _, l := range lessons {
			step := m.lesson(l, 1)
			m.slots = append(m.slots, step.slots...)
			for _, p := range step.b.Params() {
				if !slices.ContainsFunc(m.params, func(q nn.Param) bool { return q.Name == p.Name }) {
					m.params = append(m.params, p)
				}
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("vae: %s for images of %v: %w", kind, in.Image, err)
	}
	out := m.declare()
	out.Phases = m.phases()
	if labelled.Count > 0 {
		out.Supervision = &labelled
	}
	return out, nil
}

// lesson returns a step of l on n images: its metrics, and the updates that lower the
// first of them.
func (m *staged) lesson(l lesson, n int) step {
	s := step{scene: m.scene(n), lr: graph.Input(model.InputLR, tensor.Float32)}
	s.epoch = graph.Input(model.InputEpoch, tensor.Float32)
	c := &class{scene: s.scene}
	if count := m.labelled.Batch; count > 0 {
		c.labelledX = graph.Input(model.InputLabelledX, tensor.Float32, count, m.in.H, m.in.W, m.in.C)
		c.labelledY = graph.Input(model.InputLabelledY, tensor.Float32, count, m.in.Labels)
		s.more = []*graph.Node{c.labelledX, c.labelledY}
	}
	s.metrics = l.goal(c)
	adam := l.adam
	adam.Name = "optimizer/" + l.name
	built := update.New(s.b, s.lr, update.Update{
		Name: l.name, Loss: s.metrics[0].Value, Params: update.Except(s.b, l.frozen...), Optimizer: adam, GradNorm: model.GradNorm, Metrics: s.metrics,
	})
	s.metrics, s.updates, s.slots = built.Metrics, built.Updates, built.Slots
	return s
}

func (m *staged) train(l lesson) model.Function {
	return func(n int) (*graph.Func, error) {
		return model.Build("train", func() ([]*graph.Node, []graph.Output, []graph.Update) {
			s := m.lesson(l, n)
			return s.inputs(append(s.more, s.lr)...), s.metrics, s.updates
		})
	}
}

// phases returns the lessons as the phases of training.
func (m *staged) phases() []model.Phase {
	var phases []model.Phase
	for _, l := range m.lessons {
		p := model.Phase{Name: l.name, Epochs: l.epochs, Step: m.train(l)}
		if l.begin != nil {
			p.Init = func(s model.InitContext) error { return l.begin(m, s) }
		}
		phases = append(phases, p)
	}
	return phases
}

// A classifier is a design that says of what class an image is.
type classifier interface {
	design
	// probs are the probabilities of the classes: (B,K).
	probs(s *scene) *graph.Node
}
