package gan

import (
	"strings"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/update"
	"github.com/imago-ml/imago/nn"
)

// The generator that is shown may be an average of the one that learns, over the
// iterations t = 1, 2, …, the last ones weighing most:
//
//	θ̄ ← d·θ̄ + (1−d)·θ,   d = min(--ema, (1+t)/(10+t))
//
// Yazıcı et al., arXiv:1806.04498; the ramp is that of Karras et al., arXiv:2006.06676.
// It lies in the weights as average/generator/….
const average = "average"

// averaged returns the updates of the average, given those of the generator.
func (s *scene) averaged(of []graph.Update) []graph.Update {
	b := s.b.Network(average)
	steps := b.Buffer("steps", nn.Zeros)
	t := graph.AddScalar(steps, 1)
	d := graph.Min(graph.Const(s.m.ema), graph.Div(graph.AddScalar(t, 1), graph.AddScalar(t, 10)))
	updates := []graph.Update{{State: steps, Value: t}}
	for _, p := range s.b.Params() {
		if !strings.HasPrefix(p.Name, generator+"/") {
			continue
		}
		for _, u := range of {
			if u.State.Name() == p.Name {
				mean := b.Shadow(p)
				updates = append(updates, graph.Update{State: mean, Value: graph.Add(u.Value, graph.Mul(d, graph.Sub(mean, u.Value)))})
			}
		}
	}
	return updates
}

// shown returns x as the generator that is shown makes it.
func (m *adversary) shown(b *nn.Builder, x *graph.Node) *graph.Node {
	if m.ema == 0 {
		return x
	}
	means := map[string]*graph.Node{}
	for _, p := range b.Params() {
		if strings.HasPrefix(p.Name, generator+"/") {
			means[p.Name] = b.Network(average).Shadow(p)
		}
	}
	return update.Substitute(means)(x)
}
