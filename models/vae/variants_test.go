package vae

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// TestLogWeightsByIntegration compares the mean importance weight with ∫ p(x|z) p(z) dz by
// quadrature over one latent unit, with the constant of each likelihood. p(x|z) is
// computed from the images of Decode.
func TestLogWeightsByIntegration(t *testing.T) {
	const grid, k = 801, 4000
	bernoulli := func(x, y float64) float64 { return -x*math.Log(y) - (1-x)*math.Log(1-y) }
	normal := func(sd float64) func(x, y float64) float64 {
		return func(x, y float64) float64 {
			return (x-y)*(x-y)/(2*sd*sd) + math.Log(sd) + math.Log(2*math.Pi)/2
		}
	}
	for _, c := range []struct {
		kind    kindOf
		options []string
		nll     func(x, y float64) float64
	}{
		{MLPVAE, append(tinyMLP, "loss", "bce"), bernoulli},
		{MLPVAE, append(tinyMLP, "loss", "mse", "beta", "3"), normal(math.Sqrt(0.5))},
		{MLPVAE, append(tinyMLP, "loss", "gaussian", "sigma", "0.3"), normal(0.3)},
		{MLPVAE, append(tinyMLP, "loss", "mae"), func(x, y float64) float64 { return math.Abs(x-y) + math.Ln2 }},
		{CVAE, append(tinyCNN, "loss", "bce"), bernoulli},
		{weighted, append(tinyMLP, "loss", "bce", "binarize", "false"), bernoulli},
	} {
		img := pixels.Item(4, 4, 1)
		m := newModel(t, img, c.kind, append(c.options, "latent", "1")...)
		states := startStates(m)
		in := inputs(2, img, 3)
		f, err := m.LogWeights(2, k)
		got := run(t, f, err, in, states)[model.OutputLogWeight]

		z := make(graph.Value, grid)
		for i := range z {
			z[i] = float64(i-grid/2) * 0.02
		}
		dec, err := m.Decode(grid)
		for b := range 2 {
			label := make(graph.Value, grid*labels)
			for i := range grid {
				copy(label[i*labels:], in[model.InputLabels][b*labels:(b+1)*labels])
			}
			y := run(t, dec, err, map[string]graph.Value{model.InputZ: z, model.InputLabels: label}, states)[model.OutputPicture]
			p, estimate, square := 0.0, 0.0, 0.0
			for i, v := range z {
				d := -v*v/2 - math.Log(2*math.Pi)/2
				for j := range img.Size() {
					d -= c.nll(in[model.InputX][b*img.Size()+j], y[i*img.Size()+j])
				}
				p += math.Exp(d) * 0.02
			}
			for _, w := range got[b*k : (b+1)*k] {
				estimate += math.Exp(w) / k
				square += math.Exp(2*w) / k
			}
			if se := math.Sqrt((square - estimate*estimate) / k); !(math.Abs(estimate-p) < 5*se) || se > 0.1*p {
				t.Errorf("%s %v, image %d: p(x) is %v ± %v, by integration %v", name(c.kind), c.options, b, estimate, se, p)
			}
		}
	}
}

// TestLadderWeightsDoNotDependOnTheEncoder verifies that the mean importance weight, which
// estimates p(x), is the same for two encoders.
func TestLadderWeightsDoNotDependOnTheEncoder(t *testing.T) {
	const k = 20000
	m := newModel(t, small, Ladder, append(tinyLadder, "binarize", "false")...)
	f, err := m.LogWeights(1, k)
	estimate := func(scale float64) (mean, se float64) {
		states := startStates(m)
		for name, v := range states {
			if name == "encoder/z1_mean/kernel" || name == "encoder/z2_mean/bias" || name == "encoder/z2_log_var/kernel" {
				for i := range v {
					v[i] *= scale
				}
			}
		}
		var square float64
		for _, w := range run(t, f, err, inputs(1, small, 0), states)[model.OutputLogWeight] {
			mean += math.Exp(w+25) / k
			square += math.Exp(2*(w+25)) / k
		}
		return mean, math.Sqrt((square - mean*mean) / k)
	}
	a, sa := estimate(1)
	b, sb := estimate(0.5)
	if !(math.Abs(a-b) < 4*math.Hypot(sa, sb)) || sa > 0.1*a || sb > 0.1*b || a == b {
		t.Errorf("p(x) is %v ± %v with one encoder and %v ± %v with another", a, sa, b, sb)
	}
}

