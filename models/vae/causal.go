package vae

import (
	"slices"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/nn"
)

// A causalStack is the layers of a decoder of sequences between what it reads and its logits. Of a sequence given at
// once or step by step it makes the same: step t depends on the steps up to t alone.
type causalStack interface {
	// begin returns what is remembered before the first step, at least one: z (B,Z) → (B, …) each.
	begin(dec *nn.Builder, z *graph.Node) []*graph.Node
	// whole returns the output for each step of a sequence, given what begin returns: x (B,T,D) → (B,T,F).
	whole(dec *nn.Builder, x *graph.Node, states []*graph.Node) *graph.Node
	// step returns the output for one step more, and what is remembered after it: x (B,1,D) → (B,1,F).
	step(dec *nn.Builder, x *graph.Node, states []*graph.Node) (y *graph.Node, next []*graph.Node)
}

// The values of the option Decoder.
const (
	decoderCNN         = "cnn"
	decoderTransformer = "transformer"
)

// stack returns the layers of the option Decoder.
func (r RecurrentNetworks) stack() causalStack {
	switch r.Decoder {
	case decoderCNN:
		return dilated{r.Units}
	case decoderTransformer:
		return transformer{layers: len(r.Units), units: r.Units[0], steps: r.item.Size()}
	}
	return recurrentStack{r.Cell, r.Units}
}

// validateDecoder returns the faults of the option Decoder and what depends on it.
func (r Recurrent) validateDecoder() []error {
	var faults []error
	switch r.Decoder {
	case "":
		return nil
	case decoderCNN:
	case decoderTransformer:
		if len(r.Units) > 0 && (slices.Min(r.Units) != slices.Max(r.Units) || r.Units[0] > headUnits && r.Units[0]%headUnits != 0) {
			faults = append(faults, option.Errorf("vae: {Units} %v of {Decoder} transformer: want layers of one size, of up to %d units or a multiple of it, as 256,256", r.Units, headUnits))
		}
	default:
		faults = append(faults, option.Errorf("vae: {Decoder} %q: want cnn or transformer, or nothing for recurrent layers", r.Decoder))
	}
	if !r.Skip {
		faults = append(faults, option.Errorf("vae: {Decoder} %s has no state that the code could set: have it read the code at each step, {Skip} true", r.Decoder))
	}
	return faults
}

// eachStep returns a dense layer of each step: x (B,n,D) → (B,n,units).
func eachStep(b *nn.Builder, name string, x *graph.Node, units int, act nn.Activation) *graph.Node {
	batch, steps, d := x.Shape()[0], x.Shape()[1], x.Shape()[2]
	return graph.Reshape(b.Dense(name, graph.Reshape(x, batch*steps, d), units, act), batch, steps, units)
}

// later returns the steps of x from one on: (B,n,D) → (B, n−from, D).
func later(x *graph.Node, from int) *graph.Node {
	s := x.Shape()
	return graph.Slice(x, []int{0, from, 0}, s, []int{1, 1, 1})
}

// recurrentStack is recurrent layers whose first states dense layers make of the code.
type recurrentStack struct {
	cell  string // gru or lstm
	units []int
}

// begin returns the state of each layer, each followed by its cell if the layers have cells.
func (r recurrentStack) begin(dec *nn.Builder, z *graph.Node) []*graph.Node {
	var states []*graph.Node
	for i, units := range r.units {
		states = append(states, dec.Dense(nn.LayerName("state", i), z, units, nn.None))
		if r.cell == "lstm" {
			states = append(states, dec.Dense(nn.LayerName("cell", i), z, units, nn.None))
		}
	}
	return states
}

func (r recurrentStack) whole(dec *nn.Builder, x *graph.Node, states []*graph.Node) *graph.Node {
	y, _ := r.step(dec, x, states)
	return y
}

// step takes any number of steps.
func (r recurrentStack) step(dec *nn.Builder, x *graph.Node, states []*graph.Node) (y *graph.Node, next []*graph.Node) {
	for i, units := range r.units {
		o, cell := nn.Recurrence{Initial: states[0]}, (*graph.Node)(nil)
		if states = states[1:]; r.cell == "lstm" {
			o.Cell, states = states[0], states[1:]
		}
		var last *graph.Node
		x, last, cell = dec.Recurrent(r.cell, nn.LayerName(r.cell, i), x, units, o)
		if next = append(next, last); cell != nil {
			next = append(next, cell)
		}
	}
	return x, next
}
