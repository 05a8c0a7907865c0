package latent

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
)

var small = pixels.Item(8, 4, 1)

func noise(t *testing.T, n int) *data.InMemory {
	t.Helper()
	bits := make([]uint32, n*small.Size())
	rng.New(3).Bits(bits)
	pix := make([]uint8, len(bits))
	for i, b := range bits {
		pix[i] = uint8(b)
	}
	m, err := data.NewInMemory(pix, n, small)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newModel(t *testing.T, kind func() (model.Kind, model.Recipe)) (*model.Model, map[string]*tensor.Tensor) {
	t.Helper()
	k, _ := kind()
	m, err := k.Default().New(model.Input{Item: small})
	if err != nil {
		t.Fatal(err)
	}
	w := map[string]*tensor.Tensor{}
	for _, p := range m.Params {
		w[p.Name] = p.Draw(rng.New(5))
	}
	return m, w
}

func load(t *testing.T, m *model.Model, w map[string]*tensor.Tensor) *Session {
	t.Helper()
	be := cpu.New(2)
	t.Cleanup(func() { be.Close() })
	s, err := Load(m, model.Input{Item: small}, be, w)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func same(a, b []float32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] { // NaN too
			return false
		}
	}
	return true
}

// TestBatches checks that the code and the reconstruction of an image do not depend on the other
// images, and that the reconstruction is the decoded mean.
func TestBatches(t *testing.T) {
	ctx := context.Background()
	for _, kind := range []func() (model.Kind, model.Recipe){vae.MLPVAE, vae.CNNVAE, vae.MLPAE} {
		k, _ := kind()
		t.Run(k.Name, func(t *testing.T) {
			m, w := newModel(t, kind)
			s := load(t, m, w)
			all := noise(t, 300) // a batch of 256 and one of 44
			mean, logVar, err := s.EncodeMeans(ctx, all)
			if err != nil {
				t.Fatal(err)
			}
			if deterministic := strings.HasSuffix(k.Name, "-ae"); deterministic != (logVar == nil) || s.HasPrior() == deterministic {
				t.Errorf("log-variances of length %d, prior %v", len(logVar), s.HasPrior())
			}
			rec, err := s.Reconstruct(ctx, all)
			if err != nil {
				t.Fatal(err)
			}
			dec, err := s.Decode(ctx, mean)
			if err != nil {
				t.Fatal(err)
			}
			if len(mean) != 600 || len(rec) != 300*small.Size() || !same(rec, dec) {
				t.Errorf("%d values of codes; the decoded means are not the reconstructions", len(mean))
			}
			for i, v := range rec {
				if !(v >= 0 && v <= 1) {
					t.Fatalf("pixel %d is %v", i, v)
				}
			}
			one, err := all.Select([]int{297})
			if err != nil {
				t.Fatal(err)
			}
			if alone, _, err := s.EncodeMeans(ctx, one); err != nil || !same(alone, mean[2*297:2*298]) {
				t.Errorf("image 297 has the code %v among others and %v alone, %v", mean[2*297:2*298], alone, err)
			}
			if none, err := s.Decode(ctx, nil); err != nil || len(none) != 0 {
				t.Errorf("no codes gave %v, %v", none, err)
			}
			if _, err := s.Decode(ctx, make([]float32, 3)); err == nil {
				t.Error("a code and a half gave no error")
			}
		})
	}
}

// decoderOnly returns a model that decodes as m does, and does nothing else.
func decoderOnly(m *model.Model) *model.Model {
	return &model.Model{Params: m.Params, Latent: m.Latent, Decode: m.Decode}
}

func TestDecoderOnly(t *testing.T) {
	m, w := newModel(t, vae.MLPVAE)
	s := load(t, decoderOnly(m), w)
	if s.Latent() != 2 || !s.HasPrior() {
		t.Errorf("latent %d, prior %v", s.Latent(), s.HasPrior())
	}
	pix, err := s.Decode(context.Background(), []float32{0.5, -1})
	if err != nil {
		t.Fatal(err)
	}
	if want, err := load(t, m, w).Decode(context.Background(), []float32{0.5, -1}); err != nil || !same(pix, want) {
		t.Error("a decoder alone draws another image")
	}
	if _, _, err := s.EncodeMeans(context.Background(), noise(t, 1)); err == nil || !strings.Contains(err.Error(), "encoder") {
		t.Errorf("encoding gave %v", err)
	}
	if _, err := s.Reconstruct(context.Background(), noise(t, 1)); err == nil {
		t.Error("reconstructing gave no error")
	}
}

