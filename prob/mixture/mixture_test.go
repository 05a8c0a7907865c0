package mixture

import (
	"context"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/rng"
)

// plantedMixture returns three components of two dimensions that overlap little.
func plantedMixture(full bool) *Mixture {
	m := &Mixture{Dim: 2, Full: full, Weights: []float64{0.5, 0.3, 0.2}, Means: []float64{0, 0, 6, 1, -3, 7}}
	if full {
		m.Covs = []float64{1, 0.8, 0.8, 1, 2, -0.5, -0.5, 0.5, 0.3, 0, 0, 0.4}
	} else {
		m.Covs = []float64{1, 0.5, 2, 0.5, 0.3, 0.4}
	}
	return m
}

func draw(t *testing.T, m *Mixture, n int) []float32 {
	t.Helper()
	x, err := m.Draw(rng.New(3), n)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func fit(t *testing.T, x []float32, d, k int, o Options) *Mixture {
	t.Helper()
	m, err := Fit(context.Background(), x, len(x)/d, d, k, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	return m
}

func logDensity(t *testing.T, m *Mixture, x []float32) []float64 {
	t.Helper()
	l, err := m.LogDensity(x)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v / float64(len(x))
	}
	return sum
}

// almostEqual reports whether a and b differ by at most tol; it is false for NaN.
func almostEqual(a, b, tol float64) bool { return math.Abs(a-b) <= tol }

func TestFitRecoversMixture(t *testing.T) {
	for _, full := range []bool{false, true} {
		want := plantedMixture(full)
		x := draw(t, want, 20_000)
		got := fit(t, x, 2, 3, Options{Full: full, Key: rng.New(1), Tolerance: 1e-7})
		size := len(want.Covs) / 3
		for k := range 3 {
			// The fitted component that is nearest to the planted one. With 20,000 points the standard errors of means
			// are below 0.02 and those of covariances below 0.04.
			match := slices.IndexFunc([]int{0, 1, 2}, func(j int) bool {
				return almostEqual(got.Means[2*j], want.Means[2*k], 0.1) && almostEqual(got.Means[2*j+1], want.Means[2*k+1], 0.1)
			})
			if match < 0 {
				t.Fatalf("full %v: no component with a mean near %v among %v", full, want.Means[2*k:2*k+2], got.Means)
			}
			if !almostEqual(got.Weights[match], want.Weights[k], 0.015) {
				t.Errorf("full %v: weight %v, want %v", full, got.Weights[match], want.Weights[k])
			}
			for i := range size {
				if g, w := got.Covs[match*size+i], want.Covs[k*size+i]; !almostEqual(g, w, 0.1) {
					t.Errorf("full %v: covariance %v, want %v", full, g, w)
				}
			}
		}
		// The likelihood of the fit is at least that of the planted mixture, and not much higher.
		if g, w := mean(logDensity(t, got, x)), mean(logDensity(t, want, x)); !(g >= w && g < w+0.005) {
			t.Errorf("full %v: mean log-density %v, of the planted one %v", full, g, w)
		}
	}
}

// The integral of the density is 1, as a sum over a grid that covers nearly all of it.
func TestDensityIntegratesToOne(t *testing.T) {
	for _, full := range []bool{false, true} {
		m := plantedMixture(full)
		const h = 0.05
		var x []float32
		for a := -10.0; a < 15; a += h {
			for b := -8.0; b < 12; b += h {
				x = append(x, float32(a), float32(b))
			}
		}
		sum := 0.0
		for _, l := range logDensity(t, m, x) {
			sum += math.Exp(l) * h * h
		}
		if !almostEqual(sum, 1, 1e-5) {
			t.Errorf("full %v: the density integrates to %v", full, sum)
		}
	}
}

func TestDensityAndResponsibilitiesByHand(t *testing.T) {
	m := &Mixture{Dim: 1, Weights: []float64{0.25, 0.75}, Means: []float64{0, 1}, Covs: []float64{1, 4}}
	full := &Mixture{Dim: 1, Full: true, Weights: m.Weights, Means: m.Means, Covs: m.Covs}
	normal := func(x, mu, v float64) float64 { return math.Exp(-(x-mu)*(x-mu)/2/v) / math.Sqrt(2*math.Pi*v) }
	x := []float32{-2, 0.5, 3, 40}
	for _, m := range []*Mixture{m, full} {
		l := logDensity(t, m, x)
		r, err := m.Responsibilities(x)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range x {
			a, b := 0.25*normal(float64(v), 0, 1), 0.75*normal(float64(v), 1, 4)
			if !almostEqual(l[i], math.Log(a+b), 1e-12) || !almostEqual(r[2*i], a/(a+b), 1e-12) || !almostEqual(r[2*i+1], b/(a+b), 1e-12) {
				t.Errorf("at %v: %v and %v, want %v and %v, %v", v, l[i], r[2*i:2*i+2], math.Log(a+b), a/(a+b), b/(a+b))
			}
		}
	}
}

// The draws have the mean and the covariance of the mixture: E x = Σ π μ, Cov x = Σ π (Σ + μμᵀ) − (E x)(E x)ᵀ.
func TestDrawMoments(t *testing.T) {
	for _, full := range []bool{false, true} {
		m := plantedMixture(full)
		const n = 100_000
		x := draw(t, m, n)
		var mu, want [2]float64
		var cov, wantCov [2][2]float64
		for k, w := range m.Weights {
			for i := range 2 {
				want[i] += w * m.Means[2*k+i]
			}
		}
		for k, w := range m.Weights {
			for i := range 2 {
				for j := range 2 {
					c := 0.0
					if full {
						c = m.Covs[4*k+2*i+j]
					} else if i == j {
						c = m.Covs[2*k+i]
					}
					wantCov[i][j] += w * (c + (m.Means[2*k+i]-want[i])*(m.Means[2*k+j]-want[j]))
				}
			}
		}
		for i := range n {
			for j := range 2 {
				mu[j] += float64(x[2*i+j]) / n
				for l := range 2 {
					cov[j][l] += (float64(x[2*i+j]) - want[j]) * (float64(x[2*i+l]) - want[l]) / n
				}
			}
		}
		for i := range 2 {
			if !almostEqual(mu[i], want[i], 0.05) {
				t.Errorf("full %v: mean %v, want %v", full, mu, want)
			}
			for j := range 2 {
				if !almostEqual(cov[i][j], wantCov[i][j], 0.2) {
					t.Errorf("full %v: covariance %v, want %v", full, cov, wantCov)
				}
			}
		}
		if short := draw(t, m, 7); !slices.Equal(short, x[:14]) {
			t.Error("the first 7 of 7 points differ from the first 7 of 100,000")
		}
	}
}

// A fit has the same bits on any number of processors, and other bits with another key.
func TestFitIsDeterministic(t *testing.T) {
	x := draw(t, plantedMixture(true), 9_000)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, full := range []bool{false, true} {
		var first *Mixture
		for _, procs := range []int{1, 2, 5} {
			runtime.GOMAXPROCS(procs)
			m := fit(t, x, 2, 4, Options{Full: full, Key: rng.New(1), Restarts: 2, InitialComponents: 6})
			if first == nil {
				first = m
			}
			if !slices.Equal(m.Covs, first.Covs) || !slices.Equal(m.Means, first.Means) || !slices.Equal(m.Weights, first.Weights) {
				t.Errorf("full %v: the fit on %d processors differs from that on 1", full, procs)
			}
		}
		if m := fit(t, x, 2, 4, Options{Full: full, Key: rng.New(2)}); slices.Equal(m.Means, first.Means) {
			t.Errorf("full %v: another key gives the same fit", full)
		}
	}
}

// An EM iteration never lowers the likelihood, and restarts never lower the result.
func TestLikelihoodNeverDecreases(t *testing.T) {
	x := draw(t, plantedMixture(true), 3_000)
	o := Options{Full: true, Key: rng.New(5), Tolerance: 1e-12}
	last := math.Inf(-1)
	for i := 1; i <= 12; i++ {
		o.Iterations = i
		l := mean(logDensity(t, fit(t, x, 2, 5, o), x))
		if !(l >= last-1e-5) { // the floor costs a little
			t.Errorf("mean ln p after %d iterations is %v, before %v", i, l, last)
		}
		last = l
	}
	o.Iterations, o.Restarts = 12, 8
	if l := mean(logDensity(t, fit(t, x, 2, 5, o), x)); !(l >= last-1e-9) {
		t.Errorf("mean ln p of the best of 8 starts is %v, of the first %v", l, last)
	}
	o.Floor = 0.5
	if l := mean(logDensity(t, fit(t, x, 2, 5, o), x)); !(l < last-0.1) {
		t.Errorf("mean ln p with a floor of half the variance is %v, without %v", l, last)
	}
}

// One component is the Gaussian with the mean and the covariance of the points.
func TestOneComponentIsTheGaussian(t *testing.T) {
	x := []float32{1000, 1, 1002, 3, 1004, 2, 1002, 2}
	m := fit(t, x, 2, 1, Options{Full: true, Floor: 1e-12})
	for i, want := range []float64{2, 0.5, 0.5, 0.5} {
		if !almostEqual(m.Covs[i], want, 1e-9) {
			t.Errorf("covariance %v, want 2, 0.5, 0.5, 0.5", m.Covs)
			break
		}
	}
	if !almostEqual(m.Means[0], 1002, 1e-9) || !almostEqual(m.Means[1], 2, 1e-9) || m.Weights[0] != 1 {
		t.Errorf("mean %v of weight %v", m.Means, m.Weights)
	}
}

// A fit is a density even with constant dimensions, with repeated points, and with as many components as points.
func TestDegeneratePoints(t *testing.T) {
	for name, c := range map[string]struct {
		x    []float32
		d, k int
	}{
		"a constant dimension":      {[]float32{1, 7, 2, 7, 3, 7, 9, 7}, 2, 2},
		"repeated points":           {[]float32{1, 1, 1, 1, 1, 5, 5, 5}, 1, 4},
		"a component for each":      {[]float32{1, 2, 8, 9}, 1, 4},
		"more dimensions than rows": {[]float32{1, 2, 3, 4, 5, 7, 8, 3, 1, 0}, 5, 1},
	} {
		for _, full := range []bool{false, true} {
			m := fit(t, c.x, c.d, c.k, Options{Full: full, InitialComponents: min(c.k+1, len(c.x)/c.d), Key: rng.New(1)})
			for i, l := range logDensity(t, m, c.x) {
				if math.IsNaN(l) || math.IsInf(l, 0) {
					t.Errorf("%s, full %v: ln p of point %d is %v", name, full, i, l)
				}
			}
		}
	}
}

func TestErrors(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	twoPoints := []float32{1, 2, 3, 4}
	nan := float32(math.NaN())
	for _, c := range []struct {
		x       []float32
		n, d, k int
		o       Options
		want    string
	}{
		{twoPoints, 2, 2, 3, Options{}, "mixture: 3 components for 2 points: want 1 to 2"},
		{twoPoints, 2, 2, 0, Options{}, "mixture: 0 components for 2 points: want 1 to 2"},
		{twoPoints, 1, 3, 1, Options{}, "mixture: 4 numbers are not a number of points of dimension 3"},
		{twoPoints, 3, 2, 1, Options{}, "mixture: 4 numbers are not 3 points of dimension 2"},
		{twoPoints, 2, 0, 1, Options{}, "mixture: 4 numbers are not a number of points of dimension 0"},
		{[]float32{1, 2, 3, nan}, 2, 2, 1, Options{}, "mixture: point 1 is NaN in dimension 1"},
		{[]float32{4, 4, 4}, 3, 1, 1, Options{}, "mixture: all 3 points are the same: there is no density to fit"},
		{twoPoints, 2, 2, 1, Options{Restarts: -1}, "mixture: -1 restarts of 200 iterations, tolerance 0.0001, floor 1e-06: want each above 0"},
		{twoPoints, 2, 2, 1, Options{InitialComponents: 3}, "mixture: 3 initial components for 1 components of 2 points: want 1 to 2"},
	} {
		if _, err := Fit(ctx, c.x, c.n, c.d, c.k, c.o); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	cancel()
	if _, err := Fit(ctx, twoPoints, 2, 2, 1, Options{}); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
	m := plantedMixture(true)
	if _, err := m.LogDensity([]float32{1, 2, 3}); err == nil || !strings.Contains(err.Error(), "3 numbers are not a number of points of dimension 2") {
		t.Errorf("three numbers of dimension 2: %v", err)
	}
	if _, err := m.Draw(rng.New(1), -1); err == nil {
		t.Error("no error for -1 points")
	}
	for want, corrupt := range map[string]func(m *Mixture){
		"weight 1 is -0.3":           func(m *Mixture) { m.Weights[1] *= -1 },
		"add up to 1.5":              func(m *Mixture) { m.Weights[0] = 1 },
		"component 2 has a NaN":      func(m *Mixture) { m.Means[5] = math.NaN() },
		"component 0: not positive":  func(m *Mixture) { m.Covs[0] = -1 },
		"component 1: an element is": func(m *Mixture) { m.Covs[5] = math.Inf(1) },
		"the sizes do not agree":     func(m *Mixture) { m.Full = false },
	} {
		m := plantedMixture(true)
		corrupt(m)
		if err := m.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s, got %v", want, err)
		}
		if _, err := m.Responsibilities([]float32{1, 2}); err == nil {
			t.Errorf("%s: no error from Responsibilities", want)
		}
	}
	if err := (&Mixture{}).Validate(); err == nil {
		t.Error("an empty mixture is valid")
	}
}

// The decorrelated dimensions are independent: (I+t)ᵀ Σ (I+t) is diagonal, with the variances v.
func TestDecorrelation(t *testing.T) {
	m := &Mixture{Dim: 3, Full: true, Weights: []float64{1}, Means: []float64{0, 0, 0}, Covs: []float64{1, 0.7, 0, 0.7, 1, 0.2, 0, 0.2, 0.5}}
	triangle, v, err := m.Decorrelation(0)
	if err != nil {
		t.Fatal(err)
	}
	at := func(i, j int) float64 { // I + t
		if i == j {
			return 1
		}
		return triangle[i*3+j]
	}
	for a := range 3 {
		for b := range 3 {
			sum, want := 0.0, 0.0
			for i := range 3 {
				for j := range 3 {
					sum += at(i, a) * m.Covs[i*3+j] * at(j, b)
				}
			}
			if a == b {
				want = v[a]
			}
			if a > b && at(a, b) != 0 || math.Abs(sum-want) > 1e-12 {
				t.Errorf("covariance of y_%d and y_%d is %v, want %v", a, b, sum, want)
			}
		}
	}
	if _, _, err := m.Decorrelation(1); err == nil {
		t.Error("no error for a component that does not exist")
	}
}
