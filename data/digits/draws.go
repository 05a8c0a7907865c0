package digits

import "github.com/imago-ml/imago/rng"

// maxDraws bounds the random words one image asks for.
const maxDraws = 160

// draws hands out the random numbers of one image in the order they are asked
// for. It works on the words of the stream with exact arithmetic only, so that
// a digit has the same bytes on every processor: package math may round log
// and cos differently where the compiler fuses products and sums.
type draws struct {
	words [maxDraws]uint32
	next  int
}

func (d *draws) reset(key rng.Key) {
	key.Bits(d.words[:])
	d.next = 0
}

// uniform is uniform in [0, 1).
func (d *draws) uniform() float32 {
	w := d.words[d.next]
	d.next++
	return float32(w>>8) * 0x1p-24
}

// normal has mean 0, variance 1 and nearly the shape of a Gaussian: the sum of
// the four bytes of a word (Irwin-Hall). It stays within ±3.46, so that no
// digit is thrown out of shape by one wild draw.
func (d *draws) normal() float32 {
	w := d.words[d.next]
	d.next++
	sum := int32(w&255) + int32(w>>8&255) + int32(w>>16&255) + int32(w>>24)
	const deviation = 147.8005 // sqrt(4·(256²-1)/12)
	return float32(sum-510) / deviation
}

// around is normal with the given mean and deviation, held to [lo, hi].
func (d *draws) around(mean, deviation, lo, hi float32) float32 {
	return min(max(mean+float32(deviation*d.normal()), lo), hi)
}
