package vae

import (
	"context"
	"math"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/prob"
	"github.com/imago-ml/imago/prob/mixture"
)

// TestClusterKLByIntegration compares the KL to the mixture with the integral of its definition,
// for the responsibilities γ of one draw.
func TestClusterKLByIntegration(t *testing.T) {
	d := vade{elbo: elbo{networks: networks{latent: 1}}, clusters: 3}
	s := &Inputs{Builder: nn.NewBuilder()}
	z, mu, logVar := graph.Input("z", tensor.Float32, 1, 1), graph.Input("mu", tensor.Float32, 1, 1), graph.Input("v", tensor.Float32, 1, 1)
	p := d.prior(s, z)
	const at, m, v = 0.6, 0.9, -0.7
	out := graphs(t, map[string]graph.Value{"z": {at}, "mu": {m}, "v": {v}}, d.kl(p, mu, logVar), p.logPi, p.mu, p.logVar, p.logs)
	normal := func(x, mu, logVar float64) float64 {
		return -0.5 * ((x-mu)*(x-mu)*math.Exp(-logVar) + logVar + math.Log(2*math.Pi))
	}
	var gamma [3]float64
	total, shares := 0.0, 0.0
	for c := range 3 {
		want := out[1][c] + normal(at, out[2][c], out[3][c])
		if !near(out[4][c], want, 1e-7) { // ln 2π is rounded to float32
			t.Errorf("ln p(c) p(z|c) is %v, want %v", out[4][c], want)
		}
		gamma[c] = math.Exp(want)
		total += gamma[c]
		shares += math.Exp(out[1][c])
	}
	if !near(shares, 1, 1e-12) {
		t.Errorf("the clusters' shares add up to %v", shares)
	}
	const h = 1e-3
	want := 0.0
	for x := -10.0; x < 12; x += h {
		q := normal(x, m, v)
		inner := q
		for c := range 3 {
			g := gamma[c] / total
			inner += g * (math.Log(g) - out[1][c] - normal(x, out[2][c], out[3][c]))
		}
		want += math.Exp(q) * inner * h
	}
	if !near(out[0][0], want, 1e-6) {
		t.Errorf("KL %v, by integration %v", out[0][0], want)
	}
}

// TestOneStandardClusterIsTheVAE verifies that a prior of one cluster N(0, I) gives the bound and the
// importance weights of the VAE.
func TestOneStandardClusterIsTheVAE(t *testing.T) {
	m := phasedModel(t, "vade", "clusters", "1")
	plain := newModel(t, small, MLPVAE, "hidden", "5,6", "latent", "2")
	states := startStates(m)
	states[priorMean], states[priorLogVar], states[priorChain] = make(graph.Value, 2), make(graph.Value, 2), make(graph.Value, 4)
	in := stepInputs(m, 3, 3)
	a, err := m.Eval(3)
	b, err2 := plain.Eval(3)
	if got, want := run(t, a, err, in, states)["kl_sum"][0], run(t, b, err2, in, states)["kl_sum"][0]; !near(got, want, 1e-10) {
		t.Errorf("KL %v, of the VAE %v", got, want)
	}
	a, err = m.LogWeights(3, 2)
	b, err2 = plain.LogWeights(3, 2)
	got, want := run(t, a, err, in, states)[model.OutputLogWeight], run(t, b, err2, in, states)[model.OutputLogWeight]
	for i := range want {
		if !near(got[i], want[i], 1e-10) {
			t.Errorf("log-weight %v, of the VAE %v", got[i], want[i])
		}
	}
}

// fakeInit is an InitContext whose images have the codes x.
type fakeInit struct {
	x      []float32
	logVar float32 // of all
	states map[string]*tensor.Tensor
}

