package eval

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/imago-ml/imago/engine/rng"
)

// diagonal returns a Gaussian of independent units.
func diagonal(mean, variance []float64) gaussianStatistics {
	c := mat.NewSymDense(len(mean), nil)
	for i, v := range variance {
		c.SetSym(i, i, v)
	}
	return gaussianStatistics{mean, c}
}

// turned returns c in other coordinates, x → Qx, where Q is a product of rotations.
func turned(c gaussianStatistics, angles ...float64) gaussianStatistics {
	n := len(c.mean)
	q := mat.NewDense(n, n, nil)
	for i := range n {
		q.Set(i, i, 1)
	}
	for k, a := range angles {
		g := mat.NewDense(n, n, nil)
		for i := range n {
			g.Set(i, i, 1)
		}
		i, j := k%n, (k+1)%n
		g.Set(i, i, math.Cos(a))
		g.Set(j, j, math.Cos(a))
		g.Set(i, j, -math.Sin(a))
		g.Set(j, i, math.Sin(a))
		var next mat.Dense
		next.Mul(g, q)
		q.Copy(&next)
	}
	var m mat.VecDense
	m.MulVec(q, mat.NewVecDense(n, c.mean))
	var half, whole mat.Dense
	half.Mul(q, c.cov)
	whole.Mul(&half, q.T())
	return gaussianStatistics{m.RawVector().Data, symmetric(&whole)}
}

// TestFrechetClosedForm checks Gaussians whose covariances commute: the distance is
// Σ (m₁−m₂)² + (σ₁−σ₂)², in any coordinates.
func TestFrechetClosedForm(t *testing.T) {
	a := diagonal([]float64{1, -2, 0.5}, []float64{4, 0.25, 1})
	b := diagonal([]float64{0, 1, 0.5}, []float64{1, 9, 0})
	want := 1.0 + 9 + 0 + (2-1)*(2-1) + (0.5-3)*(0.5-3) + (1-0)*(1-0)
	for _, angles := range [][]float64{nil, {0.3, 1.1, -0.7, 2}} {
		for _, pair := range [][2]gaussianStatistics{{a, b}, {b, a}} {
			got, err := frechet(turned(pair[0], angles...), turned(pair[1], angles...))
			if err != nil || !(math.Abs(got-want) <= 1e-6) { // the root of an eigenvalue that is 0 but for rounding
				t.Errorf("turned by %v: %v, want %v; %v", angles, got, want, err)
			}
		}
	}
	if d, err := frechet(turned(a, 0.4, 2), turned(a, 0.4, 2)); err != nil || !(d <= 1e-6) {
		t.Errorf("a Gaussian is %v from itself, %v", d, err)
	}
}

// TestFrechetTwoDimensions checks covariances that do not commute: in two dimensions
// tr (C₁C₂)^½ = √(tr C₁C₂ + 2 √(det C₁ det C₂)).
func TestFrechetTwoDimensions(t *testing.T) {
	a := gaussianStatistics{[]float64{0, 0}, mat.NewSymDense(2, []float64{2, 0.6, 0.6, 1})}
	b := gaussianStatistics{[]float64{3, 0}, mat.NewSymDense(2, []float64{1, -0.8, -0.8, 3})}
	var p mat.Dense
	p.Mul(a.cov, b.cov)
	want := 9 + 3 + 4 - 2*math.Sqrt(mat.Trace(&p)+2*math.Sqrt(mat.Det(a.cov)*mat.Det(b.cov)))
	if got, err := frechet(a, b); err != nil || !(math.Abs(got-want) <= 1e-10) {
		t.Errorf("%v, want %v; %v", got, want, err)
	}
}

func TestNewGaussianStatistics(t *testing.T) {
	c, err := newGaussianStatistics([]float32{1, 2, 3, 6, 5, 1}, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := gaussianStatistics{[]float64{3, 3}, mat.NewSymDense(2, []float64{4, -1, -1, 7})}
	for i := range 2 {
		if !(math.Abs(c.mean[i]-want.mean[i]) <= 1e-12) {
			t.Errorf("mean %v, want %v", c.mean, want.mean)
		}
		for j := range 2 {
			if !(math.Abs(c.cov.At(i, j)-want.cov.At(i, j)) <= 1e-12) {
				t.Errorf("covariance %v, want %v", mat.Formatted(c.cov), mat.Formatted(want.cov))
			}
		}
	}
	for _, points := range [][]float32{{1, 2}, {1, 2, 3}, nil} {
		if _, err := newGaussianStatistics(points, 2); err == nil {
			t.Errorf("%v passed for points of two features", points)
		}
	}
}

// TestFrechetOfSamples checks that the distance of samples is close to that of the Gaussians
// from which they are drawn.
func TestFrechetOfSamples(t *testing.T) {
	const n, dim = 20_000, 4
	points := func(key rng.Key, mean, sd float32) []float32 {
		x := make([]float32, n*dim)
		key.Normal(x)
		for i := range x {
			x[i] = mean + sd*x[i]
		}
		return x
	}
	want := dim * (0.5*0.5 + 1.0*1.0)
	got, err := Frechet(points(rng.New(1), 0, 1), points(rng.New(2), 0.5, 2), dim)
	if err != nil || !(math.Abs(got-want) <= 0.1) {
		t.Errorf("%v, want %v; %v", got, want, err)
	}
	if _, err := Frechet(points(rng.New(1), 0, 1), []float32{1, 2}, dim); err == nil {
		t.Error("half a point passed")
	}
}
