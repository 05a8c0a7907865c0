package cpu

import "github.com/imago-ml/imago/graph"

// patches lays out, for every tap and channel of a convolution, the source under
// each output pixel as one row: (Kh·Kw·C, Ho·Wo). It is for few channels, where
// the rows are short to make and a tile over channels would be mostly empty.
type patches struct {
	h, w, c  int // source
	ho, wo   int // output
	kh, kw   int
	s0, s1   int
	lo0, lo1 int
}

func newPatches(src, kernel, out graph.Shape, cfg graph.ConvConfig) patches {
	p := patches{h: src[1], w: src[2], c: src[3], ho: out[1], wo: out[2], kh: kernel[0], kw: kernel[1], s0: cfg.Stride[0], s1: cfg.Stride[1]}
	_, p.lo0, _ = cfg.Window(0, p.h, p.kh)
	_, p.lo1, _ = cfg.Window(1, p.w, p.kw)
	return p
}

// size is the number of float32 that fill writes for a whole image.
func (p *patches) size() int { return p.kh * p.kw * p.c * p.ho * p.wo }

// fill writes the patches of output rows [lo, hi) of one image.
func (p *patches) fill(dst, src []float32, lo, hi int) {
	for a := range p.kh {
		for b := range p.kw {
			// Columns [from, to) read inside the image.
			from := min(max(0, -floorDiv(b-p.lo1, p.s1)), p.wo)
			to := max(min(p.wo, floorDiv(p.w-1+p.lo1-b, p.s1)+1), from)
			for c := range p.c {
				for i := lo; i < hi; i++ {
					row := dst[:p.wo]
					dst = dst[p.wo:]
					y := i*p.s0 + a - p.lo0
					if y < 0 || y >= p.h || from == to {
						clear(row)
						continue
					}
					clear(row[:from])
					clear(row[to:])
					in := src[(y*p.w+from*p.s1+b-p.lo1)*p.c+c:]
					step := p.s1 * p.c
					if step == 1 {
						copy(row[from:to], in)
						continue
					}
					for j, at := from, 0; j < to; j, at = j+1, at+step {
						row[j] = in[at]
					}
				}
			}
		}
	}
}