// TestLadderBoundByWeights verifies E ln w = −loss: the KL of the layers in closed form equal those of
// the importance weights.
func TestLadderBoundByWeights(t *testing.T) {
	const n, k = 400, 100
	m := newModel(t, small, Ladder, append(tinyLadder, "binarize", "false")...)
	in := inputs(1, small, 0)
	f, err := m.LogWeights(1, n*k)
	var mean, square float64
	for _, w := range run(t, f, err, in, startStates(m))[model.OutputLogWeight] {
		mean += w / (n * k)
		square += w * w / (n * k)
	}
	many := inputs(n, small, 1)
	many[model.InputX] = slices.Repeat(in[model.InputX], n)
	ev, err := m.Eval(n)
	got := run(t, ev, err, many, startStates(m))
	loss := got[model.Loss+model.SumSuffix][0] / n
	if se := math.Sqrt((square - mean*mean) / n); !(math.Abs(loss+mean) < 4*se) {
		t.Errorf("the loss is %v, −E ln w %v; %v is too far", loss, -mean, 4*se)
	}
	sum := got[model.KL+"_1"+model.SumSuffix][0] + got[model.KL+"_2"+model.SumSuffix][0]
	if kl := got[model.KL+model.SumSuffix][0]; !near(sum, kl, 1e-12) || !near(loss*n, got[model.Reconstruction+model.SumSuffix][0]+kl, 1e-12) {
		t.Errorf("the layers' KL are %v, all %v, of a loss of %v", sum, kl, loss*n)
	}
}

// TestIWAELoss verifies that the loss is −ln of the mean of the importance weights, and with one draw
// that of the VAE.
func TestIWAELoss(t *testing.T) {
	for _, k := range []string{"1", "4"} {
		m := newModel(t, small, weighted, append(tinyMLP, "samples", k)...)
		in, states := inputs(3, small, 5), startStates(m)
		score, err := m.Score(3)
		loss := run(t, score, err, in, states)[model.Loss]
		f, err := m.LogWeights(3, len(k)*int(k[0]-'0'))
		w := run(t, f, err, in, states)[model.OutputLogWeight]
		n := len(w) / 3
		for b := range 3 {
			mean := 0.0
			for _, v := range w[b*n : (b+1)*n] {
				mean += math.Exp(v) / float64(n)
			}
			if !near(loss[b], -math.Log(mean), 1e-7) {
				t.Errorf("k = %s, image %d: loss %v, −ln mean w is %v", k, b, loss[b], -math.Log(mean))
			}
		}
	}
}

// TestFreeBits verifies loss = reconstruction + Σ_units max(free, mean KL) in training, and the bound
// itself in evaluation.
func TestFreeBits(t *testing.T) {
	const free = 0.1
	m := newModel(t, small, MLPVAE, append(tinyMLP, "latent", "4", "free-bits", "0.1")...)
	f, err := m.Encode(3)
	q := run(t, f, err, inputs(3, small, 0), startStates(m))
	want, above := 0.0, 0
	for z := range 4 {
		kl := 0.0
		for b := range 3 {
			mu, v := q[model.OutputMean][4*b+z], q[model.OutputLogVar][4*b+z]
			kl += (mu*mu + math.Exp(v) - v - 1) / 2 / 3
		}
		if kl > free {
			above++
		}
		want += max(kl, free)
	}
	if above == 0 || above == 4 {
		t.Fatalf("%d of 4 units are above: the test shows nothing", above)
	}
	got := trainOnce(t, m, startStates(m), 3, 0, 0)
	if d := got[model.Loss][0] - got[model.Reconstruction][0]; !near(d, want, 1e-7) {
		t.Errorf("the penalty is %v, want %v", d, want)
	}
	ev, err := m.Eval(3)
	sums := run(t, ev, err, inputs(3, small, 0), startStates(m))
	if sum := sums["reconstruction_sum"][0] + sums["kl_sum"][0]; !near(sums["loss_sum"][0], sum, 1e-12) {
		t.Errorf("evaluated: a loss of %v, the bound is %v", sums["loss_sum"][0], sum)
	}
}

