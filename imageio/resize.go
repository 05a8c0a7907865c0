package imageio

import "math"

// Resize is m with h rows and w columns, through the cubic filter of Catmull and
// Rom (a = -1/2), which is stretched by the scale when an image gets smaller so
// that every pixel of m counts: no aliasing. With s = max(1, from/to), output x
// lies at c = (x + 1/2)·from/to and takes Σ k((i + 1/2 − c)/s)·m_i over the
// pixels i within 2s of it, the weights summing to 1; rows, then columns.
//
// Weights are fixed point with 22 bits and each pass rounds to 8 bits: the result
// is that of Pillow's Image.resize(size, BICUBIC), byte for byte, on every
// processor. Equal sizes give m itself, not a copy; h and w below 1 count as 1.
// Keys, Cubic convolution interpolation (1981).
func Resize(m Image, h, w int) Image {
	h, w = max(h, 1), max(w, 1)
	if w != m.W {
		m = resizeRows(m, w)
	}
	if h != m.H {
		m = resizeColumns(m, h)
	}
	return m
}

// weightBits leaves room in 32 bits for 255 times weights whose absolute values
// sum to less than 2, and a sign.
const weightBits = 32 - 8 - 2

// taps are the source pixels of one output pixel and their weights.
type taps struct {
	first int
	w     []int32 // sums to about 1<<weightBits
}

// catmullRom is the filter; 0 outside (-2, 2). The conversions keep the
// compiler from fusing products into sums, which would round differently.
func catmullRom(x float64) float64 {
	x = math.Abs(x)
	switch {
	case x < 1:
		return float64(float64(float64(1.5*x)-2.5)*x)*x + 1
	case x < 2:
		return float64(float64(float64(float64(-0.5*x)+2.5)*x)-4)*x + 2
	}
	return 0
}

func weights(from, to int) []taps {
	scale := float64(from) / float64(to)
	stretch := max(scale, 1)
	support := 2 * stretch
	out := make([]taps, to)
	k := make([]float64, 0, int(2*support)+2)
	for x := range out {
		center := float64((float64(x) + 0.5) * scale)
		first := max(int(center-support+0.5), 0)
		last := min(int(center+support+0.5), from)
		k = k[:0]
		sum := 0.0
		for i := first; i < last; i++ {
			v := catmullRom((float64(i) - center + 0.5) / stretch)
			k = append(k, v)
			sum += v
		}
		w := make([]int32, len(k))
		for i, v := range k {
			w[i] = int32(math.Round(v / sum * (1 << weightBits)))
		}
		out[x] = taps{first, w}
	}
	return out
}

func clip(v int32) uint8 { return uint8(min(max(v>>weightBits, 0), 255)) }

const half = 1 << (weightBits - 1)

func resizeRows(m Image, w int) Image {
	out := New(m.H, w, m.C)
	table := weights(m.W, w)
	for y := range m.H {
		src, dst := m.Row(y), out.Row(y)
		for x, t := range table {
			if m.C == 1 {
				sum := int32(half)
				for i, k := range t.w {
					sum += k * int32(src[t.first+i])
				}
				dst[x] = clip(sum)
				continue
			}
			r, g, b := int32(half), int32(half), int32(half)
			for i, k := range t.w {
				p := src[3*(t.first+i):]
				r += k * int32(p[0])
				g += k * int32(p[1])
				b += k * int32(p[2])
			}
			dst[3*x], dst[3*x+1], dst[3*x+2] = clip(r), clip(g), clip(b)
		}
	}
	return out
}

func resizeColumns(m Image, h int) Image {
	out := New(h, m.W, m.C)
	sum := make([]int32, m.W*m.C)
	for y, t := range weights(m.H, h) {
		for i := range sum {
			sum[i] = half
		}
		for i, k := range t.w {
			for x, v := range m.Row(t.first + i) {
				sum[x] += k * int32(v)
			}
		}
		dst := out.Row(y)
		for x, v := range sum {
			dst[x] = clip(v)
		}
	}
	return out
}