func TestLoadErrors(t *testing.T) {
	be := cpu.New(1)
	defer be.Close()
	m, w := newModel(t, vae.MLPVAE)
	check := func(name, part string) {
		t.Helper()
		if _, err := Load(m, model.Input{Item: small}, be, w); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v, want %q", name, err, part)
		}
	}
	name := m.Params[0].Name
	kept := w[name]
	delete(w, name)
	check("missing", "lack "+name)
	w[name] = tensor.New(tensor.Float32, 3)
	check("another shape", "f32[3]")
	w[name] = kept
	w["stranger"] = tensor.New(tensor.Float32, 1)
	check("unknown", "stranger")
	delete(w, "stranger")
	s := load(t, m, w)
	wide, _ := data.NewInMemory(make([]uint8, 12), 1, pixels.Item(3, 4, 1))
	if _, _, err := s.EncodeMeans(context.Background(), wide); err == nil || !strings.Contains(err.Error(), "3x4x1") {
		t.Errorf("images of another shape gave %v", err)
	}
}

func TestManifold(t *testing.T) {
	z, note, err := Manifold(3, -4, 4, Plane{Units: 2, Y: 1})
	if err != nil || note != "" || !same(z[:6], []float32{-4, 4, 0, 4, 4, 4}) || !same(z[16:], []float32{4, -4}) {
		t.Errorf("two units: %v %q %v", z, note, err)
	}
	z, note, err = Manifold(2, -1, 1, Plane{Units: 4, X: 3, Y: 1, By: ByKL})
	if err != nil || note != "units 3 and 1 of 4, by KL, the others 0" || !same(z[:8], []float32{0, 1, 0, -1, 0, 1, 0, 1}) {
		t.Errorf("four units: %v %q %v", z, note, err)
	}
	z, note, err = Manifold(2, -3, 3, Plane{Units: 1})
	if err != nil || note == "" || !same(z, []float32{-3, -1, 1, 3}) {
		t.Errorf("one unit: %v %q %v", z, note, err)
	}
	if _, _, err := Manifold(0, -3, 3, Plane{Units: 2, Y: 1}); err == nil {
		t.Error("no side gave no error")
	}
}

func TestProject(t *testing.T) {
	p, err := Project([]float32{1, 2, 3, 4, 5, 6}, Plane{Units: 3, X: 2}, nil, 0, -4, 4)
	if err != nil || len(p.Points) != 2 || p.Points[1] != [2]float32{6, 4} || p.Note != "units 2 and 0 of 3" || p.XLabel != "z[2]" || p.YLabel != "z[0]" {
		t.Errorf("three units: %v %v", p, err)
	}
	p, err = Project([]float32{1, 2, 3}, Plane{Units: 1}, []int32{0, 1, 1}, 2, -4, 4)
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range p.Points {
		lane := 0
		if q[1] > 0 {
			lane = 1
		}
		if q[0] != float32(i+1) || lane != min(i, 1) || math.Abs(float64(q[1])) > 4 {
			t.Errorf("one unit: point %d is %v", i, q)
		}
	}
	if _, err := Project([]float32{1, 2, 3}, Plane{Units: 2, Y: 1}, nil, 0, -4, 4); err == nil {
		t.Error("a code and a half gave no error")
	}
	if _, err := Project([]float32{1}, Plane{Units: 1}, []int32{0, 0}, 1, -4, 4); err == nil {
		t.Error("two labels for a code gave no error")
	}
}

