package viz

import (
	"cmp"
	"image"
	"image/color"
	"math"
	"slices"
)

// A quantiser maps colours to a palette. It distinguishes colours by the upper six bits
// of each channel.
type quantiser struct {
	palette color.Palette // without the transparent entry
	index   []uint8       // of each of the 2¹⁸ colours; valid where known
	known   []bool
	dither  bool // more colours than palette entries
}

// maxPalette leaves one of the 256 entries of a GIF for "unchanged".
const maxPalette = 255

func cellOf(r, g, b uint8) int { return int(r>>2)<<12 | int(g>>2)<<6 | int(b>>2) }

// greyRamp returns the palette of grey frames: 128 even steps including both ends. More
// steps are not visible and would make the file larger by half.
func greyRamp() *quantiser {
	q := &quantiser{}
	for i := range 128 {
		v := uint8((i*255 + 63) / 127)
		q.palette = append(q.palette, color.RGBA{v, v, v, 255})
	}
	return q
}

// greyIndex returns the index of a grey value in greyRamp.
func greyIndex(v uint8) uint8 { return uint8((int(v)*127 + 127) / 255) }

// A tone is a cell of the colour histogram.
type tone struct {
	rgb [3]uint8
	n   int
}

// medianCut returns a palette of 255 colours for frames: it repeatedly halves the box
// of colours with the largest spread, weighted by the pixels in it, at its median.
// Heckbert 1982.
func medianCut(frames []*image.RGBA) *quantiser {
	const cells = 1 << 18
	type acc struct{ r, g, b, n int }
	hist := make(map[int]*acc)
	for _, f := range frames {
		for y := range f.Rect.Dy() {
			row := f.Pix[y*f.Stride : y*f.Stride+4*f.Rect.Dx()]
			for k := 0; k < len(row); k += 4 {
				i := cellOf(row[k], row[k+1], row[k+2])
				a := hist[i]
				if a == nil {
					a = new(acc)
					hist[i] = a
				}
				a.r += int(row[k])
				a.g += int(row[k+1])
				a.b += int(row[k+2])
				a.n++
			}
		}
	}
	tones := make([]tone, 0, len(hist))
	for _, a := range hist {
		tones = append(tones, tone{[3]uint8{uint8(a.r / a.n), uint8(a.g / a.n), uint8(a.b / a.n)}, a.n})
	}
	slices.SortFunc(tones, func(a, b tone) int { // a map has no order
		return cmp.Or(cmp.Compare(a.rgb[0], b.rgb[0]), cmp.Compare(a.rgb[1], b.rgb[1]), cmp.Compare(a.rgb[2], b.rgb[2]))
	})
	q := &quantiser{index: make([]uint8, cells), known: make([]bool, cells), dither: len(tones) > maxPalette}
	for _, box := range cutBoxes(tones) {
		var r, g, b, n int
		for _, t := range box {
			r += int(t.rgb[0]) * t.n
			g += int(t.rgb[1]) * t.n
			b += int(t.rgb[2]) * t.n
			n += t.n
		}
		q.palette = append(q.palette, color.RGBA{uint8(r / n), uint8(g / n), uint8(b / n), 255})
	}
	// Paper stays paper: an end that is there is there exactly.
	for _, end := range []uint8{0, 255} {
		if hist[cellOf(end, end, end)] != nil {
			i := cellOf(end, end, end)
			k := q.palette.Index(color.RGBA{end, end, end, 255})
			q.palette[k] = color.RGBA{end, end, end, 255}
			q.index[i], q.known[i] = uint8(k), true
		}
	}
	return q
}

func cutBoxes(tones []tone) [][]tone {
	boxes := [][]tone{tones}
	for len(boxes) < maxPalette {
		best, axis, most := -1, 0, 0.0
		for i, box := range boxes {
			if len(box) < 2 {
				continue
			}
			n := 0
			for _, t := range box {
				n += t.n
			}
			for c := range 3 {
				lo, hi := box[0].rgb[c], box[0].rgb[c]
				for _, t := range box {
					lo, hi = min(lo, t.rgb[c]), max(hi, t.rgb[c])
				}
				// The square of the spread and the root of the pixels: few pixels
				// of a colour of their own (a thin curve) deserve an entry more
				// than a sea of near-whites.
				d := float64(hi - lo)
				if w := d * d * math.Sqrt(float64(n)); w > most {
					best, axis, most = i, c, w
				}
			}
		}
		if best < 0 {
			break
		}
		box := boxes[best]
		slices.SortStableFunc(box, func(a, b tone) int { return cmp.Compare(a.rgb[axis], b.rgb[axis]) })
		total, half, cut := 0, 0, 0
		for _, t := range box {
			total += t.n
		}
		for cut = 0; cut < len(box)-1; cut++ {
			if half += box[cut].n; half*2 >= total {
				cut++
				break
			}
		}
		cut = min(max(cut, 1), len(box)-1)
		boxes[best] = box[:cut]
		boxes = append(boxes, box[cut:])
	}
	return boxes
}

// at returns the palette entry for a pixel. If the palette has fewer colours than the
// frames, an ordered pattern is added before rounding. It depends on the position
// alone, so that unchanged parts of an animation do not flicker.
func (q *quantiser) at(x, y int, r, g, b uint8) uint8 {
	if q.index == nil {
		return greyIndex(r)
	}
	if q.dither {
		d := bayer[y&3][x&3]
		r, g, b = nudge(r, d), nudge(g, d), nudge(b, d)
	}
	i := cellOf(r, g, b)
	if !q.known[i] {
		q.index[i] = uint8(q.palette.Index(color.RGBA{r, g, b, 255}))
		q.known[i] = true
	}
	return q.index[i]
}

// bayer is the ordered pattern of four by four, in steps of one of 255.
var bayer = [4][4]int{{-6, 2, -4, 4}, {5, -2, 6, -1}, {-3, 4, -5, 3}, {7, 0, 5, -1}}

// nudge returns v + d, but leaves 0 and 255 unchanged, so that white stays white.
func nudge(v uint8, d int) uint8 {
	if v < 8 || v > 247 {
		return v
	}
	return uint8(int(v) + d)
}
