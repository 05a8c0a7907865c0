package vae

import (
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/prob"
)

// In the comments on sequences, T is the number of steps of an item, V the number of tokens and S the size of a state.

// Recurrent are recurrent networks for sequences of tokens, as of Bowman et al.,
// arXiv:1511.06349:
//
//	token – Embedding – recurrent layer, in one direction or two – heads
//	Z – states; token before – Embedding (– with Z) – recurrent layers – V logits
//
// The encoder reads the tokens before the end, and its features are the last states. The decoder may have other
// layers in place of the recurrent ones: see Decoder. RecurrentNetworks are both an Encoder and an Autoregressive.
type Recurrent struct {
	Cell          string  `json:"cell" flag:"cell" help:"of the recurrent layers: gru or lstm"`
	Embedding     int     `json:"embedding" flag:"embedding" help:"numbers by which a token is read"`                                                                                            // ≥ 1
	Shared        bool    `json:"shared_embedding" flag:"shared-embedding" help:"encoder and decoder read tokens by one table"`                                                                  //
	EncoderUnits  int     `json:"encoder_units" flag:"encoder-units" help:"units of the encoder's recurrent layer, in each direction"`                                                           // ≥ 1
	Bidirectional bool    `json:"bidirectional" flag:"bidirectional" help:"the encoder reads in both directions"`                                                                                //
	Decoder       string  `json:"decoder,omitempty" flag:"decoder" help:"layers of the decoder in place of recurrent ones: cnn, dilated causal convolutions, or transformer; each needs --skip"` // "" is recurrent, of Cell
	Units         []int   `json:"decoder_units" flag:"decoder-units" help:"units of the decoder's layers"`                                                                                       // each ≥ 1
	Skip          bool    `json:"skip" flag:"skip" help:"the decoder is given the code at each step too, beside the token before"`                                                               // Dieng et al., arXiv:1807.04863
	Plan          int     `json:"plan,omitempty" flag:"plan" help:"numbers for each step that a dense layer makes of the code; another makes them of each step of the encoder; 0 = none"`        // ≥ 0
	WordDropout   float64 `json:"word_dropout" flag:"word-dropout" help:"share of the tokens that are hidden from the decoder in training, so that it needs the code"`                           // in [0, 1)
	InputDropout  float64 `json:"dropout" flag:"dropout" help:"share of the decoder's inputs that is set to 0 in training"`                                                                      // in [0, 1)
	OutputDropout float64 `json:"output_dropout" flag:"output-dropout" help:"share of the decoder's last states that is set to 0 in training"`                                                   // in [0, 1)
}

// maxSteps bounds the steps of a sequence: each adds its nodes to the graph of a step of
// training, which takes long to compile.
const maxSteps = 512

// maxPlan bounds the numbers of a plan for each step.
const maxPlan = 1024

func (r Recurrent) validate() []error {
	faults := model.CheckUnits("vae", "Embedding", r.Embedding)
	faults = append(faults, model.CheckUnits("vae", "EncoderUnits", r.EncoderUnits)...)
	faults = append(faults, model.CheckLayers("vae", "Units", r.Units)...)
	if r.Plan < 0 || r.Plan > maxPlan {
		faults = append(faults, option.Errorf("vae: {Plan} %d: want 0 (none) to %d", r.Plan, maxPlan))
	}
	if r.Cell != "gru" && r.Cell != "lstm" {
		faults = append(faults, option.Errorf("vae: {Cell} %q: want gru or lstm", r.Cell))
	}
	faults = append(faults, r.validateDecoder()...)
	for _, d := range []struct {
		field string
		rate  float64
	}{{"WordDropout", r.WordDropout}, {"InputDropout", r.InputDropout}, {"OutputDropout", r.OutputDropout}} {
		if !(d.rate >= 0 && d.rate < 1) {
			faults = append(faults, option.Errorf("vae: {"+d.field+"} %v: want 0 (none) or more, and less than 1, as 0.2", d.rate))
		}
	}
	return faults
}

// For returns the networks for sequences of that description. It fails if the items are none.
func (r Recurrent) For(item medium.Item) (RecurrentNetworks, error) {
	if err := checkSequence(item); err != nil {
		return RecurrentNetworks{}, err
	}
	return RecurrentNetworks{r, item}, nil
}

