package eval

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
)

var small = pixels.Item(6, 5, 1)

// images returns n images of noise.
func images(t *testing.T, n int, s medium.Item) data.Split {
	t.Helper()
	bits := make([]uint32, n*s.Size())
	rng.New(3).Bits(bits)
	pix := make([]uint8, len(bits))
	for i, b := range bits {
		pix[i] = uint8(b)
	}
	m, err := data.NewInMemory(pix, n, s)
	if err != nil {
		t.Fatal(err)
	}
	return data.Split{Items: m}
}

// drawn returns a model of that kind with initial values in a state.
func drawn(t *testing.T, kind func() (model.Kind, model.Recipe)) (*model.Model, backend.Backend, backend.State) {
	t.Helper()
	k, _ := kind()
	m, err := k.Default().New(model.Input{Item: small})
	if err != nil {
		t.Fatal(err)
	}
	be := cpu.New(2)
	t.Cleanup(func() { be.Close() })
	st := be.NewState()
	for _, p := range m.Params {
		if err := st.Set(p.Name, p.Draw(rng.New(5))); err != nil {
			t.Fatal(err)
		}
	}
	return m, be, st
}

func newEvaluator(t *testing.T, kind func() (model.Kind, model.Recipe)) (*Evaluator, *model.Model, backend.Backend, backend.State) {
	t.Helper()
	m, be, st := drawn(t, kind)
	e, err := New(latent.New(m, model.Input{Item: small}, exec.New(be, st)))
	if err != nil {
		t.Fatal(err)
	}
	return e, m, be, st
}

func TestMetricTable(t *testing.T) {
	names := map[string]bool{}
	for _, m := range Metrics() {
		if m.Name == "" || m.About == "" || m.measure == nil || names[m.Name] {
			t.Errorf("metric %q: an empty column, or the name is taken", m.Name)
		}
		names[m.Name] = true
	}
	for _, name := range []string{TestLoss, ActiveUnits, MeanSigma, KLPerUnit, "test_nll_is_100_on_500"} {
		if !names[name] {
			t.Errorf("the table lacks %s", name)
		}
	}
}

// TestProtocol computes the metrics by hand: batches of 256 in order, the last one of 44
// without padding, samples at Split("eval").At(batch).
func TestProtocol(t *testing.T) {
	e, m, be, st := newEvaluator(t, vae.MLPVAE)
	split := images(t, 300, small)
	got, err := e.Evaluate(context.Background(), split.Items, 9)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{}
	for k, n := range []int{256, 44} {
		f, err := m.Eval(n)
		if err != nil {
			t.Fatal(err)
		}
		p, err := be.Compile(f, st, backend.Options{})
		if err != nil {
			t.Fatal(err)
		}
		x, w, key := tensor.New(tensor.Float32, small.Batch(n)...), tensor.New(tensor.Float32, n), tensor.New(tensor.Int32, 4)
		index := make([]int32, n)
		for i := range index {
			index[i], w.F32()[i] = int32(256*k+i), 1
		}
		if err := data.Floats(context.Background(), split.Items, index, x.F32()); err != nil {
			t.Fatal(err)
		}
		words := rng.New(9).Split("eval").At(uint64(k)).Words()
		copy(key.I32(), words[:])
		var out []*tensor.Tensor
		for _, o := range p.Outputs() {
			out = append(out, o.New())
		}
		if err := p.Run([]*tensor.Tensor{x, w, key}, out); err != nil {
			t.Fatal(err)
		}
		for i, o := range p.Outputs() {
			want["test_"+strings.TrimSuffix(o.Name, "_sum")] += float64(out[i].F32()[0]) / 300
		}
	}
	if len(got) != 6 {
		t.Fatalf("scores %v, want three terms and three of the posterior", got.Map())
	}
	for _, s := range got[:3] {
		if !(math.Abs(s.Value-want[s.Metric.Name]) <= 1e-6*math.Abs(want[s.Metric.Name])) {
			t.Errorf("%s = %v, want %v", s.Metric.Name, s.Value, want[s.Metric.Name])
		}
	}
	loss, _ := got.Get("test_loss")
	rec, _ := got.Get("test_reconstruction")
	kl, _ := got.Get("test_kl")
	if !(math.Abs(rec+kl-loss) <= 1e-5*loss) || !(kl > 0) {
		t.Errorf("loss %v, reconstruction %v, KL %v: want a sum of two", loss, rec, kl)
	}
}

func TestSeed(t *testing.T) {
	split := images(t, 70, small)
	score := func(kind func() (model.Kind, model.Recipe), seed uint64) Scores {
		e, _, _, _ := newEvaluator(t, kind)
		var last Scores
		for range 2 { // the second pass has the first one's buffers
			s, err := e.Evaluate(context.Background(), split.Items, seed)
			if err != nil {
				t.Fatal(err)
			}
			if last != nil && last[0].Value != s[0].Value {
				t.Errorf("twice the same gave %v and %v", last[0].Value, s[0].Value)
			}
			last = s
		}
		return last
	}
	a, b := score(vae.MLPVAE, 1), score(vae.MLPVAE, 2)
	if a[0].Value == b[0].Value {
		t.Errorf("two seeds gave one loss, %v", a[0].Value)
	}
	if a[2].Value != b[2].Value {
		t.Errorf("the KL is in closed form, but two seeds gave %v and %v", a[2].Value, b[2].Value)
	}
	c, d := score(vae.MLPAE, 1), score(vae.MLPAE, 2)
	if c[0].Value != d[0].Value {
		t.Errorf("an autoencoder draws nothing, but two seeds gave %v and %v", c[0].Value, d[0].Value)
	}
	if _, ok := c.Get("test_kl"); ok {
		t.Error("an autoencoder has a KL")
	}
}

func TestErrors(t *testing.T) {
	e, m, _, st := newEvaluator(t, vae.MLPVAE)
	if _, err := e.Evaluate(context.Background(), nil, 1); err == nil {
		t.Error("no images gave no error")
	}
	if _, err := e.Evaluate(context.Background(), images(t, 2, pixels.Item(5, 5, 1)).Items, 1); err == nil || !strings.Contains(err.Error(), "5x5x1") {
		t.Errorf("images of another shape gave %v", err)
	}
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := e.Evaluate(stopped, images(t, 2, small).Items, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	name := "encoder/z_log_var/bias"
	for _, p := range m.Params {
		if p.Name == name {
			big := p.Draw(rng.New(1))
			for i := range big.F32() {
				big.F32()[i] = 1e6
			}
			if err := st.Set(name, big); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, err := e.Evaluate(context.Background(), images(t, 300, small).Items, 1)
	var bad *NonFiniteError
	var at *backend.NonFiniteError
	if !errors.As(err, &bad) || !errors.As(err, &at) || at.Op != "exp" || bad.First != 0 || bad.Last != 255 {
		t.Errorf("a variance that overflows gave %v", err)
	}
}