func TestWarmup(t *testing.T) {
	m := newModel(t, small, MLPVAE, append(tinyMLP, "beta", "2", "warmup", "4")...)
	f, err := m.Last().Step(2)
	for epoch, want := range map[float64]float64{0: 0, 1: 0.5, 3.5: 1.75, 4: 2, 9: 2} {
		in := inputs(2, small, 0)
		in[model.InputEpoch], in[model.InputLR] = graph.Value{epoch}, graph.Value{0}
		got := run(t, f, err, in, startStates(m))
		if b := (got[model.Loss][0] - got[model.Reconstruction][0]) / got[model.KL][0]; !near(b, want, 1e-9) {
			t.Errorf("after %v epochs the KL weighs %v, want %v", epoch, b, want)
		}
	}
}

func TestMMDTerm(t *testing.T) {
	m := newModel(t, small, MLPVAE, append(tinyMLP, "beta", "0.5", "mmd", "10")...)
	got := trainOnce(t, m, startStates(m), 4, 0, 0)
	want := got[model.Reconstruction][0] + 0.5*got[model.KL][0] + 10*got[metricMMD][0]
	if !near(got[model.Loss][0], want, 1e-12) || got[metricMMD][0] == 0 {
		t.Errorf("loss %v, its parts are %v", got[model.Loss][0], want)
	}
	f, err := m.Score(4)
	if _, has := run(t, f, err, inputs(4, small, 0), startStates(m))[metricMMD]; has {
		t.Error("Score has a discrepancy of a single image")
	}
}

// TestBinarize verifies that pixels of 0 and 1 are not changed by binarisation, and grey ones are.
func TestBinarize(t *testing.T) {
	loss := func(x graph.Value, step uint64, options ...string) float64 {
		m := newModel(t, small, MLPVAE, append(append(tinyMLP, "beta", "0"), options...)...)
		in := inputs(2, small, step)
		in[model.InputX] = x
		f, err := m.Score(2)
		return run(t, f, err, in, startStates(m))[model.Loss][0]
	}
	grey, sharp := pictures(2, small), pictures(2, small)
	for i, v := range sharp {
		sharp[i] = math.Round(v)
	}
	if a, b := loss(sharp, 0, "binarize", "true"), loss(sharp, 0); a != b {
		t.Errorf("pixels of 0 and 1 have a loss of %v, binarised %v", b, a)
	}
	if a, b := loss(grey, 0, "binarize", "true"), loss(grey, 0); a == b {
		t.Errorf("grey pixels have a loss of %v, binarised too", a)
	}
}

// TestConditional verifies that both networks depend on the labels, and samples on the key.
func TestConditional(t *testing.T) {
	for _, kind := range []kindOf{CVAE, MLPCVAE} {
		m := newModel(t, small, kind, tiny(kind)...)
		states := startStates(m)
		differs := func(function string, f *graph.Func, err error, change string) {
			t.Helper()
			in := inputs(2, small, 0)
			in[model.InputZ] = sines(2*m.Latent, 1, 1, 1)
			was := run(t, f, err, in, states)
			if change == model.InputKey {
				in[change] = keyOf(9)
			} else {
				in[change] = graph.Value{0, 0, 1, 0, 0, 1}
			}
			for out, v := range run(t, f, err, in, states) {
				if slices.Equal(v, was[out]) {
					t.Errorf("%s: the %s of %s does not depend on the %s", name(kind), out, function, change)
				}
			}
		}
		f, err := m.Encode(2)
		differs("encode", f, err, model.InputLabels)
		f, err = m.Decode(2)
		differs("decode", f, err, model.InputLabels)
		f, err = m.Sample(2)
		differs("sample", f, err, model.InputLabels)
		differs("sample", f, err, model.InputKey)
	}
}

// TestLadderSamples verifies that every layer draws noise of its own.
func TestLadderSamples(t *testing.T) {
	m := newModel(t, small, Ladder, tinyLadder...)
	f, err := m.Sample(64)
	a := run(t, f, err, inputs(64, small, 0), startStates(m))[model.OutputPicture]
	if slices.Equal(a[:32], a[32:64]) {
		t.Error("two samples are one")
	}
	for _, v := range a {
		if !(v > 0 && v < 1) {
			t.Fatalf("a pixel of %v", v)
		}
	}
	// With nothing to say of layer 1 in the way down, samples differ still.
	states := startStates(m)
	for _, name := range []string{"decoder/z1_mean/kernel", "decoder/z1_log_var/kernel"} {
		clear(states[name])
	}
	b := run(t, f, err, inputs(64, small, 0), states)[model.OutputPicture]
	if slices.Equal(b[:32], b[32:64]) {
		t.Error("layer 1 has no noise of its own")
	}
}

