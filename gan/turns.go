package gan

import (
	"slices"
	"strings"

	"github.com/imago-ml/imago/graph"
	"github.com/imago-ml/imago/optim"
)

// A turn is one update of one network, as if the other stood still.
type turn struct {
	network  string
	loss     *graph.Node // what is minimised, scalar
	shown    *graph.Node // the metric of it, scalar
	accuracy *graph.Node // share told apart, scalar; nil in a turn of the generator
}

// apart is the iteration of the dense GAN as published: the discriminator learns
// from real images, then from made ones, then the generator from the
// discriminator as it has become, with noise of its own.
func apart(s *scene) []turn {
	made := s.generate("noise")
	onReal, onFake := s.judgeReal(), s.judge(made)
	fooled := s.judge(s.generate("noise of the generator's turn"))
	real, fake := s.overReal(s.m.loss.real(onReal)), graph.Mean(s.m.loss.fake(onFake))
	fool := graph.Mean(s.m.loss.fool(fooled))
	return []turn{
		{discriminator, real, real, s.overReal(positive(onReal))},
		{discriminator, fake, fake, graph.Mean(negative(onFake))},
		{generator, fool, fool, nil},
	}
}

// joint is the iteration of DCGAN as published: one update of the discriminator
// from the sum of both losses, each batch passing through it by itself, then one
// of the generator from the same made images, judged by the discriminator as it
// has become.
func joint(s *scene) []turn {
	made := s.generate("noise")
	onReal, onFake := s.judgeReal(), s.judge(made)
	sum := graph.Add(s.overReal(s.m.loss.real(onReal)), graph.Mean(s.m.loss.fake(onFake)))
	right := graph.Add(s.overReal(positive(onReal)), graph.Mean(negative(onFake)))
	fool := graph.Mean(s.m.loss.fool(onFake))
	return []turn{
		{discriminator, sum, graph.Scale(sum, 0.5), graph.Scale(right, 0.5)},
		{generator, fool, fool, nil},
	}
}

// positive is 1 where the discriminator says real, negative where it says made.
func positive(l *graph.Node) *graph.Node { return graph.Greater(l, graph.Const(0)) }
func negative(l *graph.Node) *graph.Node { return graph.Sub(graph.Const(1), positive(l)) }

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
	for i, t := range turns {
		states := s.of(t.network)
		grads := graph.Grad(t.loss, states...)
		norm := graph.Tag(optim.GlobalNorm(grads), "gradient of the "+t.network)
		updates, slots := s.m.rules[t.network].Update(states, grads, s.lr)
		if last := !slices.ContainsFunc(turns[i+1:], func(u turn) bool { return u.network == t.network }); last {
			updates = append(updates, s.averages(t.network)...)
			s.slots = append(s.slots, slots...)
		}
		read := now.reader()
		for _, n := range []**graph.Node{&t.loss, &t.shown, &t.accuracy, &norm} {
			*n = read(*n)
		}
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

// of are the parameters of a network that it learns by gradient.
func (s *scene) of(network string) []*graph.Node {
	return slices.DeleteFunc(s.b.States(), func(n *graph.Node) bool { return !strings.HasPrefix(n.Name(), network+"/") })
}

// averages are the new running statistics of a network.
func (s *scene) averages(network string) []graph.Update {
	var updates []graph.Update
	for _, u := range s.b.Updates() {
		if strings.HasPrefix(u.State.Name(), network+"/") {
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

// reader gives what a node is when the states are as they stand. A node that none
// of what has changed goes into is itself.
func (s *standing) reader() func(n *graph.Node) *graph.Node {
	known := map[*graph.Node]*graph.Node{nil: nil}
	var read func(n *graph.Node) *graph.Node
	read = func(n *graph.Node) *graph.Node {
		if m, ok := known[n]; ok {
			return m
		}
		m := n
		if n.Op() == graph.OpState {
			m = s.state(n)
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

// state is the value of a state, which each turn may have declared for itself.
func (s *standing) state(n *graph.Node) *graph.Node {
	if v := s.values[n.Name()]; v != nil {
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

// updates are those of all turns together.
func (s *standing) updates() []graph.Update {
	var updates []graph.Update
	for _, st := range s.states {
		if v := s.values[st.Name()]; v != nil {
			updates = append(updates, graph.Update{State: st, Value: v})
		}
	}
	return updates
}