func TestPriorAndAxisRange(t *testing.T) {
	a, b := SamplePrior(rng.New(1), 500, 2), SamplePrior(rng.New(1), 500, 2)
	var s, q float64
	for _, v := range a {
		s, q = s+float64(v), q+float64(v)*float64(v)
	}
	if !same(a, b) || math.Abs(s/1000) > 0.1 || math.Abs(q/1000-1) > 0.15 { // three standard errors
		t.Errorf("mean %v, square %v of 1000 draws", s/1000, q/1000)
	}
	values := make([]float32, 1001)
	for i := range values {
		values[i] = float32(i) / 1000
	}
	values[0], values[1000] = -1e9, 1e9
	if lo, hi := AxisRange(values); !(lo > -0.1 && lo < 0 && hi > 1 && hi < 1.1) {
		t.Errorf("range [%v, %v] of [0, 1] with two far out", lo, hi)
	}
	if lo, hi := AxisRange([]float32{2, 2}); lo != 1.5 || hi != 2.5 {
		t.Errorf("range [%v, %v] of twice 2", lo, hi)
	}
}

// TestAxisLimits checks that the axes show the prior as long as half of the codes lie in it.
func TestAxisLimits(t *testing.T) {
	for _, tt := range []struct {
		name   string
		mean   []float32
		units  int
		prior  bool
		fitted bool
	}{
		{"inside", slices.Repeat([]float32{0, 1, -4, 4}, 200), 2, true, false},
		{"half outside", slices.Repeat([]float32{0, 1, 3, -9}, 200), 2, true, false},
		{"most outside", slices.Repeat([]float32{0, 1, 3, -9, 9, 3}, 200), 2, true, true},
		{"a unit that is not drawn", slices.Repeat([]float32{0, 1, 9, 0, 1, 9}, 200), 3, true, false},
		{"one unit", slices.Repeat([]float32{0, 9, -9}, 200), 1, true, true},
		{"no prior", slices.Repeat([]float32{0, 1, 2, 3}, 200), 2, false, true},
		{"none", nil, 2, true, false},
	} {
		lo, hi, fitted := AxisLimits(tt.mean, NoRanking(tt.units).Plane(), tt.prior, 4)
		if fitted != tt.fitted {
			t.Errorf("%s: fitted = %v", tt.name, fitted)
		}
		if wantLo, wantHi := AxisRange(tt.mean); fitted && (lo != wantLo || hi != wantHi) || !fitted && (lo != -4 || hi != 4) {
			t.Errorf("%s: %v to %v, fitted %v", tt.name, lo, hi, fitted)
		}
	}
	for want, codes := range map[float64][]float32{2.2: {0, 1, -2, 0.5}, 0.5: {0.01, 0.02}, 4: {0, 1, -4, 4}} {
		if lo, hi, fitted := AxisLimits(codes, NoRanking(2).Plane(), true, 4); math.Abs(lo+want) > 1e-6 || math.Abs(hi-want) > 1e-6 || !fitted {
			t.Errorf("few codes %v: %v to %v, want ±%v", codes, lo, hi, want)
		}
	}
}

// TestFewItems checks that an item has the code, the picture and the sample that it has among
// many, up to rounding, whatever the number of items.
func TestFewItems(t *testing.T) {
	ctx := context.Background()
	for _, kind := range []func() (model.Kind, model.Recipe){vae.MLPVAE, vae.CNNVAE, vae.Ladder, vae.VaDE} {
		k, _ := kind()
		t.Run(k.Name, func(t *testing.T) {
			m, w := newModel(t, kind)
			s := load(t, m, w)
			images := noise(t, 300)
			codes := SamplePrior(rng.New(2), 300, s.Latent())
			run := func(n int) (all [][]float32) {
				some, err := images.Select(seq(n))
				if err != nil {
					t.Fatal(err)
				}
				means, _, err := s.EncodeMeans(ctx, some)
				if err != nil {
					t.Fatal(err)
				}
				back, err := s.Reconstruct(ctx, some)
				if err != nil {
					t.Fatal(err)
				}
				pictures, err := s.Decode(ctx, codes[:n*s.Latent()])
				if err != nil {
					t.Fatal(err)
				}
				drawn, err := s.Sample(ctx, rng.New(1), n, nil)
				if err != nil {
					t.Fatal(err)
				}
				return [][]float32{means, back, pictures, drawn}
			}
			many := run(300)
			for _, n := range []int{1, 2, 3, 5, 17, 256, 257} {
				for i, few := range run(n) {
					if len(few) != len(many[i])/300*n {
						t.Fatalf("%d items gave %d values", n, len(few))
					}
					for j, v := range few {
						// A sum of a hundred products in another order.
						if d := math.Abs(float64(v - many[i][j])); !(d <= 3e-6*max(1, math.Abs(float64(v)))) {
							t.Fatalf("of %d items value %d of result %d is %v, and %v of 300", n, j, i, v, many[i][j])
						}
					}
				}
			}
		})
	}
}

