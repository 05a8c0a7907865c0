package cpu

import "github.com/imago-ml/imago/engine/graph"

// planes is a layout of the source of a convolution with few channels. It has one plane for each channel and each row and
// column modulo the strides, with zeros outside the image. The numbers that a tap reads for neighbouring output pixels of a
// row are consecutive: tap (p, q) of output pixel (i, j) reads plane (p mod s0, q mod s1) at (i + p/s0, j + q/s1). A tile
// over pixels then reads consecutive numbers, where a tile over few channels would be mostly empty.
type planes struct {
	h, w, c  int // of the source
	kh, kw   int // of the kernel
	s0, s1   int // the strides
	lo0, lo1 int // the numbers of zeros before the image
	rows     int // the number of output rows whose source is copied at a time
	ph, pw   int // of a plane
}

func newPlanes(src, kernel, out graph.Shape, cfg graph.ConvConfig, rows int) planes {
	p := planes{h: src[1], w: src[2], c: src[3], kh: kernel[0], kw: kernel[1], s0: cfg.Stride[0], s1: cfg.Stride[1], rows: rows}
	_, p.lo0, _ = cfg.Window(0, p.h, p.kh)
	_, p.lo1, _ = cfg.Window(1, p.w, p.kw)
	p.ph, p.pw = rows+(p.kh-1)/p.s0, out[2]+(p.kw-1)/p.s1
	return p
}

// size returns the number of float32 of all planes.
func (p *planes) size() int { return p.s0 * p.s1 * p.c * p.ph * p.pw }

// offsets returns the offset that each tap and channel reads for output pixel (0, 0), (Kh·Kw·C).
func (p *planes) offsets() []int32 {
	var offs []int32
	for a := range p.kh {
		for b := range p.kw {
			for c := range p.c {
				plane := (a%p.s0*p.s1+b%p.s1)*p.c + c
				offs = append(offs, int32((plane*p.ph+a/p.s0)*p.pw+b/p.s1))
			}
		}
	}
	return offs
}

// fill copies the source of the output rows from top on of one image to the planes.
func (p *planes) fill(dst, src []float32, top int) {
	step := p.s1 * p.c
	for a := range p.s0 {
		for b := range p.s1 {
			// Columns [from, to) lie inside the image.
			from := min(max(0, -floorDiv(b-p.lo1, p.s1)), p.pw)
			to := max(min(p.pw, floorDiv(p.w-1+p.lo1-b, p.s1)+1), from)
			for c := range p.c {
				for i := range p.ph {
					row := dst[:p.pw]
					dst = dst[p.pw:]
					y := (top+i)*p.s0 + a - p.lo0
					if y < 0 || y >= p.h || from == to {
						clear(row)
						continue
					}
					clear(row[:from])
					clear(row[to:])
					in := src[(y*p.w+from*p.s1+b-p.lo1)*p.c+c:]
					if step == 1 {
						copy(row[from:to], in)
						continue
					}
					row = row[from:to]
					in = in[:(len(row)-1)*step+1]
					for j, k := 0, 0; k < len(in); j, k = j+1, k+step {
						row[j] = in[k]
					}
				}
			}
		}
	}
}
