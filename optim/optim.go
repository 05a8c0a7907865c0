// Package optim builds optimisers as graph nodes: update rules, gradient clipping, a guard against steps that are not
// finite, and learning-rate schedules.
//
// To use it, give a Rule the learned parameters, their gradients and the learning rate, and make its updates the updates
// of the training step:
//
//	rule, err := optim.ByName("adam", "")
//	params := b.States() // of an nn.Builder
//	updates, slots := rule.Update(params, graph.Grad(loss, params...), lr)
//	step, err := graph.NewFunc("step", inputs, outputs, updates)
//
// A Slot is a state of the rule, for example the moving average of a gradient. Slots hold everything that a rule
// remembers, step counts included, so a checkpoint of the states resumes exactly. Before the first step the caller sets
// each slot to its initial value: see InitialValues. The learning rate is a node, so that the caller can change it: see
// Schedule.
//
// The package must not know models or devices.
package optim

import (
	"iter"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// In all comments of this package, p is a parameter, g its gradient, α the learning rate, and t = 1, 2, … the step.

// A Rule is an optimiser: it computes new parameters from gradients. SGD, RMSprop, Adam and AdamW are rules; ByName makes
// one from its name. To add a rule of your own, implement Update.
type Rule interface {
	// Update returns the updates of one step: the new values of params, which are states, and of the slots of the rule.
	// It also returns the slots that these updates read and write. grads have the shapes of params, and lr, the learning
	// rate, is a scalar.
	Update(params, grads []*graph.Node, lr *graph.Node) ([]graph.Update, []Slot)
}

// A Slot is a state of a rule, with its initial value.
type Slot struct {
	Name  string
	Shape tensor.Shape
	Value float32 // of every element, before the first step
}

// Tensor returns the value of the slot before the first step.
func (s Slot) Tensor() *tensor.Tensor {
	t := tensor.New(tensor.Float32, s.Shape...)
	for i := range t.F32() {
		t.F32()[i] = s.Value
	}
	return t
}

// InitialValues returns the value of each slot before the first step, by name. Set the states of the device to them.
func InitialValues(slots []Slot) iter.Seq2[string, *tensor.Tensor] {
	return func(yield func(string, *tensor.Tensor) bool) {
		for _, s := range slots {
			if !yield(s.Name, s.Tensor()) {
				return
			}
		}
	}
}

// Shapes returns the shape of each slot, by name.
func Shapes(slots []Slot) iter.Seq2[string, tensor.Shape] {
	return func(yield func(string, tensor.Shape) bool) {
		for _, s := range slots {
			if !yield(s.Name, s.Shape) {
				return
			}
		}
	}
}

// A step collects the slots and the updates of one call of Rule.Update.
type step struct {
	name    string // of the rule; the names of its slots start with it
	slots   []Slot
	updates []graph.Update
}

// scalar returns a new slot name/kind with one number.
func (s *step) scalar(kind string, value float32) *graph.Node {
	return s.state(s.name+"/"+kind, value, tensor.Shape{})
}

// slot returns a new slot name/kind/<parameter> with the shape of p, whose initial value is 0.
func (s *step) slot(kind string, p *graph.Node) *graph.Node {
	return s.state(s.name+"/"+kind+"/"+p.Name(), 0, p.Shape())
}

func (s *step) state(name string, value float32, shape tensor.Shape) *graph.Node {
	s.slots = append(s.slots, Slot{name, shape.Clone(), value})
	return graph.State(name, shape...)
}

// set adds the update state ← value, and returns value.
func (s *step) set(state, value *graph.Node) *graph.Node {
	graph.Tag(value, s.name)
	s.updates = append(s.updates, graph.Update{State: state, Value: value})
	return value
}

// average adds the update state ← β·state + (1−β)·x, and returns the new value.
func (s *step) average(state, x *graph.Node, beta weights) *graph.Node {
	return s.set(state, graph.Add(graph.Mul(state, beta.old), graph.Mul(x, beta.new)))
}

// weights are the constants β and 1−β of a moving average.
type weights struct{ old, new *graph.Node }

// averageWeights returns β and 1−β. It computes 1−β from β rounded to float32, so that the two add up to 1. Without this,
// the correction 1 − βᵗ of Adam would have a relative error of 1e-5 for β = 0.999 and t = 1.
func averageWeights(beta float64) weights {
	f := float64(float32(beta))
	return weights{graph.Const(f), graph.Const(1 - f)}
}
