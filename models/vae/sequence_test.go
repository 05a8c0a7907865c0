package vae

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// words is a toy medium of sequences that end with their last token.
type words struct{ medium.Medium }

func (words) Name() string             { return "words" }
func (words) Check(medium.Item) error  { return nil }
func (words) End(item medium.Item) int { return item.Vocabulary - 1 }
func (words) Noun() string             { return "sentence" }
func (words) ValueNoun() string        { return "token" }

// sentences are of 5 tokens of 6, the last of which ends them.
var sentences = medium.Item{Medium: words{}, Shape: tensor.Shape{5}, Element: medium.Tokens, Vocabulary: 6}

// lengths are those of the sentences of someSentences.
var lengths = []int{5, 3, 1, 4}

// someSentences returns those of testdata/sequence.py.
func someSentences() graph.Value {
	var x graph.Value
	for i, n := range lengths {
		for t := range sentences.Size() {
			if id := 5.0; t < n {
				id = float64((3*i + 2*t) % 5)
				x = append(x, id)
			} else {
				x = append(x, id)
			}
		}
	}
	return x
}

// sequenceKind returns the kind as newModel takes it.
func sequenceKind() (model.Kind, model.Recipe) {
	k, r, _ := SequenceVAE()
	return k, r
}

var (
	tinyGRU         = []string{"latent", "2", "beta", "0.5", "embedding", "3", "encoder-units", "4", "decoder-units", "5"}
	tinyDilated     = []string{"decoder", "cnn", "latent", "2", "embedding", "3", "encoder-units", "4", "decoder-units", "3,4,2"}
	tinyTransformer = []string{"decoder", "transformer", "latent", "2", "embedding", "3", "encoder-units", "4", "decoder-units", "4,4", "plan", "2"}
	tinyLSTM        = []string{"cell", "lstm", "latent", "2", "embedding", "3", "encoder-units", "4", "decoder-units", "4,3", "bidirectional", "false", "skip", "false"}
)

// sentenceInputs returns the inputs of a function of those sentences.
func sentenceInputs(step uint64) map[string]graph.Value {
	in := inputs(len(lengths), sentences, step)
	in[model.InputX] = someSentences()
	return in
}

// From testdata/sequence.py with torch 1.13.1 in float64; the tolerance is that of
// tenLosses.
var sequenceLosses = map[string][]float64{
	"gru":  {7.226692588, 7.196990363, 7.307478180, 7.213804221, 7.489276581, 7.127767396, 7.151178359, 7.076617326, 6.996121447, 7.122411610},
	"lstm": {7.433964599, 7.393292194, 7.320358307, 7.287324890, 7.228723661, 7.203002553, 7.253986852, 7.289261544, 7.164804695, 7.103106957},
}

func TestTenStepsOfSequencesEqualPyTorch(t *testing.T) {
	for name, options := range map[string][]string{"gru": tinyGRU, "lstm": tinyLSTM} {
		m := newModel(t, sentences, sequenceKind, options...)
		states := startStates(m)
		f, err := m.Last().Step(len(lengths))
		if err != nil {
			t.Fatal(err)
		}
		for step, want := range sequenceLosses[name] {
			in := sentenceInputs(uint64(step))
			in[model.InputLR] = graph.Value{0.01}
			if got := run(t, f, nil, in, states)[model.Loss][0]; !near(got, want, 1e-8) {
				t.Fatalf("%s, step %d: loss %.9f, want %.9f", name, step, got, want)
			}
		}
	}
}