func (s *fakeInit) Context() context.Context { return context.Background() }
func (s *fakeInit) Key() rng.Key             { return rng.New(1) }
func (s *fakeInit) Train() data.Items        { return nil }
func (s *fakeInit) Run(model.Function) (map[string][]float32, error) {
	v := make([]float32, len(s.x))
	for i := range v {
		v[i] = s.logVar
	}
	return map[string][]float32{model.OutputMean: s.x, model.OutputLogVar: v}, nil
}
func (s *fakeInit) Get(name string) (*tensor.Tensor, error) { return s.states[name], nil }
func (s *fakeInit) Set(name string, t *tensor.Tensor) error { s.states[name] = t; return nil }

// TestClustersBeginAsTheMixture verifies that the second phase starts with the mixture of the codes.
func TestClustersBeginAsTheMixture(t *testing.T) {
	m := phasedModel(t, "vade", "clusters", "2", "covariance", "diagonal")
	planted := &mixture.Mixture{Dim: 2, Weights: []float64{0.5, 0.5}, Means: []float64{-5, 0, 4, 1}, Covs: []float64{1, 0.25, 0.5, 2}}
	x, err := planted.Draw(rng.New(2), 20_000)
	if err != nil {
		t.Fatal(err)
	}
	s := &fakeInit{x, -3, map[string]*tensor.Tensor{}}
	if m.Phases[0].Init != nil || m.Phases[1].Init == nil {
		t.Fatal("only the second phase has an Init")
	}
	if err := m.Phases[1].Init(s); err != nil {
		t.Fatal(err)
	}
	logits, mean, logVar := s.states[priorLogits].F32(), s.states[priorMean].F32(), s.states[priorLogVar].F32()
	if len(s.states) != 3 || len(logits) != 2 || len(mean) != 4 {
		t.Fatalf("set %v", s.states)
	}
	if logits[0] != logits[1] {
		t.Errorf("the clusters do not start with equal weights: %v", logits)
	}
	for k := range 2 {
		at := 0
		if mean[2*k] > 0 {
			at = 1
		}
		if !near(math.Exp(float64(logits[k])), planted.Weights[at], 0.02) {
			t.Errorf("share %v, want %v", math.Exp(float64(logits[k])), planted.Weights[at])
		}
		for j := range 2 {
			if g, w := float64(mean[2*k+j]), planted.Means[2*at+j]; !near(g, w, 0.05) {
				t.Errorf("mean %v, want %v", g, w)
			}
			all := []float64{0.75 + 81./4, 1.125 + 1./4}[j] // the variance of the unit
			if g, w := math.Exp(float64(logVar[2*k+j])), planted.Covs[2*at+j]+fitFloor*all+math.Exp(-3); !near(g, w, 0.1) {
				t.Errorf("variance %v, want %v", g, w)
			}
		}
	}
}

