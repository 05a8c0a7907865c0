package latent

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/gan"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
)

// drawing returns a small generator whose parameters are those at the start of training, but larger: its pictures depend on all
// units.
func drawing(t *testing.T) *Session {
	t.Helper()
	k, _ := gan.DenseGAN()
	cfg := k.Default().(*gan.DenseConfig)
	cfg.Latent, cfg.Hidden = 6, 24
	m, err := cfg.New(model.Input{Image: small})
	if err != nil {
		t.Fatal(err)
	}
	w := map[string]*tensor.Tensor{}
	for _, p := range m.Params {
		w[p.Name] = p.Draw(rng.New(5))
		for i := range w[p.Name].F32() {
			w[p.Name].F32()[i] *= 1.5
		}
	}
	return load(t, m, w)
}

// exact is images that are not rounded to bytes.
type exact struct {
	*data.InMemory
	pix []float32
}

func (e exact) FloatsAt(i int, dst []float32) error {
	copy(dst, row(e.pix, small.Size(), i))
	return nil
}

func made(t *testing.T, pix []float32) data.Items {
	t.Helper()
	m, err := data.NewInMemory(make([]uint8, len(pix)), len(pix)/small.Size(), small.H, small.W, small.C)
	if err != nil {
		t.Fatal(err)
	}
	return exact{m, pix}
}

// An image that the model has made is found again, by its picture and by its code.
func TestInvertFindsItsOwn(t *testing.T) {
	ctx := context.Background()
	s := drawing(t)
	const n = 5
	want := SamplePrior(rng.New(8), n, s.Latent())
	pix, err := s.Decode(ctx, want)
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultInversion()
	o.Noise = 0
	before := s.Runner().Names()
	z, pictures, err := s.Invert(ctx, made(t, pix), o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if e := MeanSquared(row(pix, small.Size(), i), row(pictures, small.Size(), i)); !(e < 1e-7) {
			t.Errorf("image %d is met up to a mean squared error of %v", i, e)
		}
		if e := MeanSquared(row(want, s.Latent(), i), row(z, s.Latent(), i)); !(e < 1e-4) {
			t.Errorf("code %d is %v, want %v", i, row(z, s.Latent(), i), row(want, s.Latent(), i))
		}
	}
	if len(s.Runner().Names()) != len(before) {
		t.Errorf("states left behind: %v", s.Runner().Names()[len(before):])
	}

	// So it is if the descents do not fit in one batch.
	s.batch = 8
	again, pictures, err := s.Invert(ctx, made(t, pix), o)
	if err != nil {
		t.Fatal(err)
	}
	if e, ez := MeanSquared(pix, pictures), MeanSquared(want, again); !(e < 1e-7 && ez < 1e-3) {
		t.Errorf("in small batches mean squared errors of %v of the pictures and %v of the codes", e, ez)
	}
}

