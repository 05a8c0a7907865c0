package cpu

import "github.com/imago-ml/imago/engine/rng"

// drawFloats is the smallest number of random numbers of a task: a few microseconds of work.
const drawFloats = 2048

// lowerDraw sets the tasks of s, which draws random numbers of a stream with the key in the buffer key. Each task draws a range.
// A number depends on its index in the stream only, so the ranges do not change the results.
func lowerDraw(s *stage, stream string, key, out *buffer, fill func(dst []float32, key [2]uint64, block uint64)) {
	bounds := evenSplit(out.size, 32, 4, drawFloats, 16)
	s.tasks = len(bounds) - 1
	s.run = func(_ *worker, task int) {
		lo, hi := bounds[task], bounds[task+1]
		fill(out.data[lo:hi], rng.FromWords([4]int32(key.i32)).Split(stream), uint64(lo/4))
	}
}
