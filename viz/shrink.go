package viz

import (
	"fmt"
	"math"
)

// sheetPixels bounds the tiles of a picture together unless its options do: 2²⁴ pixels
// are a square of 4096.
const sheetPixels = 1 << 24

// sized returns the tiles and the whole factor that enlarges them, so that together they
// have at most limit pixels (0 = sheetPixels): asked, or for 0 as large as keeps the longer
// side within want. Where that is too much the factor is lower, and tiles that are too
// large by themselves are drawn smaller: note says so.
func (t tiles) sized(asked, want, limit int) (out tiles, scale int, note string) {
	scale = asked
	if scale == 0 {
		scale = autoScale(max(t.h, t.w), want)
	}
	if limit == 0 {
		limit = sheetPixels
	}
	each := float64(limit) / float64(t.n) / float64(t.h) / float64(t.w) // pixels of the picture for one of a tile
	scale = max(1, min(scale, int(math.Sqrt(each))))
	if each >= 1 {
		return t, scale, ""
	}
	k := int(math.Ceil(math.Sqrt(1 / each)))
	return t.reduced(k), 1, fmt.Sprintf("drawn at 1/%d of the size", k)
}

// reduced returns tiles in which a pixel is the mean of k×k; at the right and lower edge of
// fewer.
func (t tiles) reduced(k int) tiles {
	out := tiles{n: t.n, h: (t.h + k - 1) / k, w: (t.w + k - 1) / k, c: t.c}
	out.pix = make([]float32, out.n*out.size())
	for i := range t.n {
		from, to := t.at(i), out.at(i)
		for y := range out.h {
			for x := range out.w {
				for c := range t.c {
					sum, count := float32(0), 0
					for yy := y * k; yy < min((y+1)*k, t.h); yy++ {
						for xx := x * k; xx < min((x+1)*k, t.w); xx++ {
							if v := from[(yy*t.w+xx)*t.c+c]; v > 0 { // not NaN
								sum += min(v, 1)
							}
							count++
						}
					}
					to[(y*out.w+x)*t.c+c] = sum / float32(count)
				}
			}
		}
	}
	return out
}

// withNote returns a title with a note after it; either may be "".
func withNote(title, note string) string {
	if title == "" || note == "" {
		return title + note
	}
	return title + ", " + note
}
