// Package update builds a step of training out of optimiser updates.
//
// An Update is a loss, the parameters that it may change, an optimiser and metrics.
// A VAE has one a step. An adversarial model has several, of networks with opposed
// losses: New makes one function of them, in which each update works with the
// states as the updates before it have left them. WGAN-GP with five critic updates
// is a list of six Updates; a VAE with a discriminator is a list of two.
//
// An update whose loss or gradient is not finite changes no state, and neither do
// those after it in the step.
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

// An Update is one optimiser update of a step of training.
type Update struct {
	// Name says what learns, as "generator". Updates of one Name have one optimiser,
	// whose slots they share.
	Name string

	Loss      *graph.Node   // minimised: a scalar
	Params    []*graph.Node // the parameters it may change, as Params and Except list them
	Optimizer optim.Rule
	Rate      float64 // learning rate as a multiple of the run's; 0 is 1
	GradNorm  string  // metric of the norm of the gradient, before any clipping; "" = none
	Metrics   []graph.Output

	// Simultaneous makes the update start from the states from which the update before
	// it in the list started, not from those that it left.
	Simultaneous bool

	// After adds updates of other states, such as a moving average of the parameters,
	// given the new values of the parameters; it may be nil. It is called for the last
	// update of each Name in a step.
	After func(updates []graph.Update) []graph.Update
}

// A Step is the updates of a step of training as parts of one graph.Func.
type Step struct {
	Metrics []graph.Output // scalars: each the mean over the updates that have it
	Updates []graph.Update
	Slots   []optim.Slot
}

// Params returns the parameters of networks of b that are learned by gradient.
func Params(b *nn.Builder, networks ...string) []*graph.Node {
	return slices.DeleteFunc(b.States(), func(n *graph.Node) bool { return !In(n.Name(), networks...) })
}

// Except returns the parameters of b that are learned by gradient, without those of
// networks.
func Except(b *nn.Builder, networks ...string) []*graph.Node {
	return slices.DeleteFunc(b.States(), func(n *graph.Node) bool { return In(n.Name(), networks...) })
}

// In reports whether a parameter belongs to one of networks, by its name.
func In(param string, networks ...string) bool {
	return slices.ContainsFunc(networks, func(n string) bool { return strings.HasPrefix(param, n+"/") })
}

// New returns the step that makes updates one after another, at learning rate lr, a
// scalar. Running statistics that the layers of b keep, such as those of batch norm,
// are updated with the last update of the network that they belong to.
//
// What no update has changed, as images generated once for two updates of a
// discriminator, is computed once.
func New(b *nn.Builder, lr *graph.Node, updates ...Update) Step {
	var step Step
	var states versions
	var start map[string]*graph.Node // values from which the update under way starts
	var finite []*graph.Node
	metrics := newMeans()
	var norms []graph.Output
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
		if last := !slices.ContainsFunc(updates[i+1:], func(v Update) bool { return v.Name == u.Name }); last {
			changes = append(changes, statistics(b, u.Params)...)
			step.Slots = append(step.Slots, slots...)
			if u.After != nil {
				changes = append(changes, u.After(changes)...)
			}
		}
		current := states.substitution(start)
		for _, m := range u.Metrics {
			metrics.add(m.Name, current(m.Value))
		}
		loss, norm := current(u.Loss), current(norm)
		if u.GradNorm != "" {
			norms = append(norms, graph.Output{Name: u.GradNorm, Value: norm})
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
	for _, n := range norms {
		metrics.add(n.Name, n.Value)
	}
	step.Metrics, step.Updates = metrics.outputs(), states.updates()
	return step
}

// statistics returns the new running statistics of the networks that params are of.
func statistics(b *nn.Builder, params []*graph.Node) []graph.Update {
	var networks []string
	for _, p := range params {
		if name, _, ok := strings.Cut(p.Name(), "/"); ok && !slices.Contains(networks, name) {
			networks = append(networks, name)
		}
	}
	return slices.DeleteFunc(slices.Clone(b.Updates()), func(u graph.Update) bool { return !In(u.State.Name(), networks...) })
}

// means collects metrics that several updates have.
type means struct {
	names  []string // in the order in which they came
	values map[string][]*graph.Node
}

func newMeans() *means { return &means{values: map[string][]*graph.Node{}} }

func (m *means) add(name string, value *graph.Node) {
	if m.values[name] == nil {
		m.names = append(m.names, name)
	}
	m.values[name] = append(m.values[name], value)
}

// outputs returns the mean of each metric.
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
