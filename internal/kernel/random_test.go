package kernel

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/imago-ml/imago/engine/rng"
)

const normalULP = 5 // what Normal promises; rng rounds its own float64 besides

// boxMuller64 returns boxMuller in float64, with the angle reduced to a quadrant before rounding.
func boxMuller64(a, b uint32) (x, y float64) {
	r := math.Sqrt(-2 * math.Log((float64(a)+0.5)*0x1p-32))
	s, c := math.Sincos(2 * math.Pi * 0x1p-34 * float64(int32(b<<2)))
	for range (b + 1<<29) >> 30 {
		s, c = c, -s
	}
	return r * c, r * s
}

// keyOfWords returns a key and a block whose words are w: the inverse of Philox.
func keyOfWords(w [4]uint32, k uint64) (key [2]uint64, block uint64) {
	inverse := func(m uint32) uint32 { // modulo 2³², by Newton
		x := m
		for range 5 {
			x *= 2 - m*x
		}
		return x
	}
	for r := uint32(10); r > 0; r-- {
		k0, k1 := uint32(k)+(r-1)*0x9E3779B9, uint32(k>>32)+(r-1)*0xBB67AE85
		c0, c2 := w[3]*inverse(0xD2511F53), w[1]*inverse(0xCD9E8D57)
		hi0, hi1 := uint32(0xD2511F53*uint64(c0)>>32), uint32(0xCD9E8D57*uint64(c2)>>32)
		w = [4]uint32{c0, w[0] ^ hi1 ^ k0, c2, w[2] ^ hi0 ^ k1}
	}
	return [2]uint64{k, uint64(w[2]) | uint64(w[3])<<32}, uint64(w[0]) | uint64(w[1])<<32
}

// The numbers agree with those of package rng: uniform numbers to the bit, normal numbers within the error that Normal allows.
func TestRandomAgreesWithRNG(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		const n = 1<<20 + 3
		key := rng.New(7).Split("kernel").At(3)
		got, want := newGuarded(n), make([]float32, n)
		Uniform(got.x, key, 0)
		key.Uniform(want)
		if !slices.Equal(got.x, want) {
			t.Error("Uniform is not rng.Key.Uniform")
		}
		Normal(got.x, key, 0)
		key.Normal(want)
		worst := 0.0
		for i, x := range got.x {
			b := philoxBlock(key, uint64(i/4))
			e := [2]float64{}
			e[0], e[1] = boxMuller64(b[i%4&^1], b[i%4|1])
			u := ulps(x, e[i%2])
			worst = max(worst, u)
			if d := math.Abs(float64(x) - float64(want[i])); !(u <= normalULP) || !(d <= (normalULP+1)*ulp(want[i])+1e-14) {
				t.Fatalf("number %d is %v: %.3g ulp from %v; rng has %v", i, x, u, e[i%2], want[i])
			}
		}
		t.Logf("Normal: %.3f ulp", worst)
		if !got.intact() {
			t.Error("wrote outside dst")
		}
	})
}

func ulp(x float32) float64 {
	x = float32(math.Abs(float64(x)))
	return float64(math.Nextafter32(x, inf32)) - float64(x)
}

// Normal is right at words where the branch of the logarithm or the quadrant of the angle changes, and near them.
func TestNormalSpecialWords(t *testing.T) {
	var words []uint32
	for q := range uint32(16) {
		for d := range uint32(5) {
			words = append(words, q<<28+d-2)
		}
	}
	for s := range 32 {
		words = append(words, 1<<s, 3<<s>>1, ^uint32(1<<s))
	}
	eachImpl(t, func(t *testing.T) {
		largest := 0.0
		for i, a := range words {
			for j, b := range words {
				w := [4]uint32{a, b, words[(i+1)%len(words)], words[(j+3)%len(words)]}
				key, block := keyOfWords(w, uint64(i)<<40+uint64(j))
				if got := philoxBlock(key, block); got != w {
					t.Fatalf("the words of %x, %x are %x, want %x", key, block, got, w)
				}
				var x [4]float32
				Normal(x[:], key, block)
				var want [4]float64
				want[0], want[1] = boxMuller64(w[0], w[1])
				want[2], want[3] = boxMuller64(w[2], w[3])
				for k, got := range x {
					if u := ulps(got, want[k]); !(u <= normalULP) {
						t.Fatalf("number %d of words %#x is %v, want %v (%.3g ulp)", k, w, got, want[k], u)
					}
					largest = max(largest, math.Abs(float64(got)))
				}
			}
		}
		if !(largest > 6.7 && largest < 6.8) {
			t.Errorf("the largest number is %v, want 6.76", largest)
		}
	})
}

