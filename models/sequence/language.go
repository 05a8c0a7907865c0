package sequence

import (
	"errors"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// LanguageConfig configures kind language-model: a recurrent network that says what the next
// step of a sequence is, of tokens or of vectors, such as the keys of a piano-roll.
//
//	ln p(x) = Σ_t ln p(x_t|x_<t)    loss = −ln p(x)
//
// A token is read by its embedding, a vector as it is, and zeros before the first step; the
// logits of a step are a dense layer of the last recurrent layer's state. Mikolov et al. 2010,
// with the LSTM of Zaremba et al., arXiv:1409.2329, and its dropout; of piano-rolls,
// Boulanger-Lewandowski et al. 2012, who give the keys of a step no dependence on each other in
// their RNN. It has no codes. It is what a VAE of sequences is compared with.
type LanguageConfig struct {
	Cell           string  `json:"cell" flag:"cell" help:"of the recurrent layers: gru or lstm"`
	RecurrentUnits []int   `json:"units" flag:"recurrent-units" help:"units of the recurrent layers"`                                        // each ≥ 1
	Embedding      int     `json:"embedding" flag:"embedding" help:"numbers by which a token is read"`                                       // ≥ 1; without effect on vectors
	Dropout        float64 `json:"dropout" flag:"dropout" help:"share of the inputs and outputs of the layers that is set to 0 in training"` // in [0, 1)
}

// LanguageModel returns kind language-model, its recipe for texts, and roll-lstm, that for
// piano-rolls.
func LanguageModel() (model.Kind, model.Recipe, model.Recipe) {
	kind := model.Kind{Name: "language-model", About: "recurrent network that predicts each step of a sequence from those before", Default: func() model.Config {
		return &LanguageConfig{Cell: "lstm", RecurrentUnits: []int{256}, Embedding: 128, Dropout: 0.3}
	}}
	return kind,
		model.Recipe{Name: "language-model", About: kind.About, Kind: kind.Name, Train: model.Training{Epochs: 20, Batch: 32, LearningRate: 1e-3}},
		model.Recipe{Name: "roll-lstm", About: "LSTM that predicts each step of a piano-roll from those before", Kind: kind.Name,
			Config: `{"units": [200], "dropout": 0.4}`, Train: model.Training{Epochs: 200, Batch: 10, LearningRate: 8e-3, Schedule: "cosine"}}
}

// checkCell returns the fault of the name of a recurrent layer.
func checkCell(cell string) []error {
	if cell == "gru" || cell == "lstm" {
		return nil
	}
	return []error{option.Errorf("sequence: {Cell} %q: want gru or lstm", cell)}
}

// Validate reports every fault of the options.
func (c *LanguageConfig) Validate() error {
	faults := append(checkCell(c.Cell), model.CheckLayers("sequence", "RecurrentUnits", c.RecurrentUnits)...)
	faults = append(faults, model.CheckUnits("sequence", "Embedding", c.Embedding)...)
	if !(c.Dropout >= 0 && c.Dropout < 1) {
		faults = append(faults, option.Errorf("sequence: {Dropout} %v: want 0 (none) or more, and less than 1, as 0.3", c.Dropout))
	}
	return errors.Join(faults...)
}

// New builds the model.
func (c *LanguageConfig) New(in model.Input) (*model.Model, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	k, err := kindOf(in.Item)
	if err != nil {
		return nil, err
	}
	of := "Σ_steps −ln p(x_t|x_<t)"
	d := definition{
		name: "language-model", formula: "loss = " + of + ", nats per image",
		terms: func(in *batch) []term {
			logits, _ := c.logits(in, before(c.read(in, in.values)), nil)
			nll := in.nll(logits)
			return []term{{model.Loss, nll}, {model.Reconstruction, nll}, in.stepsTerm()}
		},
		sample: c.sample,
		logWeights: func(in *batch, draws int) *graph.Node { // there is no z: all are ln p(x)
			logits, _ := c.logits(in, before(c.read(in, in.values)), nil)
			return graph.BroadcastTo(graph.Reshape(graph.Neg(in.nll(logits)), in.n, 1), in.n, draws)
		},
	}
	return d.build(in, k)
}

// read returns what the network reads of values: ids (B,T) or vectors (B,T,D) → (B,T,E).
func (c *LanguageConfig) read(in *batch, values *graph.Node) *graph.Node {
	b := in.b.Network("network")
	values = b.Input("input", values)
	if in.tokens() {
		return b.Embedding("embedding", values, in.width(), c.Embedding, nn.Normal(0, 0.1))
	}
	return values
}

// logits returns the logits of the step after each one that is read, x (B,T,E) → (B,T,V), and
// the states after the last. states are those before the first: of each layer the state, and
// of an LSTM its cell; nil = 0.
func (c *LanguageConfig) logits(in *batch, x *graph.Node, states []*graph.Node) (logits *graph.Node, next []*graph.Node) {
	b := in.b.Network("network")
	steps := x.Shape()[1]
	x = b.Dropout("dropout", x, c.Dropout)
	for i, units := range c.RecurrentUnits {
		var o nn.Recurrence
		if states != nil {
			o.Initial, o.Cell, states = states[0], states[1], states[2:]
		}
		var last, cell *graph.Node
		x, last, cell = b.Recurrent(c.Cell, nn.LayerName(c.Cell, i), x, units, o)
		next = append(next, last, cell)
		x = b.Dropout(nn.LayerName("dropout", i+1), x, c.Dropout)
	}
	rows := graph.Reshape(x, in.n*steps, x.Shape()[2])
	return graph.Reshape(b.Dense("logits", rows, in.width(), nn.None), in.n, steps, in.width()), next
}

// sample draws sequences step by step.
func (c *LanguageConfig) sample(in *batch) *graph.Node {
	var states, values []*graph.Node
	for t := range in.steps() {
		var x *graph.Node
		if t == 0 {
			width := in.width()
			if in.tokens() {
				width = c.Embedding
			}
			x = graph.BroadcastTo(graph.Const(0), in.n, 1, width)
		} else {
			last := values[t-1]
			x = c.read(in, graph.Reshape(last, append([]int{in.n, 1}, last.Shape()[1:]...)...))
		}
		var logits *graph.Node
		logits, states = c.logits(in, x, states)
		values = append(values, in.draw(graph.Reshape(logits, in.n, in.width()), stream("step", t)))
	}
	return in.picture(values, nil)
}
