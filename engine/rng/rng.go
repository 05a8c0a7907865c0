// Package rng draws random numbers that are addressed by keys.
//
// To use it, make the key of a seed, derive a key for each purpose, and draw:
//
//	key := rng.New(seed)
//	key.Split("weights").Normal(w)              // a slice of numbers
//	order := key.Split("epoch").At(3).Perm(n)   // a permutation
//
// A Key does not change when it draws. The numbers therefore depend on the seed and on the names and indices of the
// derived keys alone. They do not depend on the number of threads, on earlier draws, or on whether a run was resumed. Two
// draws with one key give the same numbers, so use a key of its own for each draw.
//
// The generator is Philox4x32-10 (Salmon et al. 2011). A key gives the same numbers on every processor. The package must
// not know tensors, graphs or files.
package rng

import (
	"math"
)

// A Key identifies a stream of random numbers. The first word is the key of Philox and the second is the upper half of its
// counter. The lower half of the counter numbers the blocks of four random words.
type Key [2]uint64

// New returns the key of a seed. Derive the keys of all draws from it with Split and At.
func New(seed uint64) Key { return Key{seed, 0}.Split("imago") }

// Split returns the key that is derived from k and name. Different names give independent streams.
func (k Key) Split(name string) Key {
	// FNV-1a gives each name a different counter, and Philox makes the streams independent.
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return k.deriveKey(h, 1)
}

// At returns the key that is derived from k and an index, for example of an epoch, a step or an image.
func (k Key) At(i uint64) Key { return k.deriveKey(i, 2) }

// deriveKey returns a new key from block (n, k[1]) under a Philox key that no draw uses. The salt separates derived keys from
// drawn numbers, and the keys of Split from those of At.
func (k Key) deriveKey(n uint64, salt uint32) Key {
	w := philox([4]uint32{uint32(n), uint32(n >> 32), uint32(k[1]), uint32(k[1] >> 32)},
		uint32(k[0])^salt*0x85EBCA6B, uint32(k[0]>>32)^salt*0xC2B2AE35)
	return Key{uint64(w[0]) | uint64(w[1])<<32, uint64(w[2]) | uint64(w[3])<<32}
}

// block returns the four words of block i of the stream.
func (k Key) block(i uint64) [4]uint32 {
	return philox([4]uint32{uint32(i), uint32(i >> 32), uint32(k[1]), uint32(k[1] >> 32)}, uint32(k[0]), uint32(k[0]>>32))
}

// Bits fills dst with uniformly distributed 32-bit words.
func (k Key) Bits(dst []uint32) {
	for i := 0; i < len(dst); i += 4 {
		w := k.block(uint64(i / 4))
		copy(dst[i:], w[:])
	}
}

// Uniform fills dst with numbers from the uniform distribution on [0, 1), which are multiples of 2⁻²⁴.
func (k Key) Uniform(dst []float32) {
	for i := 0; i < len(dst); i += 4 {
		w := k.block(uint64(i / 4))
		for j := i; j < min(i+4, len(dst)); j++ {
			dst[j] = float32(w[j-i]>>8) * 0x1p-24
		}
	}
}

// Normal fills dst with numbers from the standard normal distribution. It uses the method of Box and Muller (1958) in
// float64, from pairs of 32-bit uniform numbers, so |x| < 6.8.
func (k Key) Normal(dst []float32) {
	for i := 0; i < len(dst); i += 4 {
		w := k.block(uint64(i / 4))
		var v [4]float32
		for j := 0; j < 4; j += 2 {
			u := (float64(w[j]) + 0.5) * 0x1p-32 // in (0, 1): the logarithm is finite
			r := math.Sqrt(-2 * math.Log(u))
			s, c := math.Sincos(2 * math.Pi * float64(w[j+1]) * 0x1p-32)
			v[j], v[j+1] = float32(r*c), float32(r*s)
		}
		copy(dst[i:], v[:])
	}
}

// Float64 returns one number from the uniform distribution on [0, 1), a multiple of 2⁻⁵³.
func (k Key) Float64() float64 {
	w := k.block(0)
	return float64(uint64(w[0])<<21|uint64(w[1])>>11) * 0x1p-53
}

// Perm returns a random permutation of 0 … n-1 (Fisher and Yates). Each exchange uses 32 random bits, so n is at most 2³¹−1
// and the probability of an index has a relative error below n/2³².
func (k Key) Perm(n int) []int32 {
	p := make([]int32, n)
	for i := range p {
		p[i] = int32(i)
	}
	w := make([]uint32, n)
	k.Bits(w)
	for i := n - 1; i > 0; i-- {
		j := uint64(w[i]) * uint64(i+1) >> 32
		p[i], p[j] = p[j], p[i]
	}
	return p
}

// Words returns the key as four int32 words, the form of an operand of a graph.
func (k Key) Words() [4]int32 {
	return [4]int32{int32(k[0]), int32(k[0] >> 32), int32(k[1]), int32(k[1] >> 32)}
}

// FromWords returns the key of four words, as Words returns them.
func FromWords(w [4]int32) Key {
	return Key{uint64(uint32(w[0])) | uint64(uint32(w[1]))<<32, uint64(uint32(w[2])) | uint64(uint32(w[3]))<<32}
}
