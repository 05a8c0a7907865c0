// Package update builds a step of training from optimiser updates. It is the door
// for everybody who writes a model whose networks learn against each other.
//
// An Update is a loss, the parameters that it may change, an optimiser and metrics.
// New makes one step of a list of Updates. A VAE has a list of one. A GAN has a list
// of two, of opposed losses; WGAN-GP with five critic updates has a list of six; a VAE
// with a discriminator, such as FactorVAE, has a list of two.
//
// # How to use it
//
// Build the graph of all losses once, with one nn.Builder, as if no parameter ever
// changed. List the updates. New substitutes the states: what the second update
// computes, it computes from the parameters that the first one has left.
//
//	b := nn.NewBuilder()
//	real, fake := discriminate(b, x), discriminate(b, generate(b, z))
//	step := update.New(b, lr,
//		update.Update{Name: "discriminator", Loss: dLoss(real, fake), Params: update.Params(b, "discriminator"), Optimizer: d},
//		update.Update{Name: "generator", Loss: gLoss(fake), Params: update.Params(b, "generator"), Optimizer: g},
//	)
//
// Here the generator learns from the discriminator after its update, from images
// that are generated once. The Metrics, Updates and Slots of the Step go into
// graph.NewFunc, or into the functions of a model.Model.
//
// # What it promises
//
//   - Updates follow each other in the order of the list. Set Simultaneous for
//     networks that all start from the same parameters.
//   - An update whose loss or gradient is not finite changes no state, and neither do
//     the updates after it in the step.
//   - Running statistics, such as those of batch norm, change once a step, with the
//     last update of their network.
//   - A metric that several updates have is the mean over these updates.
//   - What does not depend on a changed state is computed once.
//   - An update with When changes its states in some steps only; it is computed in all.
//
// The package knows no model, no loss and no optimiser of its own.
package update