// A step at a time gives the logits that teacher forcing gives, and Decode the most likely
// tokens of them.
func TestStepsOfADecoder(t *testing.T) {
	for name, options := range map[string][]string{"gru": tinyGRU, "lstm": tinyLSTM, "plan": append(slices.Clone(tinyLSTM), "plan", "2"),
		"cnn": tinyDilated, "transformer": tinyTransformer} {
		m := newModel(t, sentences, sequenceKind, options...)
		states, n := startStates(m), len(lengths)
		z := sines(n*2, 1, 2.3, 0.4)
		call := func(f model.Function, in map[string]graph.Value) map[string]graph.Value {
			t.Helper()
			fn, err := f(n)
			in[model.InputZ] = z
			return run(t, fn, err, in, states)
		}
		// follow returns Σ −ln p of the tokens that next chooses from the logits of each step.
		follow := func(next func(at int, logits graph.Value) float64) (nll []float64, ids graph.Value) {
			state := call(m.Stepper.Start, map[string]graph.Value{})[model.OutputState]
			token := graph.Value{-1, -1, -1, -1}
			nll, ids = make([]float64, n), make(graph.Value, n*5)
			for at := range 5 {
				out := call(m.Stepper.Step, map[string]graph.Value{model.InputState: state, model.InputToken: token})
				state, token = out[model.OutputState], slices.Clone(token)
				for i := range n {
					l := out[model.OutputNext][i*6 : (i+1)*6]
					ended := token[i] == 5
					if token[i] = next(i*5+at, l); ended {
						token[i] = 5
						ids[i*5+at] = 5
						continue
					}
					sum := 0.0
					for _, v := range l {
						sum += math.Exp(v)
					}
					nll[i] += math.Log(sum) - l[int(token[i])]
					ids[i*5+at] = token[i]
				}
			}
			return nll, ids
		}
		x := someSentences()
		forced, _ := follow(func(at int, _ graph.Value) float64 { return x[at] })
		d, err := configured(t, sequenceKind, options...).(*SequenceVAEConfig).Recurrent.For(sentences)
		if err != nil {
			t.Fatal(err)
		}
		f, err := model.Build("forced", func() ([]*graph.Node, []graph.Output, []graph.Update) {
			in := newInputs(model.Input{Item: sentences}, n)
			code := graph.Input(model.InputZ, tensor.Float32, n, 2)
			c := configured(t, sequenceKind, options...).(*SequenceVAEConfig)
			e := networks{d, d, sentences, c.Latent, false, held{}}
			nll := in.reconstructionLoss(likelihood.Tokens(sentences), e.decode(in, code))
			return in.nodes(code), []graph.Output{{Name: "nll", Value: nll}}, nil
		})
		out := run(t, f, err, map[string]graph.Value{model.InputX: x, model.InputZ: z}, states)
		for i, want := range out["nll"] {
			if !near(forced[i], want, 1e-12) {
				t.Errorf("%s: sentence %d: −ln p is %v step by step, %v with teacher forcing", name, i, forced[i], want)
			}
		}
		_, best := follow(func(_ int, l graph.Value) float64 { return float64(slices.Index(l, slices.Max(l))) })
		decoded := call(m.Decode, map[string]graph.Value{})[model.OutputPicture]
		if !slices.Equal(decoded, best) {
			t.Errorf("%s: decoded %v, want the most likely tokens %v", name, decoded, best)
		}
	}
}

// What stands after the end of a sentence changes nothing, and no word is hidden in evaluation.
func TestPaddingOfSequences(t *testing.T) {
	m := newModel(t, sentences, sequenceKind, append([]string{"word-dropout", "0.6", "dropout", "0.3", "output-dropout", "0.3"}, tinyGRU...)...)
	plain := newModel(t, sentences, sequenceKind, tinyGRU...)
	f, err := m.Eval(len(lengths))
	g, err2 := plain.Eval(len(lengths))
	states := startStates(m)
	in := sentenceInputs(3)
	a, b := run(t, f, err, in, states), run(t, g, err2, in, states)
	if !slices.Equal(a["loss_sum"], b["loss_sum"]) {
		t.Errorf("evaluated with dropout: %v, without %v", a["loss_sum"], b["loss_sum"])
	}
	step, err := m.Last().Step(len(lengths))
	in[model.InputLR] = graph.Value{0}
	if c := run(t, step, err, in, startStates(m)); near(c[model.Loss][0]*4, a["loss_sum"][0], 1e-6) {
		t.Error("nothing is dropped in training")
	}
	// A longer item of the same sentences has the same bound.
	longer := sentences
	longer.Shape = tensor.Shape{7}
	long := newModel(t, longer, sequenceKind, tinyGRU...)
	h, err := long.Eval(1)
	one := inputs(1, longer, 3)
	one[model.InputX] = graph.Value{3, 0, 2, 5, 5, 5, 5}
	short, err2 := plain.Eval(1)
	two := inputs(1, sentences, 3)
	two[model.InputX] = graph.Value{3, 0, 2, 5, 5}
	if x, y := run(t, h, err, one, states), run(t, short, err2, two, states); !near(x["loss_sum"][0], y["loss_sum"][0], 1e-12) {
		t.Errorf("the bound is %v among 7 tokens, %v among 5", x["loss_sum"], y["loss_sum"])
	}
}