// TestInactiveUnitsSeparateNothing verifies that a unit of small variance has no part in the
// mixture.
func TestInactiveUnitsSeparateNothing(t *testing.T) {
	planted := &mixture.Mixture{Dim: 1, Weights: []float64{0.5, 0.5}, Means: []float64{-3, 3}, Covs: []float64{1, 1}}
	draws, err := planted.Draw(rng.New(2), 4_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []float32{0.1, 2} { // of the second unit, with the sign of the first
		var x []float32
		for _, v := range draws {
			x = append(x, v, size*float32(math.Copysign(1, float64(v))))
		}
		mix, err := fitMixture(t.Context(), rng.New(1), x, 2, 2)
		if err != nil {
			t.Fatal(err)
		}
		if inactive := mix.Means[1] == 0 && mix.Means[3] == 0; inactive != (size < 1) {
			t.Errorf("a unit of ±%v beside one of ±3 has the means %v and %v", size, mix.Means[1], mix.Means[3])
		}
	}
}

// TestClustersHaveTheDensityOfTheMixture verifies that the prior starts with the density of the
// mixture, full covariances included.
func TestClustersHaveTheDensityOfTheMixture(t *testing.T) {
	planted := &mixture.Mixture{Dim: 3, Full: true, Weights: []float64{0.4, 0.6}, Means: []float64{-3, 0, 1, 2, 1, -1},
		Covs: []float64{1, 0.7, 0, 0.7, 1, 0.2, 0, 0.2, 0.5, 0.6, -0.3, 0.2, -0.3, 0.8, 0.1, 0.2, 0.1, 0.4}}
	x, err := planted.Draw(rng.New(2), 2_000)
	if err != nil {
		t.Fatal(err)
	}
	m := phasedModel(t, "vade", "clusters", "2", "latent", "3")
	s := &fakeInit{x, -3, map[string]*tensor.Tensor{}}
	if err := m.Phases[1].Init(s); err != nil {
		t.Fatal(err)
	}
	mix, err := fitMixture(t.Context(), s.Key().Split("mixture"), x, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	for c := range 2 { // the variance of q(z|x) beside those of the means
		for j := range 3 {
			mix.Covs[c*9+j*4] += math.Exp(-3)
		}
	}
	want, err := mix.LogDensity(x[:15])
	if err != nil {
		t.Fatal(err)
	}
	d := vade{elbo: elbo{networks: networks{latent: 3}}, clusters: 2, full: true}
	p := d.prior(&Inputs{Builder: nn.NewBuilder()}, graph.Input("z", tensor.Float32, 5, 3))
	states := map[string]graph.Value{}
	for name, v := range s.states {
		for _, f := range v.F32() {
			states[name] = append(states[name], float64(f))
		}
	}
	z := make(graph.Value, 15)
	for i := range z {
		z[i] = float64(x[i])
	}
	f := &graph.Func{Name: "density", Outputs: []graph.Output{{Name: "density", Value: prob.LogSumExp(p.logs, 1)}}}
	for _, n := range f.Nodes() {
		switch n.Op() {
		case graph.OpInput:
			f.Inputs = append(f.Inputs, n)
		case graph.OpState:
			f.States = append(f.States, n)
		}
	}
	out, err := graph.Interp(f, graph.Env{Inputs: map[string]graph.Value{"z": z}, States: states})
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if !near(out[0][i], want[i], 1e-5) {
			t.Errorf("ln p(z) is %v, of the mixture %v", out[0][i], want[i])
		}
	}
}

// TestKLToAWholeCovariance compares the KL to one cluster of full covariance Σ with
//
//	½ (tr Σ⁻¹S + (m−μ)ᵀΣ⁻¹(m−μ) − 2 + ln det Σ/det S)
func TestKLToAWholeCovariance(t *testing.T) {
	d := vade{elbo: elbo{networks: networks{latent: 2}}, clusters: 1, full: true}
	s := &Inputs{Builder: nn.NewBuilder()}
	z, mu, logVar := graph.Input("z", tensor.Float32, 1, 2), graph.Input("mu", tensor.Float32, 1, 2), graph.Input("v", tensor.Float32, 1, 2)
	p := d.prior(s, z)
	m, v := []float64{0.3, -0.8}, []float64{-0.5, 0.4}
	out := graphs(t, map[string]graph.Value{"z": {1, 2}, "mu": m, "v": v}, d.kl(p, mu, logVar), p.mu, p.logVar, p.chain)
	chain, d0, d1 := out[3][1], math.Exp(out[2][0]), math.Exp(out[2][1])
	// z₀ = y₀ and z₁ = y₁ − t·z₀, so Σ⁻¹ = T D⁻¹ Tᵀ of T = (1 t; 0 1), and det Σ = det D.
	a, b, c := 1/d0+chain*chain/d1, chain/d1, 1/d1
	centre := [2]float64{out[1][0], out[1][1] - chain*out[1][0]}
	e0, e1 := centre[0]-m[0], centre[1]-m[1]
	want := 0.5 * (a*math.Exp(v[0]) + c*math.Exp(v[1]) + a*e0*e0 + 2*b*e0*e1 + c*e1*e1 - 2 + out[2][0] + out[2][1] - v[0] - v[1])
	if chain == 0 || !near(out[0][0], want, 1e-9) {
		t.Errorf("KL %v, want %v (t is %v)", out[0][0], want, chain)
	}
}
