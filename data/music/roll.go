package music

import "github.com/imago-ml/imago/data/medium"

// A roll is the picture of an item: a row for each pitch or drum, a column for each step.
type roll struct {
	dst           []float32
	rows, steps   int
	height, width int // of a cell, in pixels
}

// The levels of a roll.
const (
	barLine  = 0.28
	beatLine = 0.12
	begins   = 1.0
	sounds   = 0.72
)

// cell returns the size of a cell: larger where there are few.
func cell(rows, steps int) (height, width int) {
	height, width = 3, 4
	if rows <= 16 {
		height = 8
	}
	if steps > 64 {
		width = 2
	}
	return height, width
}

// rollSize returns the size of the picture of an item.
func rollSize(rows int, item medium.Item) (h, w, c int) {
	height, width := cell(rows, item.Shape[0])
	return rows * height, item.Shape[0] * width, 1
}

// newRoll draws the lines of beats and bars.
func newRoll(rows int, item medium.Item, dst []float32) roll {
	height, width := cell(rows, item.Shape[0])
	r := roll{dst, rows, item.Shape[0], height, width}
	clear(dst)
	for step := 0; step < r.steps; step += Steps / 4 {
		level := float32(beatLine)
		if step%Steps == 0 {
			level = barLine
		}
		for y := range rows * height {
			dst[y*r.steps*width+step*width] = level
		}
	}
	return r
}

// note draws a note of the steps from start to before end in a row from above. The last column
// of pixels stays free, so that notes that follow each other are told apart.
func (r roll) note(row, start, end int) {
	for y := row * r.height; y < (row+1)*r.height; y++ {
		line := r.dst[y*r.steps*r.width:]
		for x := start * r.width; x < end*r.width-1; x++ {
			line[x] = sounds
			if x < (start+1)*r.width-1 {
				line[x] = begins
			}
		}
	}
}