// TestProductOfGaussians verifies that the log density of the product is the sum of the two log
// densities but for a constant.
func TestProductOfGaussians(t *testing.T) {
	c := func(v float64) *graph.Node { return graph.Const(v) }
	q := product(gaussian{c(0.5), c(-1)}, gaussian{c(-1), c(0.75)})
	out := run(t, &graph.Func{Outputs: []graph.Output{{Name: "mu", Value: q.mu}, {Name: "v", Value: q.logVar}}}, nil, nil, nil)
	pa, pb := math.Exp(1), math.Exp(-0.75)
	if mu := (0.5*pa - pb) / (pa + pb); !near(out["mu"][0], mu, 1e-12) || !near(out["v"][0], -math.Log(pa+pb), 1e-12) {
		t.Errorf("N(%v, e^%v), want N(%v, e^%v)", out["mu"][0], out["v"][0], mu, -math.Log(pa+pb))
	}
}

// scripted is an InitContext with images in which every third is white.
type scripted struct {
	images data.Items
	set    map[string]*tensor.Tensor
}

func (s *scripted) Context() context.Context { return context.Background() }
func (s *scripted) Key() rng.Key             { return rng.New(1) }
func (s *scripted) Train() data.Items        { return s.images }
func (s *scripted) Run(model.Function) (map[string][]float32, error) {
	return nil, nil
}
func (s *scripted) Get(name string) (*tensor.Tensor, error) { return s.set[name], nil }
func (s *scripted) Set(name string, x *tensor.Tensor) error { s.set[name] = x; return nil }

type thirds struct{ n int }

func (t thirds) Len() int          { return t.n }
func (t thirds) Item() medium.Item { return small }
func (t thirds) At(i int, dst []uint8) error {
	for k := range small.Size() {
		dst[k] = 0
		if i%3 == 0 && k > 0 {
			dst[k] = 255
		}
	}
	return nil
}

func TestOutputBiasIsTheMeanImage(t *testing.T) {
	m := newModel(t, small, weighted, tinyMLP...)
	phases := m.Phases
	s := &scripted{thirds{600}, map[string]*tensor.Tensor{}}
	if len(phases) != 1 || phases[0].Epochs != 0 {
		t.Fatalf("phases %+v", phases)
	}
	if err := phases[0].Init(s); err != nil {
		t.Fatal(err)
	}
	const name = "decoder/dense_2/bias"
	b := s.set[name]
	if !slices.ContainsFunc(m.Params, func(p nn.Param) bool { return p.Name == name && p.Shape.Equal(b.Shape()) }) {
		t.Fatalf("set %v, want %s", s.set, name)
	}
	for i, v := range b.F32() {
		want := math.Log(1. / 3 / (2. / 3))
		if i == 0 {
			want = math.Log(0.001 / 0.999)
		}
		if !near(float64(v), want, 1e-6) {
			t.Errorf("pixel %d: bias %v, want %v", i, v, want)
		}
	}
}

func TestPixelsOfModels(t *testing.T) {
	for loss, want := range map[string]model.Likelihood{
		"bce": {Name: "bce", Measure: model.Binary}, "cb": {Name: "cb", Measure: model.Density},
		"mse":      {Name: "mse", Measure: model.Density, Constant: 16 * math.Log(math.Pi)},
		"mae":      {Name: "mae", Measure: model.Density, Constant: 32 * math.Ln2},
		"gaussian": {Name: "gaussian", Measure: model.Density}, "sigma": {Name: "sigma", Measure: model.Density},
		"logistic": {Name: "logistic", Measure: model.Levels},
	} {
		if got := newModel(t, small, MLPVAE, "loss", loss).Likelihood; *got != want {
			t.Errorf("%s: %+v, want %+v", loss, got, want)
		}
	}
	if got := newModel(t, small, MLPAE, "loss", "bce").Likelihood; got.Measure != model.Distance || got.Constant != 0 {
		t.Errorf("an autoencoder has a likelihood: %+v", got)
	}
}
