package rng

// A Stream returns the random numbers of a key one after another. Use it where the number of draws is not known before, as
// in the rendering of a random picture. It only uses arithmetic that is exact, so its numbers have the same bits on every
// processor; the logarithm and the cosine of package math may differ where the compiler fuses products and sums. One
// goroutine at a time may use a Stream.
type Stream struct {
	key   Key
	words [4]uint32 // the block of the next word
	next  uint64    // the index of the next word
}

// Stream returns a Stream that starts at the first number of k.
func (k Key) Stream() Stream { return Stream{key: k} }

// nextWord returns the next random word.
func (s *Stream) nextWord() uint32 {
	i := s.next % 4
	if i == 0 {
		s.words = s.key.block(s.next / 4)
	}
	s.next++
	return s.words[i]
}

// Uniform returns a number from the uniform distribution on [0, 1), a multiple of 2⁻²⁴.
func (s *Stream) Uniform() float32 { return float32(s.nextWord()>>8) * 0x1p-24 }

// Normal returns a number with mean 0, variance 1 and nearly the shape of a Gaussian: the sum of the four bytes of a word,
// shifted and scaled (the distribution of Irwin and Hall). It lies within ±3.46, so there are no outliers.
func (s *Stream) Normal() float32 {
	w := s.nextWord()
	sum := int32(w&255) + int32(w>>8&255) + int32(w>>16&255) + int32(w>>24)
	const standardDeviation = 147.8005 // sqrt(4·(256²-1)/12)
	return float32(sum-510) / standardDeviation
}

// ClampedNormal returns Normal with the given mean and standard deviation, clamped to [lo, hi].
func (s *Stream) ClampedNormal(mean, sd, lo, hi float32) float32 {
	return min(max(mean+float32(sd*s.Normal()), lo), hi)
}
