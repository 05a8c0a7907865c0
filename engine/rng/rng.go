// Package rng draws random numbers addressed by key.
//
// A Key names a place in the random stream: drawing never changes a Key, so what
// is drawn depends on the seed and the names alone, not on the number of threads,
// the batch before, or whether the run was resumed. The generator is
// Philox4x32-10 (Salmon et al. 2011); the same key gives the same numbers on
// every processor. The package knows no tensor, graph or file.
package rng

import (
	"math"
)

// A Key names a random stream. The first word is the key of Philox, the second
// the upper half of its counter; the lower half counts blocks of four words.
type Key [2]uint64

// New returns the root key of a seed.
func New(seed uint64) Key { return Key{seed, 0}.Split("imago") }

// Split returns the key of name under k.
func (k Key) Split(name string) Key {
	// FNV-1a gives each name a counter of its own; Philox does the mixing.
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return k.derive(h, 1)
}

// At returns the key of index i under k: an epoch, a step, an image.
func (k Key) At(i uint64) Key { return k.derive(i, 2) }

// derive draws a new key from block (n, k[1]) under a key that drawing never
// uses: salt keeps derived keys apart from drawn numbers and from each other.
func (k Key) derive(n uint64, salt uint32) Key {
	w := philox([4]uint32{uint32(n), uint32(n >> 32), uint32(k[1]), uint32(k[1] >> 32)},
		uint32(k[0])^salt*0x85EBCA6B, uint32(k[0]>>32)^salt*0xC2B2AE35)
	return Key{uint64(w[0]) | uint64(w[1])<<32, uint64(w[2]) | uint64(w[3])<<32}
}

// block returns the i-th group of four words of the stream.
func (k Key) block(i uint64) [4]uint32 {
	return philox([4]uint32{uint32(i), uint32(i >> 32), uint32(k[1]), uint32(k[1] >> 32)}, uint32(k[0]), uint32(k[0]>>32))
}

// Bits fills dst with uniform 32-bit words.
func (k Key) Bits(dst []uint32) {
	for i := 0; i < len(dst); i += 4 {
		w := k.block(uint64(i / 4))
		copy(dst[i:], w[:])
	}
}

// Uniform fills dst with uniform numbers in [0, 1), multiples of 2⁻²⁴.
func (k Key) Uniform(dst []float32) {
	for i := 0; i < len(dst); i += 4 {
		w := k.block(uint64(i / 4))
		for j := i; j < min(i+4, len(dst)); j++ {
			dst[j] = float32(w[j-i]>>8) * 0x1p-24
		}
	}
}

// Normal fills dst with standard normal numbers, by Box and Muller (1958) in
// float64 from pairs of 32-bit uniforms; |x| stays below 6.8.
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

// Float64 returns one uniform number in [0, 1).
func (k Key) Float64() float64 {
	w := k.block(0)
	return float64(uint64(w[0])<<21|uint64(w[1])>>11) * 0x1p-53
}

// Perm returns a random order of 0 … n-1 (Fisher and Yates). Each swap draws from 32
// bits, so n is at most 2³¹-1 and an index is biased by less than n/2³².
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

// Words returns the key as the four int32 words in which it enters a graph.
func (k Key) Words() [4]int32 {
	return [4]int32{int32(k[0]), int32(k[0] >> 32), int32(k[1]), int32(k[1] >> 32)}
}

// FromWords returns the inverse of Words.
func FromWords(w [4]int32) Key {
	return Key{uint64(uint32(w[0])) | uint64(uint32(w[1]))<<32, uint64(uint32(w[2])) | uint64(uint32(w[3]))<<32}
}
