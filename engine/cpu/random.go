package cpu

import "github.com/imago-ml/imago/engine/rng"

// drawFloats is the numbers of a task that draws, at least: a few microseconds.
const drawFloats = 2048

// draw makes the tasks of a stage that draws at random, each a range of the numbers
// of stream under the key that is in the buffer key. A number depends on its place
// in the stream alone, so the ranges change nothing.
func lowerDraw(s *stage, stream string, key, out *buffer, fill func(dst []float32, key [2]uint64, block uint64)) {
	at := evenSplit(out.size, 32, 4, drawFloats, 16)
	s.tasks = len(at) - 1
	s.run = func(_ *worker, task int) {
		lo, hi := at[task], at[task+1]
		fill(out.data[lo:hi], rng.FromWords([4]int32(key.i32)).Split(stream), uint64(lo/4))
	}
}
