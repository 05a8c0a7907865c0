package vae

import (
	"context"
	"math"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/graph"
	"github.com/imago-ml/imago/mixture"
	"github.com/imago-ml/imago/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/rng"
	"github.com/imago-ml/imago/tensor"
)

// The KL to the mixture is the integral of its definition, with the shares γ that one
// draw gives.
func TestClusterKLByIntegration(t *testing.T) {
	d := clustered{elbo: elbo{pair: pair{latent: 1}}, clusters: 3}
	s := &scene{b: nn.NewBuilder()}
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

// A prior of one cluster N(0, I) is that of the VAE: its bound and its weights.
func TestOneStandardClusterIsTheVAE(t *testing.T) {
	_, m := stagedModel(t, "vade", "clusters", "1")
	vae := newModel(t, small, MLPVAE, "hidden", "5,6", "latent", "2")
	states := startStates(m)
	states[priorMean], states[priorLogVar] = make(graph.Value, 2), make(graph.Value, 2)
	in := stepInputs(m, 3, 3)
	a, err := m.Eval(3)
	b, err2 := vae.Eval(3)
	if got, want := run(t, a, err, in, states)["kl_sum"][0], run(t, b, err2, in, states)["kl_sum"][0]; !near(got, want, 1e-10) {
		t.Errorf("KL %v, of the VAE %v", got, want)
	}
	a, err = m.LogWeights(3, 2)
	b, err2 = (&bounded{vae}).LogWeights(3, 2)
	got, want := run(t, a, err, in, states)[model.OutputLogWeight], run(t, b, err2, in, states)[model.OutputLogWeight]
	for i := range want {
		if !near(got[i], want[i], 1e-10) {
			t.Errorf("log-weight %v, of the VAE %v", got[i], want[i])
		}
	}
}

// a scene whose images have the codes x.
type fakeScene struct {
	x      []float32
	states map[string]*tensor.Tensor
}

func (s *fakeScene) Context() context.Context { return context.Background() }
func (s *fakeScene) Key() rng.Key             { return rng.New(1) }
func (s *fakeScene) Train() data.Images       { return nil }
func (s *fakeScene) Run(func(int) (*graph.Func, error)) (map[string][]float32, error) {
	return map[string][]float32{model.OutputMean: s.x}, nil
}
func (s *fakeScene) Get(name string) (*tensor.Tensor, error) { return s.states[name], nil }
func (s *fakeScene) Set(name string, t *tensor.Tensor) error { s.states[name] = t; return nil }

// The second stage begins with the mixture of the codes.
func TestClustersBeginAsTheMixture(t *testing.T) {
	_, m := stagedModel(t, "vade", "clusters", "2")
	planted := &mixture.Mixture{Dim: 2, Weights: []float64{0.25, 0.75}, Means: []float64{-5, 0, 4, 1}, Covs: []float64{1, 0.25, 0.5, 2}}
	x, err := planted.Draw(rng.New(2), 20_000)
	if err != nil {
		t.Fatal(err)
	}
	s := &fakeScene{x, map[string]*tensor.Tensor{}}
	if m.Stages()[0].Begin != nil || m.Stages()[1].Begin == nil {
		t.Fatal("it is the second stage that begins with something")
	}
	if err := m.Stages()[1].Begin(s); err != nil {
		t.Fatal(err)
	}
	logits, mean, logVar := s.states[priorLogits].F32(), s.states[priorMean].F32(), s.states[priorLogVar].F32()
	if len(s.states) != 3 || len(logits) != 2 || len(mean) != 4 {
		t.Fatalf("set %v", s.states)
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
			if g, w := math.Exp(float64(logVar[2*k+j])), planted.Covs[2*at+j]; !near(g, w, 0.1) {
				t.Errorf("variance %v, want %v", g, w)
			}
		}
	}
}
