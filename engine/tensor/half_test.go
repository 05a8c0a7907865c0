package tensor

import (
	"math"
	"testing"
)

// halfValue returns the number of 16 bits, by the definition.
func halfValue(h uint16) float64 {
	e, m := int(h>>10&31), float64(h&1023)
	v := math.Ldexp(1024+m, e-25)
	switch e {
	case 0:
		v = math.Ldexp(m, -24)
	case 31:
		v = math.Inf(1)
	}
	if h&0x8000 != 0 {
		v = -v
	}
	return v
}

// Every finite number of 16 bits keeps its bits, and what lies between two goes to the nearest, the middle to the even one.
func TestHalf(t *testing.T) {
	for h := uint16(0); h < 0x7c00; h++ {
		for _, sign := range []uint16{0, 0x8000} {
			v := halfValue(h | sign)
			if got := Half(float32(v)); got != h|sign {
				t.Fatalf("%v is %#04x, want %#04x", v, got, h|sign)
			}
		}
		next := halfValue(h + 1)
		if math.IsInf(next, 0) {
			next = 65536
		}
		middle := (halfValue(h) + next) / 2
		even := h + h&1
		for v, want := range map[float64]uint16{
			middle: even, math.Nextafter(middle, 0): h, math.Nextafter(middle, 1e9): h + 1,
		} {
			f := float32(v)
			if float64(f) != v { // one step of float64 is none of float32
				if v < middle {
					f = math.Nextafter32(float32(middle), 0)
				} else {
					f = math.Nextafter32(float32(middle), 1e9)
				}
			}
			if got := Half(f); got != want {
				t.Fatalf("%v, between %#04x and the next, is %#04x, want %#04x", f, h, got, want)
			}
		}
	}
	for v, want := range map[float32]uint16{float32(math.Inf(1)): 0x7c00, float32(math.Inf(-1)): 0xfc00, 1e30: 0x7c00, -65520: 0xfc00, MaxHalf: 0x7bff} {
		if got := Half(v); got != want {
			t.Errorf("%v is %#04x, want %#04x", v, got, want)
		}
	}
	if got := Half(float32(math.NaN())); got&0x7c00 != 0x7c00 || got&0x3ff == 0 {
		t.Errorf("NaN is %#04x", got)
	}
}

// TestFromHalf compares every binary16 with its definition in float64.
func TestFromHalf(t *testing.T) {
	for h := range 1 << 16 {
		exp, frac := h>>10&31, float64(h&1023)
		want := math.Ldexp(1+frac/1024, exp-15)
		switch {
		case exp == 0:
			want = math.Ldexp(frac, -24)
		case exp == 31 && frac == 0:
			want = math.Inf(1)
		case exp == 31:
			want = math.NaN()
		}
		if h>>15 == 1 {
			want = math.Copysign(want, -1)
		}
		got := float64(FromHalf(uint16(h)))
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) || math.Signbit(got) != math.Signbit(want) {
			t.Fatalf("FromHalf(%#04x) = %v, want %v", h, got, want)
		}
	}
}
