package rng

// A Stream hands out the numbers of a key one after another, for what asks for as many
// as it happens to need, as a drawing does. It works on the words of the key with exact
// arithmetic only, so that its numbers have the same bits on every processor: package
// math may round log and cos differently where the compiler fuses products and sums.
// It is for one goroutine.
type Stream struct {
	key   Key
	words [4]uint32 // the block of the next word
	next  uint64    // index of the next word
}

// Stream returns the numbers of k from the first on.
func (k Key) Stream() Stream { return Stream{key: k} }

func (s *Stream) word() uint32 {
	i := s.next % 4
	if i == 0 {
		s.words = s.key.block(s.next / 4)
	}
	s.next++
	return s.words[i]
}

// Uniform returns uniform in [0, 1), a multiple of 2⁻²⁴.
func (s *Stream) Uniform() float32 { return float32(s.word()>>8) * 0x1p-24 }

// Normal has mean 0, variance 1 and nearly the shape of a Gaussian: the sum of the four
// bytes of a word (Irwin and Hall). It stays within ±3.46, so that nothing is thrown out
// of shape by one wild draw.
func (s *Stream) Normal() float32 {
	w := s.word()
	sum := int32(w&255) + int32(w>>8&255) + int32(w>>16&255) + int32(w>>24)
	const deviation = 147.8005 // sqrt(4·(256²-1)/12)
	return float32(sum-510) / deviation
}

// Around returns Normal with the given mean and deviation, held to [lo, hi].
func (s *Stream) Around(mean, deviation, lo, hi float32) float32 {
	return min(max(mean+float32(deviation*s.Normal()), lo), hi)
}
