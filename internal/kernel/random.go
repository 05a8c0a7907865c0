package kernel

import "math"

// The stream of a key is that of rng.Key: blocks of four words, where block i is Philox4x32-10 (Salmon et al. 2011) of the
// counter (i, key[1]) with the key key[0]. A draw starts at a block, so that a long draw can be computed in parts: number j
// of dst depends on word j%4 of block block + j/4, and not on the length of dst.

// Uniform fills dst with numbers from the uniform distribution on [0, 1), multiples of 2⁻²⁴. They have the same bits as those
// of rng.Key.Uniform from number 4·block on.
func Uniform(dst []float32, key [2]uint64, block uint64) { drawUniform(dst, key, block) }

// Normal fills dst with numbers from the standard normal distribution, |x| < 6.8. They agree with those of rng.Key.Normal from
// number 4·block on, with an error of at most 5 ulp (4.2 in 2²⁵ numbers) plus 10⁻¹⁴, the error of the float64 sine and cosine
// near 0.
func Normal(dst []float32, key [2]uint64, block uint64) { drawNormal(dst, key, block) }

// philoxBlock returns block i of the stream of a key.
func philoxBlock(key [2]uint64, i uint64) [4]uint32 {
	c := [4]uint32{uint32(i), uint32(i >> 32), uint32(key[1]), uint32(key[1] >> 32)}
	k0, k1 := uint32(key[0]), uint32(key[0]>>32)
	for range 10 {
		p0, p1 := 0xD2511F53*uint64(c[0]), 0xCD9E8D57*uint64(c[2])
		c = [4]uint32{uint32(p1>>32) ^ c[1] ^ k0, uint32(p1), uint32(p0>>32) ^ c[3] ^ k1, uint32(p0)}
		k0 += 0x9E3779B9
		k1 += 0xBB67AE85
	}
	return c
}

func uniformGeneric(dst []float32, key [2]uint64, block uint64) {
	for i := 0; i < len(dst); i += 4 {
		for j, w := range philoxBlock(key, block+uint64(i/4)) {
			if i+j < len(dst) {
				dst[i+j] = float32(w>>8) * 0x1p-24
			}
		}
	}
}

func normalGeneric(dst []float32, key [2]uint64, block uint64) {
	for i := 0; i < len(dst); i += 4 {
		w := philoxBlock(key, block+uint64(i/4))
		var v [4]float32
		v[0], v[1] = boxMuller(w[0], w[1])
		v[2], v[3] = boxMuller(w[2], w[3])
		copy(dst[i:], v[:])
	}
}

// boxMuller returns r·cos θ and r·sin θ (Box and Muller 1958), with r = √(−2·ln u), u = (a + ½)·2⁻³² and θ = 2π·b·2⁻³².
func boxMuller(a, b uint32) (x, y float32) {
	// v is u below ½, and u − 1 above, because the logarithm needs the distance from 1. Then u = 2ᵉ·(1 + f) with −¼ ≤ f < ½,
	// and s = 2⁻ᵉ.
	v, one := float32(int32(a))*0x1p-32+0x1p-33, float32(0)
	if v < 0 {
		one = 1
	}
	e := int32(math.Float32bits(v+one)-math.Float32bits(0.75)) >> 23
	s := math.Float32frombits(math.Float32bits(1) - uint32(e)<<23)
	f := s*v + (s*one - 1)
	// The polynomial for −2·ln(1 + f)/f, interpolated at Chebyshev nodes, with a relative error of 1.2e-8.
	p := float32(0.094764851)
	for _, c := range [...]float32{-0.212512583, 0.26245755, -0.288769126, 0.332952887, -0.399871856, 0.500003099, -0.666667938, 1, -2} {
		p = p*f + c
	}
	r := float32(math.Sqrt(float64(p*f + float32(e)*(-2*math.Ln2))))

	// θ = q·π/2 + t with |t| ≤ π/4. The top bits of b are the quadrant q, so t is exact before it is rounded.
	t := float32(int32(b<<2)) * (2 * math.Pi * 0x1p-34)
	q := (b + 1<<29) >> 30
	z := t * t
	sin := t + t*(z*((-1.95878907e-4*z+8.33274797e-3)*z-0.166666642))
	cos := 1 + z*(-0.5+z*((2.45479423e-5*z-1.38883025e-3)*z+4.16666642e-2))
	switch q {
	case 1:
		sin, cos = cos, -sin
	case 2:
		sin, cos = -sin, -cos
	case 3:
		sin, cos = -cos, sin
	}
	return r * cos, r * sin
}
