package latent

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/vae"
	"github.com/imago-ml/imago/prob/mixture"
)

func TestDensityFile(t *testing.T) {
	d := &Density{Weights: "ab", Set: "digits", Digest: "cd", Images: 7, Mixture: &mixture.Mixture{
		Dim: 2, Weights: []float64{0.25, 0.75}, Means: []float64{0, 1, -1, 1.0 / 3}, Covs: []float64{1, 2, 0.1, 4},
	}}
	var b bytes.Buffer
	if err := d.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := ReadDensity(bytes.NewReader(b.Bytes()))
	if err != nil || got.Weights != "ab" || got.Set != "digits" || got.Images != 7 || got.Mixture.Means[3] != 1.0/3 || got.Mixture.Covs[2] != 0.1 {
		t.Errorf("read back %+v, %v", got, err)
	}
	for i := range b.Bytes() {
		bad := bytes.Clone(b.Bytes())
		bad[i] ^= 1
		if _, err := ReadDensity(bytes.NewReader(bad)); !errors.Is(err, ErrDensity) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	for n := range b.Len() - 1 {
		if _, err := ReadDensity(bytes.NewReader(b.Bytes()[:n])); !errors.Is(err, ErrDensity) {
			t.Fatalf("%d bytes of it: %v", n, err)
		}
	}
	for name, text := range map[string]string{
		"later":      `{"format": 2, "content": {}, "sha256": ""}`,
		"no mixture": `{"format": 1, "content": {}, "sha256": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}`,
	} {
		if _, err := ReadDensity(strings.NewReader(text)); !errors.Is(err, ErrDensity) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFitDensity fits two balls of codes, each with a q(z|x) of variance ¼: draws from the
// mixture have the distribution of the codes, widened by that variance.
func TestFitDensity(t *testing.T) {
	const n = 4000
	mean, logVar := make([]float32, 2*n), make([]float32, 2*n)
	rng.New(3).Normal(mean)
	for i := range mean {
		mean[i] *= 0.5
		if i%4 == 0 {
			mean[i] += 6
		}
		logVar[i] = float32(math.Log(0.25))
	}
	for _, tt := range []struct {
		logVar   []float32
		variance float64
	}{{nil, 0.25}, {logVar, 0.5}} {
		d, err := FitDensity(context.Background(), mean, tt.logVar, 2, DensityOptions{Components: 2, Key: rng.New(1)})
		if err != nil {
			t.Fatal(err)
		}
		if d.Images != n || !d.Mixture.Full {
			t.Errorf("of %d images, full %v", d.Images, d.Mixture.Full)
		}
		z, err := d.Mixture.Draw(rng.New(2), 4000)
		if err != nil {
			t.Fatal(err)
		}
		m, deviation := Moments(z, 2)
		if math.Abs(m[0]-3) > 0.15 || math.Abs(deviation[1]*deviation[1]-tt.variance) > 0.03 || math.Abs(deviation[0]*deviation[0]-9-tt.variance) > 0.3 {
			t.Errorf("draws of mean %v and deviations %v, want variance %v in unit 1", m, deviation, tt.variance)
		}
	}
	if _, err := FitDensity(context.Background(), mean, nil, 2, DensityOptions{Components: n + 1, Key: rng.New(1)}); err == nil {
		t.Error("more components than codes gave no error")
	}
}

// TestFitDensityTied fits two classes of codes, each in two balls, with one covariance: the mixture
// of all codes is that of the classes by their shares, and a class has more Gaussians than a full
// covariance of its own would have codes for.
func TestFitDensityTied(t *testing.T) {
	const n = 300
	mean, labels := make([]float32, 2*n), make([]int32, n)
	rng.New(3).Normal(mean)
	for i := range labels {
		mean[2*i] += float32(10 * (i % 2))
		if i%3 == 0 {
			labels[i] = 1
			mean[2*i+1] += 30
		}
	}
	opt := DensityOptions{Components: 4, Tied: true, Key: rng.New(1), Labels: labels, Classes: 2}
	d, err := FitDensity(t.Context(), mean, nil, 2, opt)
	if err != nil {
		t.Fatal(err)
	}
	if d.Images != n || len(d.ByClass) != 2 || d.ByClass[0].Components() != 2 || d.Mixture.Components() != 4 {
		t.Fatalf("of %d codes: %+v of classes %+v", d.Images, d.Mixture, d.ByClass)
	}
	if share := d.Mixture.Weights[0] + d.Mixture.Weights[1]; math.Abs(share-2.0/3) > 1e-9 {
		t.Errorf("the first class has a share of %v, want 2/3", share)
	}
	for k := range 4 {
		if cov := d.Mixture.Covs[4*k : 4*k+4]; !slices.Equal(cov, d.ByClass[0].Covs[:4]) || math.Abs(cov[0]-1) > 0.3 || math.Abs(cov[3]-1) > 0.3 {
			t.Errorf("Gaussian %d has the covariance %v, want that of all, near 1", k, cov)
		}
	}
	z, err := d.Draw(rng.New(2), 2, []float32{1, 0, 0, 1})
	if err != nil || z[1] > 15 || z[3] < 15 {
		t.Errorf("draws of the two classes %v, %v", z, err)
	}
	opt.Labels, opt.Classes = nil, 0
	if d, err = FitDensity(t.Context(), mean, nil, 2, opt); err != nil || d.ByClass != nil || d.Mixture.Components() != 4 {
		t.Errorf("without labels %+v, %v", d, err)
	}
	if _, err := FitDensity(t.Context(), mean, nil, 7, DensityOptions{Components: 4, Tied: true}); err == nil {
		t.Error("600 numbers are no codes of 7 units, and there was no error")
	}
}

// TestFitDensityByClass fits three classes of codes, one of which has none: draws under labels are
// of their class, and equal in their place in it.
func TestFitDensityByClass(t *testing.T) {
	const n = 600
	mean, labels := make([]float32, 2*n), make([]int32, n)
	rng.New(3).Normal(mean)
	for i := range labels {
		switch i % 3 {
		case 0:
			mean[2*i] += 20
		case 1:
			labels[i] = 2
		case 2:
			labels[i] = -1
			mean[2*i] -= 20
		}
	}
	d, err := FitDensity(t.Context(), mean, nil, 2, DensityOptions{Components: 3, Key: rng.New(1), Labels: labels, Classes: 3})
	if err != nil {
		t.Fatal(err)
	}
	if len(d.ByClass) != 3 || d.ByClass[0].Components() != 1 || d.ByClass[1] != nil {
		t.Fatalf("mixtures by class %v", d.ByClass)
	}
	var file bytes.Buffer
	if err := d.Write(&file); err != nil {
		t.Fatal(err)
	}
	if d, err = ReadDensity(&file); err != nil {
		t.Fatal(err)
	}
	first, last := []float32{1, 0, 0}, []float32{0, 0, 1}
	z, err := d.Draw(rng.New(2), 4, slices.Concat(first, last, first, last))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range []float32{z[0], z[2], z[4], z[6]} {
		if of := float32(20 * (1 - i%2)); !(v > of-6 && v < of+6) {
			t.Errorf("code %d has %v in its first unit, want about %v", i, v, of)
		}
	}
	alone, err := d.Draw(rng.New(2), 4, slices.Repeat(last, 4))
	if err != nil || !slices.Equal(alone[2:4], z[2:4]) {
		t.Errorf("code 1 among others of its class is %v, want %v; %v", alone[2:4], z[2:4], err)
	}
	if _, err := d.Draw(rng.New(2), 1, []float32{0, 1, 0}); err == nil {
		t.Error("a class without codes gave no error")
	}
	if _, err := d.Draw(rng.New(2), 2, first); err == nil {
		t.Error("labels of one code for two gave no error")
	}
	d.ByClass[1] = &mixture.Mixture{Dim: 1, Weights: []float64{1}, Means: []float64{0}, Covs: []float64{1}}
	file.Reset()
	if err := d.Write(&file); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadDensity(&file); !errors.Is(err, ErrDensity) {
		t.Errorf("a class of other units: %v, want ErrDensity", err)
	}
}

func TestPriorLogDensity(t *testing.T) {
	want := -0.5*(1+4+0+9)/2 - math.Log(2*math.Pi)
	if got := PriorLogDensity([]float32{1, 2, 0, 3}, 2); math.Abs(got-want) > 1e-12 {
		t.Errorf("%v nats a code, want %v", got, want)
	}
}

func TestFingerprint(t *testing.T) {
	m, w := newModel(t, vae.MLPVAE)
	one, err := load(t, m, w).Fingerprint()
	if err != nil || len(one) != 64 {
		t.Fatalf("%q, %v", one, err)
	}
	if again, err := load(t, m, w).Fingerprint(); err != nil || again != one {
		t.Errorf("the same weights give %s and %s, %v", one, again, err)
	}
	w[m.Params[1].Name].F32()[0] += 1e-6
	if other, err := load(t, m, w).Fingerprint(); err != nil || other == one {
		t.Errorf("other weights give the same, %v", err)
	}
}
