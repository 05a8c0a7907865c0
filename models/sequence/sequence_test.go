package sequence

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
)

// words is a toy medium of tokens that end with their last one, and rolls one of vectors whose
// last channel is the mask.
type (
	words struct{ medium.Medium }
	rolls struct{ medium.Medium }
)

func (words) Name() string                { return "words" }
func (words) Check(medium.Item) error     { return nil }
func (words) End(item medium.Item) int    { return item.Vocabulary - 1 }
func (rolls) Name() string                { return "rolls" }
func (rolls) Check(medium.Item) error     { return nil }
func (rolls) MaskChannel(medium.Item) int { return 3 }

var (
	sentences = medium.Item{Medium: words{}, Shape: tensor.Shape{5}, Element: medium.Tokens, Vocabulary: 6}
	pieces    = medium.Item{Medium: rolls{}, Shape: tensor.Shape{5, 4}}
	lengths   = []int{5, 3, 1, 4} // of the sequences of items
)

// items returns the sequences of testdata/sequence.py.
func items(item medium.Item) graph.Value {
	var x graph.Value
	for i, n := range lengths {
		for t := range item.Shape[0] {
			switch {
			case item.Element == medium.Tokens && t < n:
				x = append(x, float64((3*i+2*t)%5))
			case item.Element == medium.Tokens:
				x = append(x, 5)
			case t < n:
				for d := range 3 {
					down := 0.0
					if (i+2*t+3*d)%4 < 2 {
						down = 1
					}
					x = append(x, down)
				}
				x = append(x, 1)
			default:
				x = append(x, 0, 0, 0, 0)
			}
		}
	}
	return x
}

// inputs returns those of a function of these sequences in a step of training.
func inputs(item medium.Item, step uint64) map[string]graph.Value {
	key := make(graph.Value, 4)
	for i, w := range rng.New(7).At(step).Words() {
		key[i] = float64(w)
	}
	return map[string]graph.Value{model.InputX: items(item), model.InputWeight: {1, 1, 1, 1}, model.InputKey: key, model.InputLR: {0.01}, model.InputEpoch: {1}}
}

// states returns the parameters of testdata/sequence.py, and new slots.
func states(m *model.Model) map[string]graph.Value {
	st := map[string]graph.Value{}
	for k, p := range m.Params {
		v := make(graph.Value, p.Shape.Size())
		for i := range v {
			v[i] = 0.4 * math.Sin(1.7*float64(i)+0.9*float64(k)+0.5)
		}
		st[p.Name] = v
	}
	for _, s := range m.Slots {
		st[s.Name] = slices.Repeat(graph.Value{float64(s.Value)}, s.Shape.Size())
	}
	return st
}

// run runs a function in float64 and returns its outputs by their names.
func run(t *testing.T, f model.Function, n int, in, st map[string]graph.Value) map[string]graph.Value {
	t.Helper()
	fn, err := f(n)
	if err != nil {
		t.Fatal(err)
	}
	values, err := graph.Interp(fn, graph.Env{Inputs: in, States: st})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]graph.Value{}
	for i, o := range fn.Outputs {
		out[o.Name] = values[i]
	}
	return out
}