func TestSequencesAreChecked(t *testing.T) {
	c := configured(t, sequenceKind, "cell", "rnn", "word-dropout", "1", "decoder-units", "0", "anneal", "cyclic", "plan", "-1")
	err := c.Validate()
	for _, want := range []string{`--cell "rnn": want gru or lstm`, "--plan -1: want 0 (none) to 1024", "--word-dropout 1: want 0", "--decoder-units: layer 1 is 0", "--anneal cyclic has no effect without --warmup", "--cycles 0: want 2 to 1000"} {
		if err == nil || !strings.Contains(flags(c, err), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if m := newModel(t, sentences, sequenceKind); m.Objective != "loss = Σ_tokens −ln p(x_t|x_<t, z) + 1·KL(q(z|x) ‖ N(0, I)), nats per sentence" {
		t.Errorf("objective %s", m.Objective)
	}
	d := configured(t, sequenceKind)
	if _, err := d.New(model.Input{Item: small}); err == nil || !strings.Contains(err.Error(), "take sequences of tokens") {
		t.Errorf("images: %v", err)
	}
	long := sentences
	long.Shape = tensor.Shape{513}
	if _, err := d.New(model.Input{Item: long}); err == nil || !strings.Contains(flags(d, err), "want 2 to 512; --length cuts") {
		t.Errorf("a long text: %v", err)
	}
}

// The weight of the KL rises as each way of annealing says.
func TestAnnealing(t *testing.T) {
	for _, c := range []struct {
		kl   KL
		want map[float64]float64 // of each epoch
	}{
		{KL{Beta: 2, Warmup: 4}, map[float64]float64{0: 0, 1: 0.5, 4: 2, 9: 2}},
		{KL{Beta: 1, Warmup: 4, Anneal: "logistic"}, map[float64]float64{0: 1 / (1 + math.Exp(6.25)), 2: 0.5, 4: 1 / (1 + math.Exp(-6.25))}},
		{KL{Beta: 1, Warmup: 2, Anneal: "cyclic", Cycles: 3}, map[float64]float64{0: 0, 1: 0.5, 3: 1, 4: 1, 5: 0.5, 7.5: 1, 9: 0.5, 12: 1, 13: 1, 99: 1}},
	} {
		for epoch, want := range c.want {
			f, err := model.Build("weight", func() ([]*graph.Node, []graph.Output, []graph.Update) {
				in := &Inputs{Epoch: graph.Input(model.InputEpoch, tensor.Float32)}
				return []*graph.Node{in.Epoch}, []graph.Output{{Name: "w", Value: c.kl.weight(in)}}, nil
			})
			if got := run(t, f, err, map[string]graph.Value{model.InputEpoch: {epoch}}, nil)["w"][0]; !near(got, want, 1e-6) {
				t.Errorf("%s: weight %v at epoch %v, want %v", c.kl.Formula(), got, epoch, want)
			}
		}
	}
}

// Free nats of an item cost nothing, and have no gradient.
func TestFreeNats(t *testing.T) {
	for free, want := range map[string]float64{"0": 0, "1000": 1} {
		m := newModel(t, sentences, sequenceKind, append([]string{"free-nats", free}, tinyLSTM...)...)
		f, err := m.Last().Step(len(lengths))
		in := sentenceInputs(1)
		in[model.InputLR] = graph.Value{0}
		out := run(t, f, err, in, startStates(m))
		left := (out[model.Loss][0] - out[model.Reconstruction][0]) / out[model.KL][0]
		if !near(left, 1-want, 1e-9) {
			t.Errorf("with %s free nats %v of the KL are in the loss", free, left)
		}
	}
}

// BN-VAE: the means have the spread γ over a batch, so that the KL is Z·γ²/2 or more, and the codes of an item alone
// are those that it has among others, by running statistics.
func TestCodeNorm(t *testing.T) {
	m := newModel(t, sentences, sequenceKind, append([]string{"code-norm", "0.6"}, tinyGRU...)...)
	states := startStates(m)
	f, err := m.Last().Step(len(lengths))
	for step := range 3 {
		in := sentenceInputs(uint64(step))
		in[model.InputLR] = graph.Value{0}
		if kl := run(t, f, err, in, states)[model.KL][0]; !(kl >= 2*0.6*0.6/2*0.99) {
			t.Errorf("step %d: the KL is %v, want at least 0.36", step, kl)
		}
	}
	for name, v := range states {
		if strings.HasSuffix(name, "z_norm/moving_mean") && slices.Max(v) == 0 && slices.Min(v) == 0 {
			t.Error("the running mean has not moved")
		}
	}
	if slices.ContainsFunc(m.Params, func(p nn.Param) bool { return strings.HasSuffix(p.Name, "z_norm/gamma") }) {
		t.Error("γ is learned")
	}
	code := func(n int) graph.Value {
		g, err := m.Encode(n)
		return run(t, g, err, map[string]graph.Value{model.InputX: someSentences()[:5*n]}, states)[model.OutputMean][:2]
	}
	if one, some := code(1), code(4); !slices.Equal(one, some) {
		t.Errorf("the code of a sentence is %v alone, %v among others", one, some)
	}
}

// A collapse has the remedies of sequences.
func TestCollapseOfSequences(t *testing.T) {
	m := newModel(t, sentences, sequenceKind, tinyLSTM...)
	h := &model.History{Epochs: []model.Record{collapsed(1), collapsed(2), collapsed(3)}, EpochEnded: true, Reported: map[string]bool{}, Training: model.Training{LearningRate: 1e-3}, Latent: 2, Values: 5, ExplainedVariance: math.NaN(), Entropy: math.NaN()}
	found := m.Diagnostics.Diagnose(h)
	if len(found) == 0 || found[0].Name != "collapse" {
		t.Fatalf("found %+v", found)
	}
	text := medium.Reword(sentences, found[0].Message(nil))
	for _, want := range []string{"the codes carry no information about the sentence, and all decode to the same sentence", "more WordDropout (0 now)", "Skip true, which gives the decoder the code at each step (false now)", "CodeNorm 0.6"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s\nwant %q", text, want)
		}
	}
}

// collapsed returns the record of an epoch without a KL.
func collapsed(epoch int) model.Record {
	test := map[string]float64{model.Loss: 12, model.Reconstruction: 11.999, model.KL: 0.001, model.MeanSigma: 1}
	return model.Record{Epoch: epoch, Step: int64(300 * epoch), Train: test, Test: test, UnitKL: []float64{0.0005, 0.0005}, LearningRate: 1e-3}
}