// A part of a draw has the numbers that it has in the whole draw, at any counter. Nothing outside dst is written.
func TestRandomRanges(t *testing.T) {
	draws := []struct {
		name string
		f    func(dst []float32, key [2]uint64, block uint64)
	}{{"Uniform", Uniform}, {"Normal", Normal}}
	key := [2]uint64{0x0123456789abcdef, 0xfedcba9876543210}
	eachImpl(t, func(t *testing.T) {
		for _, d := range draws {
			for _, first := range []uint64{0, 5, 1<<32 - 20, 1<<64 - 20} {
				whole := make([]float32, 400)
				d.f(whole, key, first)
				for i := range 100 { // against blocks one by one
					var x [4]float32
					d.f(x[:], key, first+uint64(i))
					if !slices.Equal(x[:], whole[4*i:4*i+4]) {
						t.Fatalf("%s from block %d: block %d is %v, alone %v", d.name, first, i, whole[4*i:4*i+4], x)
					}
				}
				for n := range 140 {
					for at := range 17 {
						g := newGuarded(n)
						d.f(g.x, key, first+uint64(at))
						if !slices.Equal(g.x, whole[4*at:4*at+n]) {
							t.Fatalf("%s: %d numbers from block %d + %d are not those of the whole", d.name, n, first, at)
						}
						if !g.intact() {
							t.Fatalf("%s: %d numbers: wrote outside dst", d.name, n)
						}
					}
				}
			}
		}
	})
}

// The counter carries as in the generic implementation.
func TestUniformCounter(t *testing.T) {
	for _, first := range []uint64{1<<32 - 7, 1<<40 + 1<<32 - 2, 1<<64 - 3} {
		var got, want [64]float32
		key := rng.New(1).At(first)
		Uniform(got[:], key, first)
		uniformGeneric(want[:], key, first)
		if got != want {
			t.Errorf("from block %#x the assembly and the Go twin differ", first)
		}
	}
}

// The first four moments, the tails and the correlation of neighbours are right within five standard errors.
func TestNormalMoments(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		const n = 1 << 20
		x := make([]float32, n)
		Normal(x, rng.New(11), 0)
		var m [7]float64
		for i, v := range x {
			z := float64(v)
			m[1] += z
			m[2] += z * z
			m[3] += z * z * z
			m[4] += z * z * z * z
			m[5] += z * float64(x[(i+1)%n])
			if math.Abs(z) > 3 {
				m[6]++
			}
		}
		p := math.Erfc(3 / math.Sqrt2)
		for i, want := range []struct{ mean, variance float64 }{1: {0, 1}, 2: {1, 2}, 3: {0, 15}, 4: {3, 96}, 5: {0, 1}, 6: {p, p}} {
			if d, tol := math.Abs(m[i]/n-want.mean), 5*math.Sqrt(want.variance/n); i > 0 && !(d <= tol) {
				t.Errorf("moment %d is %v, want %v ± %.2g", i, m[i]/n, want.mean, tol)
			}
		}
	})
}

func BenchmarkRandom(b *testing.B) {
	const n = 12800
	x := make([]float32, n)
	key := rng.New(1)
	for _, c := range []struct {
		name string
		f    func()
	}{
		{"Uniform", func() { Uniform(x, key, 0) }},
		{"Normal", func() { Normal(x, key, 0) }},
		{"rng.Normal", func() { key.Normal(x) }},
	} {
		b.Run(fmt.Sprintf("%s/n=%d", c.name, n), func(b *testing.B) {
			for b.Loop() {
				c.f()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/number")
		})
	}
}
