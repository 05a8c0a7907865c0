// Package optim writes update rules as graphs: a step of training is an ordinary
// function whose updates are new values of parameters and of the rule's own
// slots.
//
// Slots hold all that a rule remembers, step counts included, so nothing of it
// lives on the host. The learning rate is a node: schedules are its owner's. The
// package knows no model and no device.
package optim

import (
	"iter"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// A Rule turns gradients into new values. A rule is a file of this package.
type Rule interface {
	// Update is one step on params, which are states, along grads, of the same
	// shapes, with the learning rate lr, a scalar. It lists the slots that the
	// updates read and write.
	Update(params, grads []*graph.Node, lr *graph.Node) ([]graph.Update, []Slot)
}

// A Slot is a state of a rule.
type Slot struct {
	Name  string
	Shape tensor.Shape
	Value float32 // every element before the first step
}

// Tensor returns the slot before the first step.
func (s Slot) Tensor() *tensor.Tensor {
	t := tensor.New(tensor.Float32, s.Shape...)
	for i := range t.F32() {
		t.F32()[i] = s.Value
	}
	return t
}

// InitialValues returns the value of each slot before the first step, by name.
func InitialValues(slots []Slot) iter.Seq2[string, *tensor.Tensor] {
	return func(yield func(string, *tensor.Tensor) bool) {
		for _, s := range slots {
			if !yield(s.Name, s.Tensor()) {
				return
			}
		}
	}
}

// Shapes returns the shape of each slot by name.
func Shapes(slots []Slot) iter.Seq2[string, tensor.Shape] {
	return func(yield func(string, tensor.Shape) bool) {
		for _, s := range slots {
			if !yield(s.Name, s.Shape) {
				return
			}
		}
	}
}

// slots are declared as states as a rule needs them.
type slots []Slot

func (s *slots) state(name string, value float32, shape tensor.Shape) *graph.Node {
	*s = append(*s, Slot{name, shape.Clone(), value})
	return graph.State(name, shape...)
}

// GlobalNorm returns the length of all gradients taken as one vector, √ΣΣ g², a scalar.
func GlobalNorm(grads []*graph.Node) *graph.Node {
	sum := graph.Const(0)
	for _, g := range grads {
		sum = graph.Add(sum, graph.Sum(graph.Square(g)))
	}
	return graph.Sqrt(sum)
}

// Clip scales all gradients by min(1, limit/norm), norm being their GlobalNorm:
// their length is at most limit and their direction kept. Pascanu et al.,
// arXiv:1211.5063, alg. 1.
func Clip(grads []*graph.Node, norm *graph.Node, limit float64) []*graph.Node {
	by := graph.Div(graph.Const(limit), graph.Max(norm, graph.Const(limit)))
	clipped := make([]*graph.Node, len(grads))
	for i, g := range grads {
		clipped[i] = graph.Mul(g, by)
	}
	return clipped
}

// Guard makes updates keep every state as it was unless all of watch, scalars
// such as the loss and the norm of the gradients, are finite. The step can then
// be run again to find the layer at fault, and nothing is lost.
func Guard(updates []graph.Update, watch ...*graph.Node) []graph.Update {
	ok := graph.Const(1)
	for _, s := range watch {
		// x − x is 0 of a finite x alone. (Finite watches could add up to infinity,
		// so each is asked.)
		ok = graph.Mul(ok, graph.Equal(graph.Sub(s, s), graph.Const(0)))
	}
	kept := make([]graph.Update, len(updates))
	for i, u := range updates {
		kept[i] = graph.Update{State: u.State, Value: graph.Select(ok, u.Value, u.State)}
	}
	return kept
}
