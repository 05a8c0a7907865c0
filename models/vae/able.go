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
	begin(s model.InitContext) error
}

// A reconstructor is a design whose reconstruction is not what decode makes of the
// mean of encode.
type reconstructor interface {
	design
	// reconstruct gives the logits of the scene's images.
	reconstruct(s *scene) *graph.Node
}

// LogWeights returns the weights of k draws, what the metrics leave out included.
func (m *autoencoder) LogWeights(n, k int) (*graph.Func, error) {
	return model.Build("log_weights", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		s := m.scene(n)
		w := m.design.(weigher).logWeights(s, k)
		w = graph.AddScalar(graph.Transpose(w, 1, 0), -m.pixels().Constant)
		return s.inputs(), []graph.Output{{Name: model.OutputLogWeight, Value: graph.Tag(w, model.OutputLogWeight)}}, nil
	})
}

// Sample draws images: the mean of p(x|z), z drawn from the prior, of the classes that
// the labels give if the model knows of any.
func (m *autoencoder) Sample(n int) (*graph.Func, error) {
	return model.Build("sample", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		s := m.scene(n)
		return s.inputs(), m.picture(m.design.(sampler).draw(s, n)), nil
	})
}

// Classify returns the probability of each class.
func (m *autoencoder) Classify(n int) (*graph.Func, error) {
	return model.Build("classify", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		s := m.scene(n)
		p := m.design.(classifier).probs(s)
		return s.inputs(), []graph.Output{{Name: model.OutputProbs, Value: graph.Tag(p, model.OutputProbs)}}, nil
	})
}