func newModel(t *testing.T, c model.Config, item medium.Item) *model.Model {
	t.Helper()
	m, err := c.New(model.Input{Item: item})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// near reports whether a and b agree to tol, absolute and relative; NaN does not.
func near(a, b, tol float64) bool { return math.Abs(a-b) <= tol*max(1, math.Abs(b)) }

var models = map[string]struct {
	config model.Config
	item   medium.Item
	terms  []string
}{
	"lstm of vectors": {&LanguageConfig{Cell: "lstm", RecurrentUnits: []int{4, 3}, Embedding: 1}, pieces, []string{model.Loss}},
	"gru of tokens":   {&LanguageConfig{Cell: "gru", RecurrentUnits: []int{4}, Embedding: 3}, sentences, []string{model.Loss}},
	"dmm": {&DMMConfig{Latent: 2, Transition: 4, Emission: 3, Cell: "gru", RecurrentUnits: 4, Beta: 1, Warmup: 2}, pieces,
		[]string{model.Loss, model.Reconstruction, model.KL}},
}

// From testdata/sequence.py with torch 1.13.1 in float64. The interpreter is float64 too, and
// nine digits are printed.
var losses = map[string][][]float64{
	"lstm of vectors": {
		{6.756549009}, {6.749036067}, {6.742088713}, {6.735619431}, {6.729554887}, {6.723821700}, {6.718322720}, {6.712942969}, {6.707565322}, {6.702080728},
	},
	"gru of tokens": {
		{7.369503460}, {7.326891570}, {7.286052144}, {7.247041877}, {7.209864945}, {7.174446045}, {7.140665149}, {7.108378746}, {7.077428048}, {7.047638019},
	},
	"dmm": {
		{7.224560310, 6.739068311, 0.970983997},
		{7.084694557, 6.773884909, 0.621619295},
		{6.994094950, 6.754866019, 0.478457861},
		{7.001590341, 6.745936352, 0.511307980},
		{6.914131735, 6.762625212, 0.303013048},
		{6.922895033, 6.784097885, 0.277594297},
		{6.852724347, 6.735260332, 0.234928029},
		{6.786714712, 6.729045598, 0.115338227},
		{6.825459626, 6.750376662, 0.150165929},
		{6.785466345, 6.690919520, 0.189093651},
	},
}

func TestTenStepsEqualPyTorch(t *testing.T) {
	for name, c := range models {
		m := newModel(t, c.config, c.item)
		st := states(m)
		for step, want := range losses[name] {
			out := run(t, m.Last().Step, len(lengths), inputs(c.item, uint64(step)), st)
			for i, term := range c.terms {
				if got := out[term][0]; !near(got, want[i], 1e-8) {
					t.Fatalf("%s, step %d: %s %.9f, want %.9f", name, step, term, got, want[i])
				}
			}
		}
	}
}

// What stands after the end of a sequence changes no term and no gradient; a longer item has the
// same terms. The steps are those of the sequences.
func TestPadding(t *testing.T) {
	for name, c := range models {
		m := newModel(t, c.config, c.item)
		st, in := states(m), inputs(c.item, 3)
		want := run(t, m.Eval, 4, in, st)
		steps := 13.0
		if c.item.Element == medium.Tokens {
			steps += 3 // the token that ends a sequence counts
		}
		if got := want[model.Steps+model.SumSuffix][0]; got != steps {
			t.Errorf("%s: %v steps, want %v", name, got, steps)
		}
		if c.item.Element == medium.Tokens {
			continue // what follows an end is an end
		}
		x := slices.Clone(in[model.InputX])
		for i := 0; i < len(x); i += 4 {
			if x[i+3] == 0 {
				x[i], x[i+1], x[i+2] = 0.3, 1, 0.9
			}
		}
		in[model.InputX] = x
		for term, v := range run(t, m.Eval, 4, in, st) {
			if v[0] != want[term][0] {
				t.Errorf("%s: %s is %v, with other values after the end %v", name, term, want[term], v)
			}
		}
		longer := c.item
		longer.Shape = tensor.Shape{7, 4}
		x = nil
		for i := range lengths {
			x = append(append(x, items(c.item)[i*20:(i+1)*20]...), make(graph.Value, 8)...)
		}
		in[model.InputX] = x
		for term, v := range run(t, newModel(t, c.config, longer).Eval, 4, in, st) {
			if !near(v[0], want[term][0], 1e-12) {
				t.Errorf("%s: %s is %v in items of 5 steps, %v in items of 7", name, term, want[term], v)
			}
		}
	}
}

// The importance weights of a language model are ln p(x); the mean of those of the deep Markov
// model is near its bound, whose KL is in closed form.
func TestLogWeights(t *testing.T) {
	const draws = 600
	for name, c := range models {
		m := newModel(t, c.config, c.item)
		st := states(m)
		score := run(t, m.Score, 4, inputs(c.item, 3), st)[model.Loss]
		weights := run(t, func(n int) (*graph.Func, error) { return m.LogWeights(n, draws) }, 4, inputs(c.item, 3), st)[model.OutputLogWeight]
		many := make([]float64, 4)
		bound := make([]float64, 4)
		for i := range many {
			for _, w := range weights[i*draws : (i+1)*draws] {
				many[i] += w / draws
			}
		}
		if name != "dmm" {
			for i := range many {
				if !near(many[i], -score[i], 1e-12) {
					t.Errorf("%s: ln p of item %d is %v, the loss %v", name, i, many[i], score[i])
				}
			}
			continue
		}
		const keys = 200
		for k := range uint64(keys) {
			for i, v := range run(t, m.Score, 4, inputs(c.item, k), st)[model.Loss] {
				bound[i] -= v / keys
			}
		}
		for i := range many { // the standard deviation of a weight is about 1: of the difference 0.08
			if !near(many[i], bound[i], 0.3/max(1, math.Abs(bound[i]))) {
				t.Errorf("the mean weight of item %d is %v, the bound %v", i, many[i], bound[i])
			}
		}
	}
}

// A sample has steps of the right kind, its mask throughout, and nothing after an end. A
// sequence that a language model draws is as likely as its loss says: the mean of −ln p over its
// samples is its entropy, by both ways.
func TestSample(t *testing.T) {
	for name, c := range models {
		m := newModel(t, c.config, c.item)
		st := states(m)
		const n = 200
		in := inputs(c.item, 5)
		x := run(t, m.Sample, n, in, st)[model.OutputPicture]
		seen := map[float64]int{}
		for i, v := range x {
			seen[v]++
			switch {
			case c.item.Element == medium.Tokens:
				if v != math.Trunc(v) || v < 0 || v > 5 || i%5 > 0 && x[i-1] == 5 && v != 5 {
					t.Fatalf("%s: sample %v", name, x[i/5*5:i/5*5+5])
				}
			case i%4 == 3 && v != 1 || v != 0 && v != 1:
				t.Fatalf("%s: sample has %v in channel %d", name, v, i%4)
			}
		}
		if len(seen) < 2 {
			t.Errorf("%s: all values are alike: %v", name, seen)
		}
		in[model.InputX] = x
		nll := run(t, m.Score, n, in, st)[model.Loss]
		one := slices.Repeat(x[:c.item.Size()], n)
		in[model.InputX] = one
		if same := run(t, m.Score, n, in, st)[model.Loss]; name != "dmm" && (same[0] != nll[0] || same[n-1] != nll[0]) {
			t.Errorf("%s: a sequence has −ln p %v, and %v beside itself", name, nll[0], same[n-1])
		}
	}
	// Of one step of one key, drawn and predicted.
	item := medium.Item{Shape: tensor.Shape{2, 1}}
	m := newModel(t, &LanguageConfig{Cell: "gru", RecurrentUnits: []int{2}, Embedding: 1}, item)
	st := states(m)
	const n = 4000
	in := inputs(item, 1)
	x := run(t, m.Sample, n, in, st)[model.OutputPicture]
	first := 0.0
	for i := 0; i < len(x); i += 2 {
		first += x[i] / n
	}
	probability := func(x ...float64) float64 {
		return math.Exp(-run(t, m.Score, 1, map[string]graph.Value{model.InputX: x}, st)[model.Loss][0])
	}
	if want := probability(1, 0) + probability(1, 1); !near(first, want, 0.03) {
		t.Errorf("the first key is down in %v of the samples, want %v", first, want)
	}
	if sum := probability(0, 0) + probability(0, 1) + probability(1, 0) + probability(1, 1); !near(sum, 1, 1e-12) {
		t.Errorf("the probabilities of all sequences add up to %v", sum)
	}
}

func TestReconstruct(t *testing.T) {
	c := models["dmm"]
	m := newModel(t, c.config, c.item)
	y := run(t, m.Reconstruct, 4, inputs(c.item, 0), states(m))[model.OutputPicture]
	x := items(c.item)
	for i, v := range y {
		if !(v >= 0 && v <= 1) || i%4 == 3 && v != x[i] {
			t.Fatalf("value %d is %v", i, v)
		}
	}
	if newModel(t, models["gru of tokens"].config, sentences).Reconstruct != nil {
		t.Error("a language model reconstructs")
	}
}

// The identity passes on what the transition is given.
func TestTransitionBeginsAsIdentity(t *testing.T) {
	m := newModel(t, models["dmm"].config, pieces)
	for _, p := range m.Params {
		if p.Name == "transition/linear/kernel" {
			if got := p.Draw(rng.New(1)).F32(); !slices.Equal(got, []float32{1, 0, 0, 1}) {
				t.Errorf("its first value is %v", got)
			}
			return
		}
	}
	t.Error("it has no linear part")
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		config model.Config
		item   medium.Item
		want   string
	}{
		{&LanguageConfig{Cell: "rnn", Dropout: 1}, pieces, `Cell "rnn": want gru or lstm`},
		{&LanguageConfig{Cell: "rnn", Dropout: 1}, pieces, "Dropout 1: want 0"},
		{&LanguageConfig{Cell: "rnn", Dropout: 1}, pieces, "RecurrentUnits is empty"},
		{models["gru of tokens"].config, medium.Item{Shape: tensor.Shape{28, 28, 1}}, "take sequences"},
		{models["gru of tokens"].config, medium.Item{Shape: tensor.Shape{513, 2}}, "want 2 to 512"},
		{models["dmm"].config, sentences, "use language-model"},
		{&DMMConfig{Latent: 1, Transition: 1, Emission: 1, RecurrentUnits: 1, Cell: "gru", Beta: math.NaN(), Warmup: -1}, pieces, "Beta NaN"},
		{&DMMConfig{Latent: 0, Transition: 1, Emission: 1, RecurrentUnits: 1, Cell: "gru", Warmup: -1}, pieces, "Warmup -1"},
	} {
		if _, err := c.config.New(model.Input{Item: c.item}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}
