package eval

import (
	"context"
	"math"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/vae"
)

// naive returns the SSIM by its two-dimensional window: the mean over its places, with each
// moment computed on its own.
func naive(x, y []float32, h, w int) float64 {
	g := func(i, j int) float64 {
		di, dj := float64(i-5), float64(j-5)
		return math.Exp(-(di*di + dj*dj) / (2 * 1.5 * 1.5))
	}
	norm := 0.0
	for i := range 11 {
		for j := range 11 {
			norm += g(i, j)
		}
	}
	total := 0.0
	for r := 0; r+11 <= h; r++ {
		for c := 0; c+11 <= w; c++ {
			moment := func(f func(a, b float64) float64) float64 {
				s := 0.0
				for i := range 11 {
					for j := range 11 {
						at := (r+i)*w + c + j
						s += g(i, j) / norm * f(float64(x[at]), float64(y[at]))
					}
				}
				return s
			}
			mx, my := moment(func(a, _ float64) float64 { return a }), moment(func(_, b float64) float64 { return b })
			vx := moment(func(a, _ float64) float64 { return (a - mx) * (a - mx) })
			vy := moment(func(_, b float64) float64 { return (b - my) * (b - my) })
			cov := moment(func(a, b float64) float64 { return (a - mx) * (b - my) })
			total += (2*mx*my + 1e-4) * (2*cov + 9e-4) / ((mx*mx + my*my + 1e-4) * (vx + vy + 9e-4))
		}
	}
	return total / float64((h-10)*(w-10))
}

func TestSSIM(t *testing.T) {
	const h, w = 14, 13
	x, y := make([]float32, h*w), make([]float32, h*w)
	rng.New(1).Uniform(x)
	rng.New(2).Uniform(y)
	for i := range y {
		y[i] = 0.6*x[i] + 0.4*y[i]
	}
	if got, ok := ssim(x, x, h, w, 1); !ok || !(math.Abs(got-1) <= 1e-12) {
		t.Errorf("of equal images: %v", got)
	}
	want := naive(x, y, h, w)
	if got, ok := ssim(x, y, h, w, 1); !ok || !(math.Abs(got-want) <= 1e-9) {
		t.Errorf("%v, want %v", got, want)
	}
	// Of flat images only the first factor is left.
	a, b := make([]float32, h*w), make([]float32, h*w)
	for i := range a {
		a[i], b[i] = 0.5, 0.25
	}
	flat := (2*0.5*0.25 + 1e-4) / (0.25 + 0.0625 + 1e-4)
	if got, ok := ssim(a, b, h, w, 1); !ok || !(math.Abs(got-flat) <= 1e-9) {
		t.Errorf("of flat images: %v, want %v", got, flat)
	}
	// Three channels: the mean of theirs.
	x3, y3 := make([]float32, 3*h*w), make([]float32, 3*h*w)
	for i := range h * w {
		x3[3*i], y3[3*i] = x[i], y[i]
		x3[3*i+1], y3[3*i+1] = x[i], x[i]
		x3[3*i+2], y3[3*i+2] = a[i], b[i]
	}
	if got, ok := ssim(x3, y3, h, w, 3); !ok || !(math.Abs(got-(want+1+flat)/3) <= 1e-9) {
		t.Errorf("of three channels: %v, want %v", got, (want+1+flat)/3)
	}
	if _, ok := ssim(x, y, 10, w, 1); ok {
		t.Error("an image smaller than the window has a similarity")
	}
}

func TestReconstructionErrors(t *testing.T) {
	e, _, _, _ := newEvaluator(t, vae.MLPVAE)
	set := setOf(t, 30, small)
	s, missing, err := e.Measure(context.Background(), Task{Protocol: DefaultProtocol(), Set: set, Seed: 1, Only: []string{"mse", "psnr", "ssim"}})
	if err != nil || len(s) != 2 || len(missing) != 1 || missing[0].Metric.Name != "test_ssim" {
		t.Fatalf("%v, lacks %v, %v; want no SSIM of %v", s.Map(), missing, err, small)
	}
	made, err := e.session.Reconstruct(context.Background(), set.Test.Items)
	if err != nil {
		t.Fatal(err)
	}
	x, err := data.AllFloats(context.Background(), set.Test.Items)
	if err != nil {
		t.Fatal(err)
	}
	var mse, psnr mean
	for i := range 30 {
		sum := 0.0
		for k := i * small.Size(); k < (i+1)*small.Size(); k++ {
			d := float64(x[k]) - float64(made[k])
			sum += d * d
		}
		mse.add(sum / float64(small.Size()))
		psnr.add(-10 * math.Log10(sum/float64(small.Size())))
	}
	for i, want := range []mean{mse, psnr} {
		if !(math.Abs(s[i].Value-want.value()) <= 1e-9) || !(math.Abs(s[i].StdErr-want.stdErr()) <= 1e-9) || s[i].Images != 30 {
			t.Errorf("%s is %v ± %v, want %v ± %v", s[i].Metric.Name, s[i].Value, s[i].StdErr, want.value(), want.stdErr())
		}
	}
}

func TestMean(t *testing.T) {
	var m mean
	for _, v := range []float64{2, 4, 9} {
		m.add(v)
	}
	if !(math.Abs(m.value()-5) <= 1e-12) || !(math.Abs(m.variance()-26.0/3) <= 1e-12) || !(math.Abs(m.stdErr()-math.Sqrt(13.0/3)) <= 1e-12) {
		t.Errorf("mean %v, variance %v, standard error %v; want 5, 26/3, √(13/3)", m.value(), m.variance(), m.stdErr())
	}
}

// TestPosteriorStatistics checks the statistics of a posterior against their formulas.
func TestPosteriorStatistics(t *testing.T) {
	e, _, _, _ := newEvaluator(t, vae.MLPVAE)
	split := images(t, 50, small)
	s, err := e.Evaluate(context.Background(), split.Items, 1)
	if err != nil {
		t.Fatal(err)
	}
	mu, logVar, err := e.session.EncodeMeans(context.Background(), split.Items)
	if err != nil {
		t.Fatal(err)
	}
	var sigma mean
	kl, place := [2]mean{}, [2]mean{}
	for i := range mu {
		m, v := float64(mu[i]), float64(logVar[i])
		sigma.add(math.Exp(v / 2))
		kl[i%2].add(0.5 * (m*m + math.Exp(v) - v - 1))
		place[i%2].add(m)
	}
	active := 0.0
	for _, p := range place {
		if p.variance() >= 0.01 {
			active++
		}
	}
	units := s.Units()
	for name, want := range map[string]float64{MeanSigma: sigma.value(), ActiveUnits: active, KLPerUnit: (kl[0].value() + kl[1].value()) / 2} {
		if got, ok := s.Get(name); !ok || !(math.Abs(got-want) <= 1e-9) || len(units[name]) != 2 {
			t.Errorf("%s is %v with units %v, want %v", name, got, units[name], want)
		}
	}
	// Unit by unit they add up to the KL of the pass.
	total, _ := s.Get("test_kl")
	if got := units[KLPerUnit][0] + units[KLPerUnit][1]; !(math.Abs(got-total) <= 1e-4*total) {
		t.Errorf("the units' KL add up to %v, want %v", got, total)
	}
	e, _, _, _ = newEvaluator(t, vae.MLPAE)
	if s, err = e.Evaluate(context.Background(), split.Items, 1); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Get(MeanSigma); ok {
		t.Error("an autoencoder has a σ")
	}
	if _, ok := s.Get(ActiveUnits); !ok {
		t.Error("an autoencoder's codes do not vary")
	}
}
