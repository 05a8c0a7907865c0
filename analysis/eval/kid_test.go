package eval

import (
	"context"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/rng"
)

// drawFrom returns n points of the Gaussian m + L·ε, (n,F).
func drawFrom(key rng.Key, n int, m []float64, l *mat.Dense) []float32 {
	f := len(m)
	e, x := make([]float32, n*f), make([]float32, n*f)
	key.Normal(e)
	for i := range n {
		for j := range f {
			v := m[j]
			for k := range f {
				v += l.At(j, k) * float64(e[i*f+k])
			}
			x[i*f+j] = float32(v)
		}
	}
	return x
}

// gaussianKernel returns E (x·y/F + 1)³ of independent x ~ N(m₁, C₁), y ~ N(m₂, C₂), from
// their moments:
//
//	1 + 3 Σ aᵢbᵢ/F + 3 Σ aᵢⱼbᵢⱼ/F² + Σ aᵢⱼₖbᵢⱼₖ/F³
//
// with aᵢ = mᵢ, aᵢⱼ = mᵢmⱼ + Cᵢⱼ, aᵢⱼₖ = mᵢmⱼmₖ + mᵢCⱼₖ + mⱼCᵢₖ + mₖCᵢⱼ.
func gaussianKernel(m1 []float64, c1 *mat.Dense, m2 []float64, c2 *mat.Dense) float64 {
	f := len(m1)
	second := func(m []float64, c *mat.Dense, i, j int) float64 { return m[i]*m[j] + c.At(i, j) }
	third := func(m []float64, c *mat.Dense, i, j, k int) float64 {
		return m[i]*m[j]*m[k] + m[i]*c.At(j, k) + m[j]*c.At(i, k) + m[k]*c.At(i, j)
	}
	n := float64(f)
	sum := 1.0
	for i := range f {
		sum += 3 * m1[i] * m2[i] / n
		for j := range f {
			sum += 3 * second(m1, c1, i, j) * second(m2, c2, i, j) / (n * n)
			for k := range f {
				sum += third(m1, c1, i, j, k) * third(m2, c2, i, j, k) / (n * n * n)
			}
		}
	}
	return sum
}

// TestKernelDistanceOfGaussians checks that the mean of many estimates is the distance of the
// Gaussians in closed form, also where it is 0: the estimate has no bias.
func TestKernelDistanceOfGaussians(t *testing.T) {
	be := cpu.New(1)
	defer be.Close()
	const n, size = 20_000, 50
	m1, m2 := []float64{0.5, -1, 0.2}, []float64{0.1, -0.4, 1}
	l1 := mat.NewDense(3, 3, []float64{1, 0, 0, 0.5, 0.8, 0, -0.3, 0.2, 0.6})
	l2 := mat.NewDense(3, 3, []float64{0.7, 0, 0, -0.4, 1.1, 0, 0.2, 0.1, 0.9})
	var c1, c2 mat.Dense
	c1.Mul(l1, l1.T())
	c2.Mul(l2, l2.T())
	a := drawFrom(rng.New(1), n, m1, l1)
	for _, tt := range []struct {
		name string
		b    []float32
		want float64
	}{
		{"two Gaussians", drawFrom(rng.New(2), n, m2, l2), gaussianKernel(m1, &c1, m1, &c1) + gaussianKernel(m2, &c2, m2, &c2) - 2*gaussianKernel(m1, &c1, m2, &c2)},
		{"one and the same", drawFrom(rng.New(3), n, m1, l1), 0},
	} {
		// 400 subsets of 50 use each of the 20,000 points once on average.
		got, err := mmd(context.Background(), be, a, tt.b, 3, 400, size, rng.New(5), func(int, int) {})
		if err != nil {
			t.Fatal(err)
		}
		if !(math.Abs(got.value()-tt.want) <= 4*got.stdErr()) || !(got.stdErr() <= 0.1) {
			t.Errorf("%s: %v ± %v, want %v", tt.name, got.value(), got.stdErr(), tt.want)
		}
	}
}

// TestKernelDistanceByLoop checks the device against a loop over all pairs of the same subsets.
func TestKernelDistanceByLoop(t *testing.T) {
	be := cpu.New(2)
	defer be.Close()
	const n, dims, size = 70, 5, 30
	a, b := make([]float32, n*dims), make([]float32, n*dims)
	rng.New(1).Normal(a)
	rng.New(2).Normal(b)
	for i := range b {
		b[i] += 0.3
	}
	key := rng.New(7)
	var want mean
	for i := range 4 {
		x, y := make([]float32, size*dims), make([]float32, size*dims)
		drawSubset(x, a, dims, key.Split("real").At(uint64(i)))
		drawSubset(y, b, dims, key.Split("made").At(uint64(i)))
		used := map[float32]bool{}
		for _, v := range x {
			if used[v] {
				t.Fatal("a point was drawn twice")
			}
			used[v] = true
		}
		k := func(x, y []float32) float64 {
			dot := 0.0
			for i := range x {
				dot += float64(x[i]) * float64(y[i])
			}
			return math.Pow(dot/dims+1, 3)
		}
		e := 0.0
		for i := range size {
			for j := range size {
				xi, xj := x[i*dims:(i+1)*dims], x[j*dims:(j+1)*dims]
				yi, yj := y[i*dims:(i+1)*dims], y[j*dims:(j+1)*dims]
				if i != j {
					e += (k(xi, xj) + k(yi, yj)) / (size * (size - 1))
				}
				e -= 2 * k(xi, yj) / (size * size)
			}
		}
		want.add(e)
	}
	left := 0
	got, err := mmd(context.Background(), be, a, b, dims, 4, size, key, func(done, total int) { left = total - done })
	if err != nil || !(math.Abs(got.value()-want.value()) <= 1e-5*math.Abs(want.value())) || !(math.Abs(got.stdErr()-want.stdErr()) <= 1e-5) || left != 0 {
		t.Errorf("%v ± %v, want %v ± %v; %v", got.value(), got.stdErr(), want.value(), want.stdErr(), err)
	}
}
