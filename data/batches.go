package data

import "github.com/imago-ml/imago/engine/rng"

// Shuffle returns the order in which an epoch takes n images: the permutation drawn
// from
//
//	rng.New(seed).Split("shuffle").At(epoch)
//
// It depends on these three numbers alone, so that a resumed run takes the same images
// as an uninterrupted one.
func Shuffle(seed uint64, epoch, n int) []int32 {
	return rng.New(seed).Split("shuffle").At(uint64(epoch)).Perm(n)
}