// Each option has its effect.
func TestInversionOptions(t *testing.T) {
	ctx := context.Background()
	s := drawing(t)
	images := noise(t, 3)
	x, err := data.AllFloats(ctx, images)
	if err != nil {
		t.Fatal(err)
	}
	// The mean squared error of the pictures, and the mean square of the units.
	fit := func(change func(o *Inversion)) (mse, square float64) {
		t.Helper()
		o := DefaultInversion()
		o.Steps = 60
		change(&o)
		z, pictures, err := s.Invert(ctx, images, o)
		if err != nil {
			t.Fatal(err)
		}
		return MeanSquared(x, pictures), MeanSquared(z, make([]float32, len(z)))
	}
	usual, square := fit(func(o *Inversion) {})
	if mse, _ := fit(func(o *Inversion) { o.Steps = 3 }); !(mse > usual) {
		t.Errorf("3 steps reach %v, 60 %v", mse, usual)
	}
	start := func(starts, draws int) float64 {
		mse, _ := fit(func(o *Inversion) { o.Starts, o.Draws, o.Steps, o.Rate, o.Noise = starts, draws, 1, 1e-9, 0 })
		return mse
	}
	if first, best := start(1, 1), start(1, 256); !(best < first) || start(256, 256) != best {
		t.Errorf("the first draw is at %v, the best of many at %v, or at %v if all are tried", first, best, start(256, 256))
	}
	if one, _ := fit(func(o *Inversion) { o.Starts, o.Steps = 1, 10 }); one <= usual {
		t.Errorf("one start reaches %v in 10 steps, the best of many %v in 60", one, usual)
	}
	if mse, _ := fit(func(o *Inversion) { o.Rate = 1e-4 }); !(mse > usual) {
		t.Errorf("a rate of 1e-4 reaches %v, the usual %v", mse, usual)
	}
	free, wide := fit(func(o *Inversion) { o.Noise = 0 })
	held, narrow := fit(func(o *Inversion) { o.Noise = 1 })
	if !(narrow < square && square < wide && free < held) {
		t.Errorf("noise of 0, the usual and 1: squares %v, %v, %v, errors %v, %v, %v", wide, square, narrow, free, usual, held)
	}
	if other, _ := fit(func(o *Inversion) { o.Key, o.Steps = rng.New(1), 3 }); other == usual {
		t.Error("the key has no effect")
	}
	calls := 0
	if fit(func(o *Inversion) { o.Progress = func(done, total int) { calls++ } }); calls != 60 {
		t.Errorf("told of %d steps of 60", calls)
	}
	for says, change := range map[string]func(o *Inversion){
		"0 steps":                   func(o *Inversion) { o.Steps = 0 },
		"from 4 of 3 codes":         func(o *Inversion) { o.Draws = 3 },
		"a rate of 0":               func(o *Inversion) { o.Rate = 0 },
		"noise of NaN":              func(o *Inversion) { o.Noise = math.NaN() },
		"no code of image 0 has a ": func(o *Inversion) { o.Noise = 1e20 },
	} {
		o := DefaultInversion()
		o.Steps = 2
		change(&o)
		if _, _, err := s.Invert(ctx, images, o); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	if z, _, err := s.Invert(ctx, noise(t, 0), DefaultInversion()); err != nil || len(z) != 0 {
		t.Errorf("no images gave %v, %v", z, err)
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := s.Invert(stopped, images, DefaultInversion()); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// A model with an encoder starts from what that says, a conditional one makes images of their classes.
func TestInvertOtherModels(t *testing.T) {
	ctx := context.Background()
	m, w := newModel(t, vae.MLPVAE)
	s := load(t, m, w)
	images := noise(t, 2)
	means, _, err := s.EncodeMeans(ctx, images)
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultInversion()
	o.Steps, o.Starts, o.Rate = 1, 1, 1e-9
	z, _, err := s.Invert(ctx, images, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range z {
		if math.Abs(float64(v-means[i])) > 1e-6 {
			t.Errorf("unit %d starts at %v, want the mean %v", i, v, means[i])
		}
	}

	k, _ := vae.MLPCVAE()
	in := model.Input{Image: small, Labels: 2}
	if m, err = k.Default().New(in); err != nil {
		t.Fatal(err)
	}
	w = map[string]*tensor.Tensor{}
	for _, p := range m.Params {
		w[p.Name] = p.Draw(rng.New(5))
	}
	be := cpu.New(1)
	t.Cleanup(func() { be.Close() })
	if s, err = Load(m, in, be, w); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Invert(ctx, images, o); err == nil || !strings.Contains(err.Error(), "labels") {
		t.Errorf("images without labels: %v", err)
	}
	set := data.Set{Classes: []string{"a", "b"}}
	want := SamplePrior(rng.New(2), 2, s.Latent())
	pix, err := s.DecodeAs(ctx, want, []float32{0, 1, 1, 0})
	if err != nil {
		t.Fatal(err)
	}
	o = DefaultInversion()
	o.Noise = 0
	_, pictures, err := s.Invert(ctx, set.Labelled(data.Split{Items: made(t, pix), Labels: []int32{1, 0}}), o)
	if err != nil {
		t.Fatal(err)
	}
	if e := MeanSquared(pix, pictures); !(e < 1e-6) {
		t.Errorf("a mean squared error of %v", e)
	}
}
