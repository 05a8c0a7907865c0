package vae

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

// scene returns the inputs of a function over n images.
func (m *autoencoder) scene(n int) *scene {
	s := &scene{
		b:      nn.NewBuilder(),
		x:      graph.Input(model.InputX, tensor.Float32, n, m.in.H, m.in.W, m.in.C),
		weight: graph.Input(model.InputWeight, tensor.Float32, n),
		key:    graph.Input(model.InputKey, tensor.Int32, 4),
	}
	if m.in.Labels > 0 {
		s.labels = graph.Input(model.InputLabels, tensor.Float32, n, m.in.Labels)
	}
	return s
}

// inputs returns those that the functions of a model may take.
func (s *scene) inputs(more ...*graph.Node) []*graph.Node {
	all := []*graph.Node{s.x}
	for _, in := range append([]*graph.Node{s.labels, s.weight, s.key, s.epoch}, more...) {
		if in != nil {
			all = append(all, in)
		}
	}
	return all
}

// step is a scene, its metrics and the updates that lower its loss:
//
//	loss = Σ weight·loss_image / Σ weight
//
// so that a short batch, filled up with images of weight 0, is the batch it was.
type step struct {
	*scene
	lr      *graph.Node
	metrics []graph.Output
	updates []graph.Update
	slots   []optim.Slot
	more    []*graph.Node // inputs beside those of the scene and lr
}

func (m *autoencoder) step(n int) step {
	s := step{scene: m.scene(n), lr: graph.Input(model.InputLR, tensor.Float32)}
	s.epoch = graph.Input(model.InputEpoch, tensor.Float32)
	count := graph.Sum(s.weight)
	for _, t := range m.terms(s.scene) {
		mean := graph.Tag(graph.Div(s.total(t.value), count), t.name)
		s.metrics = append(s.metrics, graph.Output{Name: t.name, Value: mean})
	}
	built := update.New(s.b, s.lr, update.Update{
		Name: "model", Loss: s.metrics[0].Value, Params: s.b.States(), Optimizer: m.rule, GradNorm: model.GradNorm, Metrics: s.metrics,
	})
	s.metrics, s.updates, s.slots = built.Metrics, built.Updates, built.Slots
	return s
}

// Train returns one function: the gradient of the loss and a step of the rule.
func (m *autoencoder) Train(n int) (*graph.Func, error) {
	return model.Build("train", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		s := m.step(n)
		return s.inputs(s.lr), s.metrics, s.updates
	})
}

// Eval returns the weighted sums of the terms.
func (m *autoencoder) Eval(n int) (*graph.Func, error) {
	return model.Build("eval", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		s := m.scene(n)
		var out []graph.Output
		for _, t := range m.terms(s) {
			out = append(out, graph.Output{Name: t.name + model.SumSuffix, Value: graph.Tag(s.total(t.value), t.name)})
		}
		return s.inputs(), out, nil
	})
}

// Score returns the terms, image by image, without those of a batch as a whole.
func (m *autoencoder) Score(n int) (*graph.Func, error) {
	return model.Build("score", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		s := m.scene(n)
		s.weight = nil
		var out []graph.Output
		for _, t := range m.terms(s) {
			out = append(out, graph.Output{Name: t.name, Value: t.value})
		}
		return s.inputs(), out, nil
	})
}

// Encode gives the mean of q(z|x), and its log-variance if it has one.
func (m *autoencoder) Encode(n int) (*graph.Func, error) {
	return model.Build("encode", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		s := m.scene(n)
		mu, logVar := m.encode(s)
		out := []graph.Output{{Name: model.OutputMean, Value: mu}}
		if logVar != nil {
			out = append(out, graph.Output{Name: model.OutputLogVar, Value: logVar})
		}
		return s.inputs(), out, nil
	})
}

// Decode gives the mean image of p(x|z).
func (m *autoencoder) Decode(n int) (*graph.Func, error) {
	return model.Build("decode", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		s, z := m.scene(n), graph.Input(model.InputZ, tensor.Float32, n, m.latent)
		return s.inputs(z), m.picture(m.decode(s, z)), nil
	})
}

// Reconstruct decodes the mean of q(z|x).
func (m *autoencoder) Reconstruct(n int) (*graph.Func, error) {
	return model.Build("reconstruct", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		s := m.scene(n)
		if r, ok := m.design.(reconstructor); ok {
			return s.inputs(), m.picture(r.reconstruct(s)), nil
		}
		mu, _ := m.encode(s)
		return s.inputs(), m.picture(m.decode(s, mu)), nil
	})
}

func (m *autoencoder) picture(logits *graph.Node) []graph.Output {
	return []graph.Output{{Name: model.OutputPicture, Value: graph.Tag(m.row().mean(logits), model.OutputPicture)}}
}