// checkSequence returns an error for items that are no sequences of tokens.
func checkSequence(item medium.Item) error {
	switch {
	case item.Element != medium.Tokens || len(item.Shape) != 1:
		return option.Errorf("vae: images of %v in %v: these networks take sequences of tokens, as of a text; use dense networks, as those of mlp-vae", item.Element, item)
	case item.Size() < 2 || item.Size() > maxSteps:
		return option.Errorf("vae: sequences of %d tokens: want 2 to %d; {Length} cuts longer ones", item.Size(), maxSteps)
	}
	return nil
}

// RecurrentNetworks are the networks of Recurrent for sequences of one description.
type RecurrentNetworks struct {
	Recurrent
	item medium.Item
}

// embed returns what a network reads for ids: (B,T) → (B,T,Embedding). The row after those of
// the tokens is what the decoder reads before the first one; an id of −1 gives zeros.
func (r RecurrentNetworks) embed(b *nn.Builder, ids *graph.Node) *graph.Node {
	if r.Shared {
		b = b.Network("encoder")
	}
	return b.Embedding("embedding", ids, r.item.Vocabulary+1, r.Embedding, nn.Normal(0, 1))
}

// Features returns the states after the last token, of both directions if there are two: ids
// x (B,T) → (B,F). labels (B,K) are concatenated to them.
func (r RecurrentNetworks) Features(enc *nn.Builder, x, labels *graph.Node) *graph.Node {
	o := nn.Recurrence{}
	if end, ok := medium.End(r.item); ok {
		o.Mask = graph.Sub(graph.Const(1), graph.Equal(x, graph.Const(float64(end))))
	}
	read := r.embed(enc, enc.Input("input_1", x))
	y, h, _ := enc.Recurrent(r.Cell, "forward", read, r.EncoderUnits, o)
	parts, states := []*graph.Node{h}, []*graph.Node{y}
	if r.Bidirectional {
		o.Reverse = true
		y, back, _ := enc.Recurrent(r.Cell, "backward", read, r.EncoderUnits, o)
		parts, states = append(parts, back), append(states, y)
	}
	if r.Plan > 0 {
		y := graph.Concat(2, states...)
		batch, steps := y.Shape()[0], y.Shape()[1]
		each := enc.Dense("each_step", graph.Reshape(y, batch*steps, y.Shape()[2]), r.Plan, nn.None)
		parts = append(parts, graph.Reshape(each, batch, steps*r.Plan))
	}
	if labels != nil {
		parts = append(parts, enc.Input("input_labels", labels))
	}
	if len(parts) == 1 {
		return h
	}
	return enc.Layer("concatenate", "Concatenate", graph.Concat(1, parts...), parts...)
}

// begin returns what the decoder remembers before the first token, the plan last: z (B,Z) → (B, …) each.
func (r RecurrentNetworks) begin(dec *nn.Builder, z *graph.Node) []*graph.Node {
	states := r.stack().begin(dec, z)
	if r.Plan > 0 {
		states = append(states, dec.Dense("plan", z, r.item.Size()*r.Plan, nn.None))
	}
	return states
}

// divided returns the states of the layers and the plan, which is nil if there is none.
func (r RecurrentNetworks) divided(states []*graph.Node) (layers []*graph.Node, plan *graph.Node) {
	if r.Plan == 0 {
		return states, nil
	}
	last := len(states) - 1
	return states[:last], states[last]
}

// read returns what the layers of the decoder read for ids, given the plan of the steps from these on, which is nil if
// there is none, and the plan of those after them: z (B,Z), ids (B,n) → (B,n,D).
func (r RecurrentNetworks) read(dec *nn.Builder, z, ids, plan *graph.Node) (x, rest *graph.Node) {
	batch, steps := ids.Shape()[0], ids.Shape()[1]
	x = dec.Dropout("dropout", r.embed(dec, ids), r.InputDropout)
	if r.Skip {
		codes := z.Shape()[1]
		each := graph.BroadcastTo(graph.Reshape(z, batch, 1, codes), batch, steps, codes)
		x = dec.Layer("with_code", "Concatenate", graph.Concat(2, x, each), x, z)
	}
	if plan != nil {
		var now *graph.Node
		now, rest = r.planned(plan, steps)
		x = dec.Layer("with_plan", "Concatenate", graph.Concat(2, x, now), x, now)
	}
	return x, rest
}

// logits returns the logits of what the layers of the decoder make of each step: x (B,n,D) → (B,n,V).
func (r RecurrentNetworks) logits(dec *nn.Builder, x *graph.Node) *graph.Node {
	return eachStep(dec, "logits", dec.Dropout("output_dropout", x, r.OutputDropout), r.item.Vocabulary, nn.None)
}

