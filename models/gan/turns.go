package gan

import (
	"slices"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
)

// A turn is one update of one player, as if the others stood still.
type turn struct {
	player  string
	loss    *graph.Node    // what is minimised, scalar
	metrics []graph.Output // scalars
	beside  bool           // it starts where the turn before it does, not where that ends
}

// told returns what the discriminator's loss and its accuracy are called, where a share
// right of the images that it was shown says anything.
func (s *scene) told(loss, right *graph.Node) []graph.Output {
	metrics := []graph.Output{{Name: model.DLoss, Value: loss}}
	if !s.m.loss.scores {
		metrics = append(metrics, graph.Output{Name: model.DAccuracy, Value: right})
	}
	return metrics
}

// fooling returns the generator's turn, given what the discriminator says of made images.
func (s *scene) fooling(onFake *graph.Node) turn {
	fool := graph.Mean(s.m.loss.fool(onFake))
	return turn{player: generator, loss: fool, metrics: []graph.Output{{Name: model.GLoss, Value: fool}}}
}

// telling returns a turn of the discriminator with real and made images together, given
// what it says of each.
func (s *scene) telling(x, made, onReal, onFake *graph.Node) turn {
	l := s.m.loss
	sum := graph.Add(s.overReal(l.real(onReal)), graph.Mean(l.fake(onFake)))
	right := graph.Add(s.overReal(l.positive(onReal)), graph.Mean(l.negative(onFake)))
	t := turn{player: discriminator, loss: sum, metrics: s.told(graph.Scale(sum, 0.5), graph.Scale(right, 0.5))}
	if pay, metrics := s.m.penalty.of(s, x, made); pay != nil {
		t.loss, t.metrics = graph.Add(sum, pay), append(t.metrics, metrics...)
	}
	return t
}

// apart returns the iteration of the dense GAN as published: the discriminator learns
// from real images, then from made ones, then the generator from the
// discriminator as it has become, with noise of its own.
func apart(s *scene) []turn {
	var turns []turn
	for _, p := range s.parts() {
		l, x, made := s.m.loss, p.seen("real", p.real()), p.seen("made", p.generate("noise"))
		onReal, onFake := p.judge(x), p.judge(made)
		real, fake := p.overReal(l.real(onReal)), graph.Mean(l.fake(onFake))
		first := turn{player: discriminator, loss: real, metrics: p.told(real, p.overReal(l.positive(onReal)))}
		if pay, metrics := s.m.penalty.of(p, x, made); pay != nil {
			first.loss, first.metrics = graph.Add(real, pay), append(first.metrics, metrics...)
		}
		second := turn{player: discriminator, loss: fake, metrics: p.told(fake, graph.Mean(l.negative(onFake)))}
		turns = append(turns, first, second)
	}
	return append(turns, s.fooling(s.judge(s.seen("made for the generator's turn", s.generate("noise of the generator's turn")))))
}

// joint returns the iteration of DCGAN as published: one update of the discriminator
// from the sum of both losses, each batch passing through it by itself, then one
// of the generator from the same made images, judged by the discriminator as it
// has become.
func joint(s *scene) []turn {
	var turns []turn
	var onFake *graph.Node
	for _, p := range s.parts() {
		x, made := p.seen("real", p.real()), p.seen("made", p.generate("noise"))
		onReal := p.judge(x)
		onFake = p.judge(made)
		turns = append(turns, p.telling(x, made, onReal, onFake))
	}
	return append(turns, s.fooling(onFake))
}

// updatesOf returns the turns as optimiser updates. The generator's average follows its
// last update.
func (s *scene) updatesOf(turns []turn) []update.Update {
	var updates []update.Update
	for _, t := range turns {
		p := s.m.players[slices.IndexFunc(s.m.players, func(p player) bool { return p.name == t.player })]
		u := update.Update{
			Name: p.name, Loss: t.loss, Params: update.Params(s.b, p.networks...), Optimizer: p.rule, Rate: p.rate,
			GradNorm: p.norm, Metrics: t.metrics, Simultaneous: t.beside,
		}
		if s.m.ema > 0 && slices.Contains(p.networks, generator) {
			u.After = s.averaged
		}
		updates = append(updates, u)
	}
	return updates
}
