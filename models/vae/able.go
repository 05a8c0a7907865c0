package vae

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
)

// A weigher is a design that has importance weights.
type weigher interface {
	design
	// logWeights are ln w = ln p(x,z) − ln q(z|x) of k draws z ~ q(z|x): (k,B), nats,
	// less what the likelihood leaves out.
	logWeights(s *scene, k int) *graph.Node
}

// A sampler is a weigher that draws images otherwise than by decoding N(0, I).
type sampler interface {
	weigher
	// draw gives the logits of n images: (n,H,W,C).
	draw(s *scene, n int) *graph.Node
}

// A beginner is a weigher whose parameters are set from the images before training.
type beginner interface {
	weigher
	begin(s model.Scene) error
}

// A reconstructor is a design whose reconstruction is not what decode makes of the
// mean of encode.
type reconstructor interface {
	design
	// reconstruct gives the logits of the scene's images.
	reconstruct(s *scene) *graph.Node
}

// A bounded is the model of a weigher.
type bounded struct{ *autoencoder }

// LogWeights gives the weights of k draws, what the metrics leave out included.
func (m *bounded) LogWeights(n, k int) (*graph.Func, error) {
	return function("log_weights", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		s := m.scene(n)
		w := m.design.(weigher).logWeights(s, k)
		w = graph.AddScalar(graph.Transpose(w, 1, 0), -m.Pixels().Constant)
		return s.inputs(), []graph.Output{{Name: model.OutputLogWeight, Value: graph.Tag(w, model.OutputLogWeight)}}, nil
	})
}

// A sampled is the model of a sampler.
type sampled struct{ bounded }

// Sample draws images: the mean of p(x|z), z drawn from the prior.
func (m *sampled) Sample(n int) (*graph.Func, error) {
	return function("sample", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		s := m.scene(n)
		return s.inputs(), m.picture(m.design.(sampler).draw(s, n)), nil
	})
}

// A begun is the model of a beginner: its training is one stage.
type begun struct{ bounded }

// Stages returns the stage that the images begin.
func (m *begun) Stages() []model.Stage {
	return []model.Stage{{Name: "train", Train: m.Train, Begin: m.design.(beginner).begin}}
}
