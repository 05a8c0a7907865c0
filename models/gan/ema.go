package gan

import (
	"strings"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/update"
	"github.com/imago-ml/imago/nn"
)

// The weights θ of the generator may have an exponential moving average θ̄ over the
// iterations t = 1, 2, …, by which images are generated outside training:
//
//	θ̄ ← d·θ̄ + (1−d)·θ,   d = min(EMA, (1+t)/(10+t))
//
// Yazıcı et al., arXiv:1806.04498; the ramp of d is that of Karras et al.,
// arXiv:2006.06676. The average of the parameter generator/… is average/generator/….
const average = "average"

// averageUpdates returns the updates of the average, given those of the generator.
func (in *inputs) averageUpdates(updates []graph.Update) []graph.Update {
	b := in.b.Network(average)
	steps := b.Buffer("steps", nn.Zeros)
	t := graph.AddScalar(steps, 1)
	d := graph.Min(graph.Const(in.EMA), graph.Div(graph.AddScalar(t, 1), graph.AddScalar(t, 10)))
	after := []graph.Update{{State: steps, Value: t}}
	for _, p := range in.b.Params() {
		if !strings.HasPrefix(p.Name, generator+"/") {
			continue
		}
		for _, u := range updates {
			if u.State.Name() == p.Name {
				mean := b.Shadow(p)
				after = append(after, graph.Update{State: mean, Value: graph.Add(u.Value, graph.Mul(d, graph.Sub(mean, u.Value)))})
			}
		}
	}
	return after
}

// withAverage returns x, computed with the average of the generator's weights if there
// is one.
func (m *adversary) withAverage(b *nn.Builder, x *graph.Node) *graph.Node {
	if m.EMA == 0 {
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
