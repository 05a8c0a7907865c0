package anomaly

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/analysis/probe"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/gan"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
)

var small = pixels.Item(8, 8, 1)

// images returns n dark images of noise, and then images with one bright half.
func images(t testing.TB, n, bright int) *data.InMemory {
	t.Helper()
	size := small.Size()
	bits := make([]uint32, (n+bright)*size)
	rng.New(3).Bits(bits)
	pix := make([]uint8, len(bits))
	for i, b := range bits {
		pix[i] = uint8(b % 128)
		if i >= n*size && i%size < size/2 {
			pix[i] = 255
		}
	}
	m, err := data.NewInMemory(pix, n+bright, small)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func session(t testing.TB, k model.Kind) *latent.Session {
	t.Helper()
	in := model.Input{Item: small}
	m, err := k.Default().New(in)
	if err != nil {
		t.Fatal(err)
	}
	w := map[string]*tensor.Tensor{}
	for _, p := range m.Params {
		w[p.Name] = p.Draw(rng.New(5))
	}
	be := cpu.New(2)
	t.Cleanup(func() { be.Close() })
	s, err := latent.Load(m, in, be, w)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func kind(k model.Kind, _ model.Recipe) model.Kind { return k }

func score(t *testing.T, s *latent.Session, train, of data.Items, opt Options) map[string][]float64 {
	t.Helper()
	d, err := Fit(context.Background(), s, train, opt)
	if err != nil {
		t.Fatal(err)
	}
	all, err := d.Score(context.Background(), of)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string][]float64{}
	for _, x := range all {
		if len(x.Values) != of.Len() {
			t.Fatalf("%s: %d values for %d images", x.Name, len(x.Values), of.Len())
		}
		m[x.Name] = x.Values
	}
	return m
}

// TestDensityFindsOutliers checks that the codes of an untrained model already separate outliers.
func TestDensityFindsOutliers(t *testing.T) {
	const n, bright = 300, 40
	s, train, test := session(t, kind(vae.MLPVAE())), images(t, 400, 0), images(t, n, bright)
	got := score(t, s, train, test, Options{Draws: 3, Components: 3, Key: rng.New(1)})
	positive := make([]bool, n+bright)
	for i := range bright {
		positive[n+i] = true
	}
	for _, name := range []string{Density, Combined} {
		if a, err := probe.AUROC(got[name], positive); err != nil || !(a > 0.95) {
			t.Errorf("%s: AUROC %.3f, %v; want above 0.95", name, a, err)
		}
	}
	for i, r := range got[Reconstruction] {
		if !(got[ELBO][i] > r) {
			t.Fatalf("image %d: −ELBO %v is not above the reconstruction %v", i, got[ELBO][i], r)
		}
	}
}

// TestReconstructionIsMeanOverDraws checks that several draws give the mean of single draws at
// their own keys.
func TestReconstructionIsMeanOverDraws(t *testing.T) {
	s, train, test := session(t, kind(vae.MLPVAE())), images(t, 60, 0), images(t, 5, 1)
	key := rng.New(2)
	got := score(t, s, train, test, Options{Draws: 4, Components: 1, Key: key})
	want := make([]float64, test.Len())
	for k := range 4 {
		out, err := s.Run(context.Background(), s.Model().Score, test, key.Split("score").At(uint64(k)))
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range out[model.Reconstruction] {
			want[i] += float64(v) / 4
		}
	}
	for i, v := range got[Reconstruction] {
		if !(math.Abs(v-want[i]) <= 1e-9*want[i]) {
			t.Errorf("image %d: %v, want %v", i, v, want[i])
		}
	}
	again := score(t, s, train, test, Options{Draws: 4, Components: 1, Key: key})
	other := score(t, s, train, test, Options{Draws: 4, Components: 1, Key: rng.New(3)})
	if !slices.Equal(again[Combined], got[Combined]) || slices.Equal(other[ELBO], got[ELBO]) {
		t.Error("the scores do not depend on the key alone")
	}
}

// TestDensityOfOneGaussian checks that one Gaussian gives half the squared Mahalanobis distance up
// to a constant.
func TestDensityOfOneGaussian(t *testing.T) {
	s, train := session(t, kind(vae.MLPVAE())), images(t, 200, 0)
	got := score(t, s, train, train, Options{Draws: 1, Components: 1, Key: rng.New(1)})
	codes, _, err := s.EncodeMeans(context.Background(), train)
	if err != nil {
		t.Fatal(err)
	}
	var m [2]float64
	var c [3]float64 // xx, xy, yy
	for i := 0; i < len(codes); i += 2 {
		m[0] += float64(codes[i]) / 200
		m[1] += float64(codes[i+1]) / 200
	}
	for i := 0; i < len(codes); i += 2 {
		x, y := float64(codes[i])-m[0], float64(codes[i+1])-m[1]
		c[0], c[1], c[2] = c[0]+x*x/200, c[1]+x*y/200, c[2]+y*y/200
	}
	det := c[0]*c[2] - c[1]*c[1]
	for i, v := range got[Density] {
		x, y := float64(codes[2*i])-m[0], float64(codes[2*i+1])-m[1]
		want := (x*x*c[2]-2*x*y*c[1]+y*y*c[0])/det/2 + math.Log(2*math.Pi) + math.Log(det)/2
		if !(math.Abs(v-want) <= 1e-3*math.Max(1, math.Abs(want))) {
			t.Fatalf("image %d: %v, want %v", i, v, want)
		}
	}
}

// TestJointPoints checks that losses are joined by their logarithms, and densities as they are.
func TestJointPoints(t *testing.T) {
	f := features{units: 2, codes: []float32{1, 2, 3, 4}, reconstruction: []float64{math.E * math.E, 0.5}}
	for least, want := range map[float64][]float32{math.E: {1, 2, 2, 3, 4, 1}, -3: {1, 2, math.E * math.E, 3, 4, 0.5}} {
		if got := (&Detector{fitted: fitted{MinReconstruction: least}}).jointPoints(f); !slices.Equal(got, want) {
			t.Errorf("least %v: %v, want %v", least, got, want)
		}
	}
}

// TestAutoencoder checks that a deterministic autoencoder has no bound, and draws nothing.
func TestAutoencoder(t *testing.T) {
	s, train := session(t, kind(vae.MLPAE())), images(t, 60, 0)
	a := score(t, s, train, train, Options{Draws: 9, Components: 1, Key: rng.New(1)})
	b := score(t, s, train, train, Options{Draws: 1, Components: 1, Key: rng.New(2)})
	if a[ELBO] != nil || !slices.Equal(a[Reconstruction], b[Reconstruction]) || a[Combined] == nil {
		t.Errorf("scores %v and %v", a, b)
	}
}

func TestRefuses(t *testing.T) {
	ctx, train := context.Background(), images(t, 20, 0)
	s := session(t, kind(vae.MLPVAE()))
	for text, fit := range map[string]func() (*Detector, error){
		"0 draws":            func() (*Detector, error) { return Fit(ctx, s, train, Options{Components: 1}) },
		"no training images": func() (*Detector, error) { return Fit(ctx, s, images(t, 0, 0), Options{Draws: 1, Components: 1}) },
		"does not score images": func() (*Detector, error) {
			return Fit(ctx, session(t, kind(gan.DenseGAN())), train, Options{Draws: 1, Components: 1})
		},
	} {
		if _, err := fit(); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, want %s", err, text)
		}
	}
}