// seq returns 0 … n−1.
func seq(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// TestConcurrentDecoding checks that each of eight goroutines that share a session has the pictures
// of its own codes. Run with -race.
func TestConcurrentDecoding(t *testing.T) {
	ctx := context.Background()
	m, w := newModel(t, vae.CNNVAE)
	alone, s := load(t, m, w), load(t, m, w)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for k := range 20 {
				n := 1 + (g+k)%5
				z := SamplePrior(rng.New(uint64(100*g+k)), n, s.Latent())
				want, err := alone.Decode(ctx, z)
				if err != nil {
					t.Error(err)
				}
				if got, err := s.Decode(ctx, z); err != nil || !same(got, want) {
					t.Errorf("goroutine %d: call %d of %d codes has other pictures, %v", g, k, n, err)
				}
			}
		})
	}
	wg.Wait()
}

// TestNotFinite checks that codes, labels and weights that are not finite are refused by name.
func TestNotFinite(t *testing.T) {
	ctx := context.Background()
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	m, w := newModel(t, vae.MLPVAE)
	s := load(t, m, w)
	_, codes := s.Decode(ctx, []float32{1, 2, 3, 4, nan, 6})
	k, _ := vae.CVAE()
	conditional, err := k.Default().New(model.Input{Item: small, Labels: 3})
	if err != nil {
		t.Fatal(err)
	}
	be := cpu.New(1)
	t.Cleanup(func() { be.Close() })
	cw := map[string]*tensor.Tensor{}
	for _, p := range conditional.Params {
		cw[p.Name] = p.Draw(rng.New(5))
	}
	c, err := Load(conditional, model.Input{Item: small, Labels: 3}, be, cw)
	if err != nil {
		t.Fatal(err)
	}
	_, labels := c.DecodeAs(ctx, make([]float32, 2*c.Latent()), []float32{1, 0, 0, 0, 0, inf})
	name := m.Params[1].Name
	w[name].F32()[1] = inf
	_, weights := Load(m, model.Input{Item: small}, be, w)
	for want, err := range map[string]error{
		"codes to decode: unit 0 of code 2 is NaN": codes, "labels: label 2 of code 1 is -Inf": labels,
		"value 1 of parameter " + name + " is -Inf": weights,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestCancelled checks that a call stops between two batches when its context ends.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	m, w := newModel(t, vae.MLPVAE)
	s := load(t, m, w)
	batches := 0
	err := s.Each(ctx, s.Func(m.Eval), noise(t, 1000), rng.New(1), func(*exec.Call, int, int) error {
		batches++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || batches != 1 {
		t.Errorf("%d batches, %v", batches, err)
	}
	if _, err := s.Decode(ctx, make([]float32, 2)); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context a code gave %v", err)
	}
}

// TestConcurrentSession checks that goroutines that share a session have the results that each
// would have alone. Run with -race.
func TestConcurrentSession(t *testing.T) {
	ctx := context.Background()
	m, w := newModel(t, vae.MLPVAE)
	alone, s := load(t, m, w), load(t, m, w)
	all := noise(t, 300)
	mean, _, err := alone.EncodeMeans(ctx, all)
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := alone.Sample(ctx, rng.New(1), 300, nil)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if got, _, err := s.EncodeMeans(ctx, all); err != nil || !same(got, mean) {
				t.Errorf("codes differ from those of one goroutine, %v", err)
			}
			if got, err := s.Sample(ctx, rng.New(1), 300, nil); err != nil || !same(got, drawn) {
				t.Errorf("samples differ from those of one goroutine, %v", err)
			}
		})
	}
	wg.Wait()
}
