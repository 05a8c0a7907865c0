package tensor

import "math"

// MaxHalf is the largest finite number of 16 bits: see Half.
const MaxHalf = 65504

// Half returns the IEEE 754 number of 16 bits that is nearest to v, as bits; of two, the even one. Beyond MaxHalf it is
// infinite.
func Half(v float32) uint16 {
	b := math.Float32bits(v)
	sign, b := uint16(b>>16)&0x8000, b&0x7fffffff
	switch {
	case b > 0x7f800000: // not a number
		return sign | 0x7e00
	case b >= 0x47800000: // 65536 and more
		return sign | 0x7c00
	case b < 0x38800000: // below 2⁻¹⁴ the spacing is 2⁻²⁴: adding 0.5, whose spacing in float32 is that, rounds so
		return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-math.Float32bits(0.5))
	}
	b += 0xfff + b>>13&1 // to nearest, ties to even; the carry may reach the exponent, and infinity
	return sign | uint16((b-0x38000000)>>13)
}

// FromHalf returns the value of an IEEE 754 binary16, given its bits: sign 1 bit, exponent 5 (bias 15), fraction 10. Every one
// is exact in float32.
func FromHalf(bits uint16) float32 {
	sign := uint32(bits>>15) << 31
	exp, frac := uint32(bits>>10)&31, uint32(bits)&1023
	switch exp {
	case 0: // zero or subnormal: frac · 2⁻²⁴
		return math.Float32frombits(sign | math.Float32bits(float32(frac)*(1.0/(1<<24))))
	case 31: // infinity, NaN
		return math.Float32frombits(sign | 0xff<<23 | frac<<13)
	}
	return math.Float32frombits(sign | (exp-15+127)<<23 | frac<<13)
}
