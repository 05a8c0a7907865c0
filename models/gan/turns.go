package gan

import (
	"maps"
	"slices"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/optim"
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

// A played turn is what became of it.
type played struct {
	turn
	norm *graph.Node // of the gradient, before any clipping
}

// play makes one function of turns that follow each other: in each, the states
// are what the turns before have made of them. So what no turn has changed, as the
// made images while the discriminator learns, is computed once.
//
// A turn whose loss or gradient is not finite changes no state, and neither do
// those after it.
func (s *scene) play(turns []turn) ([]played, []graph.Update) {
	var done []played
	var watch []*graph.Node
	var now standing
	var start map[string]*graph.Node
	for i, t := range turns {
		if !t.beside {
			start = maps.Clone(now.values)
		}
		p := s.m.players[slices.IndexFunc(s.m.players, func(p player) bool { return p.name == t.player })]
		states := s.of(p.networks)
		grads := graph.Grad(t.loss, states...)
		norm := graph.Tag(optim.GlobalNorm(grads), "gradient of the "+p.name)
		updates, slots := p.rule.Update(states, grads, graph.Scale(s.lr, p.rate))
		if last := !slices.ContainsFunc(turns[i+1:], func(u turn) bool { return u.player == t.player }); last {
			updates = append(updates, s.running(p.networks)...)
			s.slots = append(s.slots, slots...)
			if s.m.ema > 0 && slices.Contains(p.networks, generator) {
				updates = append(updates, s.averaged(updates)...)
			}
		}
		read := now.reader(start)
		t.metrics = slices.Clone(t.metrics)
		for i := range t.metrics {
			t.metrics[i].Value = read(t.metrics[i].Value)
		}
		t.loss, norm = read(t.loss), read(norm)
		watch = append(watch, t.loss, norm)
		next := make([]graph.Update, len(updates))
		for i, u := range updates {
			next[i] = graph.Update{State: read(u.State), Value: read(u.Value)}
		}
		for i, u := range optim.Guard(next, watch...) {
			now.set(updates[i].State.Name(), u.Value)
		}
		done = append(done, played{t, norm})
	}
	return done, now.updates()
}

// of returns the parameters of networks that are learned by gradient.
func (s *scene) of(networks []string) []*graph.Node {
	return slices.DeleteFunc(s.b.States(), func(n *graph.Node) bool { return !in(n.Name(), networks) })
}

// running returns the new running statistics of networks.
func (s *scene) running(networks []string) []graph.Update {
	var updates []graph.Update
	for _, u := range s.b.Updates() {
		if in(u.State.Name(), networks) {
			updates = append(updates, u)
		}
	}
	return updates
}

// A standing is the states after some turns.
type standing struct {
	states []*graph.Node          // one a name, in the order in which they were read
	values map[string]*graph.Node // of a state's name, where a turn has changed it
}

// reader gives what a node is when the states that have these values have them. A
// node that none of what has changed goes into is itself.
func (s *standing) reader(values map[string]*graph.Node) func(n *graph.Node) *graph.Node {
	known := map[*graph.Node]*graph.Node{nil: nil}
	var read func(n *graph.Node) *graph.Node
	read = func(n *graph.Node) *graph.Node {
		if m, ok := known[n]; ok {
			return m
		}
		m := n
		if n.Op() == graph.OpState {
			m = s.state(n, values)
		} else {
			in, changed := make([]*graph.Node, len(n.In())), false
			for i, x := range n.In() {
				in[i] = read(x)
				changed = changed || in[i] != x
			}
			if changed {
				m = graph.Rebuild(n, in...)
			}
		}
		known[n] = m
		return m
	}
	return read
}

// state returns the value of a state, which each turn may have declared for itself.
func (s *standing) state(n *graph.Node, values map[string]*graph.Node) *graph.Node {
	if v := values[n.Name()]; v != nil {
		return v
	}
	for _, old := range s.states {
		if old.Name() == n.Name() {
			return old
		}
	}
	s.states = append(s.states, n)
	return n
}

func (s *standing) set(name string, value *graph.Node) {
	if s.values == nil {
		s.values = map[string]*graph.Node{}
	}
	s.values[name] = value
}

// updates returns those of all turns together.
func (s *standing) updates() []graph.Update {
	var updates []graph.Update
	for _, st := range s.states {
		if v := s.values[st.Name()]; v != nil {
			updates = append(updates, graph.Update{State: st, Value: v})
		}
	}
	return updates
}
