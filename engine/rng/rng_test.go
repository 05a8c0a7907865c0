package rng

import (
	"math"
	"testing"
)

// philox agrees with the three known answers for philox4x32-10 in kat_vectors of Random123.
func TestPhiloxKnownAnswers(t *testing.T) {
	for _, c := range []struct {
		ctr    [4]uint32
		k0, k1 uint32
		want   [4]uint32
	}{
		{[4]uint32{}, 0, 0, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 0xffffffff, 0xffffffff,
			[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0,
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		if got := philox(c.ctr, c.k0, c.k1); got != c.want {
			t.Errorf("philox(%x, %x, %x) = %x, want %x", c.ctr, c.k0, c.k1, got, c.want)
		}
	}
}

func TestMoments(t *testing.T) {
	const n = 1 << 18
	x := make([]float32, n)
	for name, c := range map[string]struct {
		fill                 func(Key, []float32)
		mean, variance, kurt float64
	}{
		"uniform": {Key.Uniform, 0.5, 1.0 / 12, 1.8},
		"normal":  {Key.Normal, 0, 1, 3},
	} {
		c.fill(New(7).Split(name), x)
		var m, m2, m4 float64
		for _, v := range x {
			m += float64(v) / n
		}
		for _, v := range x {
			d := float64(v) - m
			m2 += d * d / n
			m4 += d * d * d * d / n
		}
		// Five standard errors of each moment at n = 2¹⁸.
		if !(math.Abs(m-c.mean) < 0.01) || !(math.Abs(m2-c.variance) < 0.014) || !(math.Abs(m4/m2/m2-c.kurt) < 0.05) {
			t.Errorf("%s: mean %.4f, variance %.4f, kurtosis %.3f; want %.4f, %.4f, %.3f", name, m, m2, m4/m2/m2, c.mean, c.variance, c.kurt)
		}
	}
}

func TestPrefixDoesNotDependOnLength(t *testing.T) {
	long, short := make([]float32, 101), make([]float32, 7)
	New(1).Normal(long)
	New(1).Normal(short)
	for i, v := range short {
		if v != long[i] {
			t.Errorf("element %d: %v in a short draw, %v in a long one", i, v, long[i])
		}
	}
}

func TestKeysDiffer(t *testing.T) {
	k := New(3)
	names := map[Key]string{k: "root"}
	add := func(name string, k Key) {
		if other, dup := names[k]; dup {
			t.Errorf("%s and %s are the same key", name, other)
		}
		names[k] = name
	}
	add("seed 4", New(4))
	for _, n := range []string{"a", "b", "ab", "ba", ""} {
		add("split "+n, k.Split(n))
		add("split at "+n, k.Split(n).At(0))
	}
	for i := range uint64(1000) {
		add("at", k.At(i))
	}
	if FromWords(k.Words()) != k {
		t.Error("FromWords does not return the key of Words")
	}
}

func TestPerm(t *testing.T) {
	p := New(5).Perm(1000)
	found := make([]bool, len(p))
	fixed := 0
	for i, v := range p {
		if found[v] {
			t.Fatalf("%d occurs twice", v)
		}
		found[v] = true
		if int(v) == i {
			fixed++
		}
	}
	if fixed > 10 { // expected 1; P(>10) is about 1e-8
		t.Errorf("%d fixed points in a permutation of 1000", fixed)
	}
}