import (
	"maps"
	"slices"
	"strings"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

// An Update is one optimiser update within a step of training.
type Update struct {
	// Name says what learns, as "generator". Updates with the same Name have the same
	// Optimizer and share its slots, as five updates of a critic do. Updates with
	// different Names must have different slots.
	Name string

	Loss      *graph.Node    // minimised: a scalar
	Params    []*graph.Node  // the parameters that it may change, as Params and Except list them
	Optimizer optim.Rule     // turns the gradient of Loss in Params into new values
	Rate      float64        // learning rate as a multiple of the run's; 0 is 1
	Metrics   []graph.Output // scalars, which the step reports
	GradNorm  string         // name of one metric more, the norm of the gradient before any clipping; "" = none

	// Simultaneous makes the update start from the states from which the update before
	// it in the list started, not from those that it left.
	Simultaneous bool

	// When is a scalar: the update changes Params and slots where it is 1, and where it is 0 they
	// stay as they are. nil is always. What After adds does not depend on it.
	When *graph.Node

	// After adds updates of other states, such as a moving average of the parameters,
	// given the new values of Params, slots and running statistics; it may be nil. It is
	// called for the last update of each Name in a step.
	After func(updates []graph.Update) []graph.Update
	// Slots are those of the states that After adds that are saved with the optimiser's, not with
	// the parameters.
	Slots []optim.Slot
}

// A Step is the parts of the graph.Func of a step of training.
type Step struct {
	Metrics []graph.Output // scalars: each the mean over the updates that have it
	Updates []graph.Update // one for each state that the step changes
	Slots   []optim.Slot   // the states of the optimisers
}

// Params returns the learned parameters of the networks with these names, in the order
// in which they were declared.
func Params(b *nn.Builder, networks ...string) []*graph.Node {
	return slices.DeleteFunc(b.States(), func(n *graph.Node) bool { return !belongs(n.Name(), networks...) })
}

// Except returns the learned parameters of all networks but those with these names, in
// the order in which they were declared.
func Except(b *nn.Builder, networks ...string) []*graph.Node {
	return slices.DeleteFunc(b.States(), func(n *graph.Node) bool { return belongs(n.Name(), networks...) })
}

// belongs reports whether the state with that name is one of networks.
func belongs(state string, networks ...string) bool {
	return slices.ContainsFunc(networks, func(n string) bool { return strings.HasPrefix(state, n+"/") })
}

// New returns the step of training that consists of updates, in their order. b is the
// Builder by which the losses were built, with Training set, and lr the learning rate,
// a scalar. New panics with a *graph.ShapeError if optimisers of different Names have a
// slot of the same name: see Prefixed.
func New(b *nn.Builder, lr *graph.Node, updates ...Update) Step {
	var step Step
	var states versions
	var start map[string]*graph.Node // the values from which the current update starts
	var finite []*graph.Node         // losses and gradient norms that must be finite
	var metrics, norms means
	owners := map[string]string{} // Name of the updates, by name of the slot
	for i, u := range updates {
		if !u.Simultaneous {
			start = maps.Clone(states.values)
		}
		grads := graph.Grad(u.Loss, u.Params...)
		norm := graph.Tag(optim.GlobalNorm(grads), "gradient of the "+u.Name)
		rate := lr
		if u.Rate != 0 && u.Rate != 1 {
			rate = graph.Scale(lr, u.Rate)
		}
		changes, slots := u.Optimizer.Update(u.Params, grads, rate)
		step.addSlots(owners, u.Name, append(slots, u.Slots...))
		changes = append(changes, statistics(b, u, updates[i+1:])...)
		if u.When != nil {
			for i, c := range changes {
				changes[i].Value = graph.Select(u.When, c.Value, c.State)
			}
		}
		if last := !slices.ContainsFunc(updates[i+1:], func(v Update) bool { return v.Name == u.Name }); last && u.After != nil {
			changes = append(changes, u.After(changes)...)
		}

		current := states.substitution(start)
		for _, m := range u.Metrics {
			metrics.add(m.Name, current(m.Value))
		}
		loss, norm := current(u.Loss), current(norm)
		if u.GradNorm != "" {
			norms.add(u.GradNorm, norm)
		}
		finite = append(finite, loss, norm)
		next := make([]graph.Update, len(changes))
		for i, c := range changes {
			next[i] = graph.Update{State: current(c.State), Value: current(c.Value)}
		}
		for i, c := range optim.Guard(next, finite...) {
			states.set(changes[i].State.Name(), c.Value)
		}
	}
	step.Metrics, step.Updates = append(metrics.outputs(), norms.outputs()...), states.updates()
	return step
}

// addSlots adds the slots of an update with that name, each once.
func (s *Step) addSlots(owners map[string]string, name string, slots []optim.Slot) {
	for _, slot := range slots {
		switch owner, taken := owners[slot.Name]; {
		case !taken:
			owners[slot.Name] = name
			s.Slots = append(s.Slots, slot)
		case owner != name:
			panic(&graph.ShapeError{Op: "optimiser slot " + slot.Name, In: []graph.Shape{slot.Shape},
				Want: "the optimisers of " + owner + " and of " + name + " both have it: use Prefixed"})
		}
	}
}

// statistics returns the new running statistics of the networks that u updates and none
// of the later updates does.
func statistics(b *nn.Builder, u Update, later []Update) []graph.Update {
	var due []string
	for _, p := range u.Params {
		name, _, ok := strings.Cut(p.Name(), "/")
		if !ok || slices.Contains(due, name) {
			continue
		}
		again := slices.ContainsFunc(later, func(v Update) bool {
			return slices.ContainsFunc(v.Params, func(p *graph.Node) bool { return belongs(p.Name(), name) })
		})
		if !again {
			due = append(due, name)
		}
	}
	return slices.DeleteFunc(slices.Clone(b.Updates()), func(s graph.Update) bool { return !belongs(s.State.Name(), due...) })
}

// means are the values of metrics that several updates may have.
type means struct {
	names  []string // in the order in which they were added
	values map[string][]*graph.Node
}

// add adds a value of the metric with that name.
func (m *means) add(name string, value *graph.Node) {
	if m.values == nil {
		m.values = map[string][]*graph.Node{}
	}
	if m.values[name] == nil {
		m.names = append(m.names, name)
	}
	m.values[name] = append(m.values[name], value)
}

// outputs returns the mean of each metric over its values.
func (m *means) outputs() []graph.Output {
	var out []graph.Output
	for _, name := range m.names {
		mean := m.values[name][0]
		if n := len(m.values[name]); n > 1 {
			for _, v := range m.values[name][1:] {
				mean = graph.Add(mean, v)
			}
			mean = graph.Scale(mean, 1/float64(n))
		}
		out = append(out, graph.Output{Name: name, Value: graph.Tag(mean, name)})
	}
	return out
}
