package eval

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
)

// setOf returns a set whose test images are noise.
func setOf(t *testing.T, n int, s medium.Item) *data.Set {
	t.Helper()
	split := images(t, n, s)
	return &data.Set{Name: "noise", Train: split, Test: split}
}

func measured(t *testing.T, e *Evaluator, task Task) Scores {
	t.Helper()
	s, _, err := e.Measure(context.Background(), task)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestLikelihoodOfLinearGaussian checks that the estimate with many samples is the known
// likelihood, and that with one sample it is the ELBO, which lies below by the KL of q from
// the true posterior.
func TestLikelihoodOfLinearGaussian(t *testing.T) {
	l := linear{measure: model.Density}
	set := setOf(t, 40, toyImage)
	x, err := data.AllFloats(context.Background(), set.Test.Items)
	if err != nil {
		t.Fatal(err)
	}
	var want mean
	for i := range 40 {
		v := make([]float64, 4)
		for j := range v {
			v[j] = float64(x[4*i+j])
		}
		want.add(-l.logDensity(v))
	}
	e := ofToy(t, l, model.Input{Item: toyImage})
	for _, k := range []int{2000, 1999} { // chunks that are full, and a last one that is not
		p := DefaultProtocol()
		p.NLLSamples = k
		s := measured(t, e, Task{Protocol: p, Set: set, Seed: 3, Only: []string{"nll", "elbo", "bits"}})
		name := map[int]string{2000: "test_nll_is_2000", 1999: "test_nll_is_1999"}[k]
		got, ok := s.Get(name)
		// The weights' relative variance is about 1, so 40·2000 draws leave ±0.005.
		if !ok || !(math.Abs(got-want.value()) <= 0.015) {
			t.Errorf("k = %d: %v nats, want %v", k, got, want.value())
		}
		for _, x := range s {
			if x.Metric.Name == name && !(math.Abs(x.StdErr-want.stdErr()) <= 0.02*want.stdErr()) {
				t.Errorf("standard error %v, want about %v", x.StdErr, want.stdErr())
			}
		}
		bits, _ := s.Get(strings.Replace(name, "nll", "bits_per_dim", 1))
		if d := (got + 4*math.Log(255)) / (4 * math.Ln2); !(math.Abs(bits-d) <= 1e-9) {
			t.Errorf("%v bits a value of a density, want %v", bits, d)
		}
		elbo, _ := s.Get("test_elbo")
		if !(elbo < -got) {
			t.Errorf("the ELBO %v is not below ln p(x) = %v", elbo, -got)
		}
	}
	// One draw's mean over many seeds is −KL(q ‖ p(z|x)) below ln p(x).
	var one mean
	for seed := range uint64(100) {
		v, _ := measured(t, e, Task{Protocol: DefaultProtocol(), Set: set, Seed: seed, Only: []string{"test_elbo"}}).Get("test_elbo")
		one.add(v)
	}
	_, v := l.posterior() // its mean is the true one, so only the covariances differ
	gap := klOfCovariances(v)
	if got := -want.value() - one.value(); !(math.Abs(got-gap) <= 5*one.stdErr()+1e-3) {
		t.Errorf("the ELBO is %v below ln p(x), want KL = %v ± %v", got, gap, one.stdErr())
	}
}

// klOfCovariances returns KL(N(0, v·I) ‖ N(0, S)), S = (I + WᵀW/s²)⁻¹ the true posterior's:
// ½ (v tr S⁻¹ − 2 − ln v² + ln det S).
func klOfCovariances(v float64) float64 {
	p := [4]float64{1, 0, 0, 1} // S⁻¹
	for i := range 2 {
		for j := range 2 {
			for r := range 4 {
				p[2*i+j] += toyW[2*r+i] * toyW[2*r+j] / (toyS * toyS)
			}
		}
	}
	return 0.5 * (v*(p[0]+p[3]) - 2 - 2*math.Log(v) - math.Log(p[0]*p[3]-p[1]*p[2]))
}

// TestMeasures checks that a likelihood of binary pixels has binarised images, and one of
// levels has the images as they are, without a correction.
func TestMeasures(t *testing.T) {
	set := setOf(t, 30, toyImage)
	p := DefaultProtocol()
	p.NLLSamples = 200
	nll := map[model.Measure]float64{}
	for _, m := range []model.Measure{model.Binary, model.Levels, model.Density} {
		e := ofToy(t, linear{measure: m}, model.Input{Item: toyImage})
		s := measured(t, e, Task{Protocol: p, Set: set, Seed: 1, Only: []string{"is_200"}})
		nll[m], _ = s.Get("test_nll_is_200")
		bits, _ := s.Get("test_bits_per_dim_is_200")
		if want := nll[m] / (4 * math.Ln2); m != model.Density && !(math.Abs(bits-want) <= 1e-9) {
			t.Errorf("measure %d: %v bits, want %v", m, bits, want)
		}
	}
	if nll[model.Levels] != nll[model.Density] {
		t.Errorf("levels %v, density %v: want the same images", nll[model.Levels], nll[model.Density])
	}
	if nll[model.Binary] == nll[model.Levels] {
		t.Error("binary pixels were not binarised")
	}
	e := ofToy(t, linear{measure: model.Distance}, model.Input{Item: toyImage})
	s, missing, err := e.Measure(context.Background(), Task{Protocol: p, Set: set, Only: []string{"nll", "bits"}})
	if err != nil || len(s) > 0 || len(missing) != 3 || !strings.Contains(missing[0].Why, "distance") {
		t.Errorf("a distance has %v, lacks %v, %v", s, missing, err)
	}
}

// TestNothingDrawn checks that a model without noise has one likelihood, whatever the number
// of samples.
func TestNothingDrawn(t *testing.T) {
	set := setOf(t, 20, toyImage)
	x, err := data.AllFloats(context.Background(), set.Test.Items)
	if err != nil {
		t.Fatal(err)
	}
	want := 0.0
	for _, v := range x {
		want += float64(v) / 20
	}
	s := measured(t, ofToy(t, certain{}, model.Input{Item: toyImage}), Task{Protocol: DefaultProtocol(), Set: set, Only: []string{"nll", "test_elbo"}})
	for name, sign := range map[string]float64{"test_nll_is_100": 1, "test_elbo": -1} {
		if got, ok := s.Get(name); !ok || !(math.Abs(sign*got-want) <= 1e-5) {
			t.Errorf("%s is %v, want %v", name, got, sign*want)
		}
	}
}

func TestLogSumExp(t *testing.T) {
	for _, values := range [][]float64{{0}, {-1000, -1001, -999}, {1e4, -1e4, 1e4}, {3, 1, 2, 3}} {
		var l logSumExp
		top, sum := math.Inf(-1), 0.0
		for _, v := range values {
			l.add(v)
			top = max(top, v)
		}
		for _, v := range values {
			sum += math.Exp(v - top)
		}
		if want := top + math.Log(sum); !(math.Abs(l.value()-want) <= 1e-12*math.Abs(want)+1e-15) {
			t.Errorf("%v: %v, want %v", values, l.value(), want)
		}
	}
}

// TestBinarise checks that a pixel is 1 as often as it is bright and always the same in one
// image, and that labels stay.
func TestBinarise(t *testing.T) {
	pix := make([]uint8, 1000)
	for i := range pix {
		pix[i] = 64
	}
	pix[0], pix[1] = 0, 255
	m, err := data.NewInMemory(pix, 10, pixels.Item(10, 10, 1))
	if err != nil {
		t.Fatal(err)
	}
	set := data.Set{Classes: []string{"a"}}
	b := binarise(set.Labelled(data.Split{Items: m, Labels: make([]int32, 10)}), rng.New(1))
	if _, ok := b.(data.Labeller); !ok {
		t.Error("the labels are gone")
	}
	ones := 0
	first := make([]uint8, 100)
	for i := range 10 {
		x, again := make([]uint8, 100), make([]uint8, 100)
		if err := b.At(i, x); err != nil {
			t.Fatal(err)
		}
		if err := b.At(i, again); err != nil || string(x) != string(again) {
			t.Errorf("image %d is another the second time, %v", i, err)
		}
		for _, v := range x {
			if v != 0 && v != 255 {
				t.Fatalf("a pixel of %d", v)
			}
			ones += int(v / 255)
		}
		if i == 0 {
			copy(first, x)
		} else if string(first) == string(x) {
			t.Errorf("images 0 and %d are binarised alike", i)
		}
	}
	if first[0] != 0 || first[1] != 255 {
		t.Errorf("black became %d, white %d", first[0], first[1])
	}
	if !(math.Abs(float64(ones)-251) <= 60) { // four standard deviations
		t.Errorf("%d of 1000 pixels of level 64 are 1, want about 251", ones)
	}
}

// TestBoundOfVAE checks that binarising images of 0 and 1 pixels changes nothing, and that
// their ELBO by importance weights is −(reconstruction + KL) of the evaluation, which has the
// KL in closed form.
func TestBoundOfVAE(t *testing.T) {
	e, _, _, _ := newEvaluator(t, vae.MLPVAE)
	pix := make([]uint8, 200*small.Size())
	bits := make([]uint32, len(pix))
	rng.New(4).Bits(bits)
	for i, b := range bits {
		pix[i] = 255 * uint8(b>>31)
	}
	m, err := data.NewInMemory(pix, 200, small)
	if err != nil {
		t.Fatal(err)
	}
	split := data.Split{Items: m}
	p := DefaultProtocol()
	p.NLLSamples = 300
	var gap mean
	for seed := range uint64(10) {
		s := measured(t, e, Task{Protocol: p, Set: &data.Set{Name: "bits", Train: split, Test: split}, Seed: seed, Only: []string{"test_elbo", "reconstruction", "kl"}})
		elbo, _ := s.Get("test_elbo")
		rec, _ := s.Get("test_reconstruction")
		kl, _ := s.Get("test_kl")
		gap.add(elbo + rec + kl)
	}
	if !(math.Abs(gap.value()) <= 5*gap.stdErr()) || !(gap.stdErr() <= 0.05) {
		t.Errorf("the ELBO is off by %v ± %v", gap.value(), gap.stdErr())
	}
}

// BenchmarkLogWeights runs a batch of the networks of Burda et al. product-% is the share of
// the threads' time in kernels that compute a matrix product and what is fused to it.
func BenchmarkLogWeights(b *testing.B) {
	kind, _, _ := vae.IWAE()
	img := pixels.Item(28, 28, 1)
	m, err := kind.Default().New(model.Input{Item: img})
	if err != nil {
		b.Fatal(err)
	}
	be := cpu.New(1)
	defer be.Close()
	st := be.NewState()
	for _, p := range m.Params {
		if err := st.Set(p.Name, p.Draw(rng.New(1))); err != nil {
			b.Fatal(err)
		}
	}
	for _, rows := range []int{256, 1024, 4096} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			f, err := m.LogWeights(rows/maxBatchSamples, maxBatchSamples)
			if err != nil {
				b.Fatal(err)
			}
			program, err := be.Compile(f, st, backend.Options{})
			if err != nil {
				b.Fatal(err)
			}
			p := program.(backend.Profiler)
			var in, out []*tensor.Tensor
			for _, s := range p.Inputs() {
				in = append(in, s.New())
			}
			for _, s := range p.Outputs() {
				out = append(out, s.New())
			}
			p.Profile(true)
			runs := 0
			for b.Loop() {
				if err := p.Run(in, out); err != nil {
					b.Fatal(err)
				}
				runs++
			}
			var flops int64
			var products, all time.Duration
			for _, k := range p.Kernels() {
				all += k.Time
				if k.MatFlops > 0 {
					products += k.Time
				}
				flops += k.MatFlops
			}
			b.ReportMetric(float64(flops)*float64(runs)/all.Seconds()/1e9, "GFLOP/s")
			b.ReportMetric(100*products.Seconds()/all.Seconds(), "product-%")
			b.ReportMetric(all.Seconds()/float64(runs)/float64(rows)*1e9, "ns/sample")
		})
	}
}