// planned returns the plan of the next steps and the plan of those after them, which the used
// part follows so that its size stays: plan (B, T·Plan) → (B, steps, Plan), (B, T·Plan).
func (r RecurrentNetworks) planned(plan *graph.Node, steps int) (now, rest *graph.Node) {
	batch, all, used := plan.Shape()[0], plan.Shape()[1], steps*r.Plan
	now = graph.Slice(plan, []int{0, 0}, []int{batch, used}, []int{1, 1})
	if rest = now; used < all {
		rest = graph.Concat(1, graph.Slice(plan, []int{0, used}, []int{batch, all}, []int{1, 1}), now)
	}
	return graph.Reshape(now, batch, steps, r.Plan), rest
}

// Forced returns the logits of each step given the tokens before it; see Autoregressive. In
// training WordDropout hides some of them.
func (r RecurrentNetworks) Forced(dec *nn.Builder, z, x *graph.Node) *graph.Node {
	batch, steps := x.Shape()[0], x.Shape()[1]
	before := graph.Slice(dec.Input("input_tokens", x), []int{0, 0}, []int{batch, steps - 1}, []int{1, 1})
	if r.WordDropout > 0 && dec.Training {
		known := graph.Greater(graph.Uniform(dec.Key, "word_dropout", batch, steps-1), graph.Const(r.WordDropout))
		before = graph.Select(known, before, graph.Const(-1))
	}
	first := graph.BroadcastTo(graph.Const(float64(r.item.Vocabulary)), batch, 1)
	states, plan := r.divided(r.begin(dec, z))
	read, _ := r.read(dec, z, graph.Concat(1, first, before), plan)
	return r.logits(dec, r.stack().whole(dec, read, states))
}

// Start returns the state before the first token; see Autoregressive.
func (r RecurrentNetworks) Start(dec *nn.Builder, z *graph.Node) *graph.Node {
	return graph.Concat(1, r.begin(dec, z)...)
}

// Step returns the logits of the token after token; see Autoregressive.
func (r RecurrentNetworks) Step(dec *nn.Builder, z, state, token *graph.Node) (logits, next *graph.Node) {
	var states []*graph.Node
	batch, at := token.Shape()[0], 0
	for _, s := range r.begin(dec, z) {
		n := s.Shape()[1]
		states = append(states, graph.Slice(state, []int{0, at}, []int{batch, at + n}, []int{1, 1}))
		at += n
	}
	logits, after := r.step(dec, z, states, token)
	return logits, graph.Concat(1, after...)
}

// step returns the logits of the token after token (B), and the states after it.
func (r RecurrentNetworks) step(dec *nn.Builder, z *graph.Node, states []*graph.Node, token *graph.Node) (logits *graph.Node, next []*graph.Node) {
	batch := token.Shape()[0]
	first := graph.Greater(graph.Const(0), token)
	id := graph.Reshape(graph.Select(first, graph.Const(float64(r.item.Vocabulary)), token), batch, 1)
	states, plan := r.divided(states)
	x, rest := r.read(dec, z, id, plan)
	y, next := r.stack().step(dec, x, states)
	if rest != nil {
		next = append(next, rest)
	}
	return graph.Reshape(r.logits(dec, y), batch, r.item.Vocabulary), next
}

// Logits returns the most likely token of each step after those before, z (B,Z) → ids (B,T);
// see Autoregressive.
func (r RecurrentNetworks) Logits(dec *nn.Builder, z *graph.Node, img medium.Item) *graph.Node {
	states := r.begin(dec, z)
	return greedy(img, z.Shape()[0], func(token *graph.Node) *graph.Node {
		var logits *graph.Node
		logits, states = r.step(dec, z, states, token)
		return logits
	})
}

// greedy returns the tokens of sequences of which each is the most likely one after those
// before, and the end after an end: (B,T). next returns the logits of the token after token
// (B), −1 for none, in turn for each step.
func greedy(item medium.Item, batch int, next func(token *graph.Node) (logits *graph.Node)) *graph.Node {
	end, ends := medium.End(item)
	token := graph.BroadcastTo(graph.Const(-1), batch)
	tokens := make([]*graph.Node, item.Size())
	for t := range tokens {
		id := prob.ArgMax(next(token))
		if ends {
			id = graph.Select(graph.Equal(token, graph.Const(float64(end))), graph.Const(float64(end)), id)
		}
		token = id
		tokens[t] = graph.Reshape(id, batch, 1)
	}
	return graph.Concat(1, tokens...)
}
