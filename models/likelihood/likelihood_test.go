package likelihood_test

import (
	"math"
	"strings"
	"testing"

	px "github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// evaluate returns a node in float64, with one value for every input and state.
func evaluate(t *testing.T, n *graph.Node, inputs map[string]graph.Value, state float64) graph.Value {
	t.Helper()
	f := &graph.Func{Name: "test", Outputs: []graph.Output{{Name: "y", Value: n}}}
	states := map[string]graph.Value{}
	for _, n := range f.Nodes() {
		switch n.Op() {
		case graph.OpInput:
			f.Inputs = append(f.Inputs, n)
		case graph.OpState:
			f.States = append(f.States, n)
			states[n.Name()] = graph.Value{state}
		}
	}
	out, err := graph.Interp(f, graph.Env{Inputs: inputs, States: states})
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

// pixels returns the values that a pixel may have, and how much each weighs in a sum or
// an integral over them.
func pixels(l likelihood.Likelihood) (x graph.Value, dx float64) {
	switch l.Measure {
	case model.Binary:
		return graph.Value{0, 1}, 1
	case model.Levels:
		for i := range 256 {
			x = append(x, float64(i)/255)
		}
		return x, 1
	}
	from, to, n := -30., 30., 600_001
	if l.Name == "cb" {
		from, to, n = 0, 1, 100_001
	}
	dx = (to - from) / float64(n-1)
	for i := range n {
		x = append(x, from+dx*float64(i))
	}
	return x, dx
}

// The probabilities of all pixels add up to 1 with Constant, and their mean is Mean.
func TestLikelihoodsAreDistributions(t *testing.T) {
	for _, l := range append(likelihood.All(), likelihood.Gaussian(0.3)) {
		for _, logit := range []float64{-1.5, 0.2, 3} {
			x, dx := pixels(l)
			n := len(x)
			in, logits := graph.Input("x", tensor.Float32, n, 1, 1, 1), graph.BroadcastTo(graph.Const(logit), n, 1, 1, 1)
			nll := evaluate(t, l.NLL(nn.NewBuilder().Network("decoder"), in, logits), map[string]graph.Value{"x": x}, -0.2)
			total, mean := 0.0, 0.0
			for i, v := range nll {
				p := math.Exp(-v-l.Constant) * dx
				if l.Measure == model.Density && (i == 0 || i == n-1) {
					p /= 2
				}
				total += p
				mean += p * x[i]
			}
			if !(math.Abs(total-1) < 1e-4) {
				t.Errorf("%s: the probabilities add up to %v", l.Name, total)
			}
			if want := evaluate(t, l.Mean(graph.Const(logit)), nil, 0)[0]; !(math.Abs(mean-want) < 1e-4) && l.Measure != model.Levels {
				t.Errorf("%s: the mean is %v, Mean returns %v", l.Name, mean, want)
			}
		}
	}
}

func TestTable(t *testing.T) {
	names := likelihood.Names()
	if got := strings.Join(names, " "); got != "bce mse mae cb gaussian sigma logistic" {
		t.Errorf("names %s", got)
	}
	for i, l := range likelihood.All() {
		if l.Name != names[i] || l.About == "" || l.Formula == "" || l.Unit == "" || l.Measure == model.Distance {
			t.Errorf("an empty column of %q: %+v", l.Name, l)
		}
		if !strings.Contains(likelihood.Help(), l.Name+" ("+l.About+")") {
			t.Errorf("the help does not list %s: %s", l.Name, likelihood.Help())
		}
	}
	if got := likelihood.Help("mae", "bce"); got != "reconstruction loss, summed over pixels: mae (Laplace pixels) or bce (Bernoulli pixels)" {
		t.Errorf("help %q", got)
	}
	if d := likelihood.SquaredError().Describe(px.Item(2, 3, 1)); d.Constant != 3*math.Log(math.Pi) || d.Name != "mse" || d.Measure != model.Density {
		t.Errorf("described as %+v", d)
	}
}

func TestOptions(t *testing.T) {
	for want, o := range map[string]likelihood.Options{
		"": likelihood.DefaultOptions("mse"),
		`likelihood: Loss "huber": want bce or mse or mae or cb or gaussian or sigma or logistic`:                         likelihood.DefaultOptions("huber"),
		"likelihood: Sigma 0: want a number above 0, of pixels from 0 to 1":                                               {Loss: "gaussian"},
		"likelihood: Sigma 0.5 has no effect with Loss bce: use Loss gaussian":                                            {Loss: "bce", Sigma: 0.5},
		"likelihood: Binarize makes pixels of 0 and 1, which Loss mse does not describe: use Loss bce, or Binarize=false": {Loss: "mse", Sigma: 0.1, Binarize: true},
	} {
		_, err := o.Likelihood()
		if got := ""; err != nil {
			got = err.Error()
			if got != want {
				t.Errorf("%+v: %v, want %s", o, got, want)
			}
		} else if want != "" {
			t.Errorf("%+v: no error, want %s", o, want)
		}
	}
	g, err := likelihood.Options{Loss: "gaussian", Sigma: 0.25}.Likelihood()
	if err != nil || !strings.Contains(g.Formula, "0.25²") {
		t.Errorf("%v, %v", g.Formula, err)
	}
	b, err := likelihood.Options{Loss: "bce", Sigma: 0.1, Binarize: true}.Likelihood()
	if err != nil || !b.Binarize {
		t.Errorf("%+v, %v", b, err)
	}
}

// Target draws each pixel with its value as probability, or returns the images.
func TestTarget(t *testing.T) {
	const n = 20_000
	x, key := graph.BroadcastTo(graph.Const(0.3), n, 1, 1, 1), graph.Input("key", tensor.Int32, 4)
	l := likelihood.Bernoulli()
	if l.Target(x, key) != x {
		t.Error("images without Binarize are not themselves")
	}
	l.Binarize = true
	ones := 0.0
	for _, v := range evaluate(t, l.Target(x, key), map[string]graph.Value{"key": {1, 2, 3, 4}}, 0) {
		if v != 0 && v != 1 {
			t.Fatalf("a pixel of %v", v)
		}
		ones += v / n
	}
	if !(math.Abs(ones-0.3) < 0.015) {
		t.Errorf("a share of %v is 1, want 0.3", ones)
	}
}
