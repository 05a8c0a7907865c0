package imageio

import (
	"math"
	"sync"
)

// Resize returns m resized to h rows and w columns with the cubic filter of Catmull and
// Rom (a = -1/2). To reduce an image, the filter is widened by the scale so that every
// pixel of m counts and nothing aliases. With s = max(1, from/to), output x lies at c =
// (x + 1/2)·from/to and is Σ k((i + 1/2 − c)/s)·m_i over the pixels i within 2s of it,
// with weights that sum to 1; first rows, then columns.
//
// Weights are fixed point with 22 bits and each pass rounds to 8 bits: the result
// equals Pillow's Image.resize(size, BICUBIC), byte for byte, on every processor. If
// the sizes are equal m itself is returned, not a copy; h and w below 1 count as 1.
// Keys, Cubic convolution interpolation (1981).
func Resize(m Image, h, w int) Image {
	h, w = max(h, 1), max(w, 1)
	if h == m.H && w == m.W {
		return m
	}
	if m.C != 1 && m.C != 3 {
		return m.eachChannel(h, w, func(channel Image) Image { return Resize(channel, h, w) })
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	out := New(h, w, m.C)
	s.resize(out, m)
	return out
}

// eachChannel returns the h×w image whose channels are f of the channels of m.
func (m Image) eachChannel(h, w int, f func(channel Image) Image) Image {
	out := New(h, w, m.C)
	one := New(m.H, m.W, 1)
	for k := range m.C {
		for at := range one.Pix {
			one.Pix[at] = m.Pix[at*m.C+k]
		}
		for at, v := range f(one).Pix {
			out.Pix[at*m.C+k] = v
		}
	}
	return out
}

// weightBits leaves room in 32 bits for 255 times weights whose absolute values
// sum to less than 2, and a sign.
const weightBits = 32 - 8 - 2

// taps are the source pixels of one output pixel and their weights.
type taps struct {
	first int
	w     []int32 // sums to about 1<<weightBits
}

// catmullRom returns the value of the filter; 0 outside (-2, 2). The conversions keep
// compilers from fusing products into sums, which would round differently.
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

// weights returns, for each of to output pixels, its taps in from source pixels.
func weights(from, to int) []taps {
	scale := float64(from) / float64(to)
	stretch := max(scale, 1)
	support := 2 * stretch
	out := make([]taps, to)
	most := int(2*support) + 2
	all := make([]int32, 0, to*most) // one piece of memory for all weights
	k := make([]float64, 0, most)
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
		start := len(all)
		for _, v := range k {
			all = append(all, int32(math.Round(v/sum*(1<<weightBits))))
		}
		out[x] = taps{first, all[start:len(all):len(all)]}
	}
	return out
}

// A scratch holds the buffers of resizing. It keeps the weights of the last sizes,
// because the images of a set often have one size.
type scratch struct {
	table    []taps
	from, to int     // of table
	file     []uint8 // an image before it is resized
	rows     []uint8 // all its rows, resized
	in, out  []uint8 // a band, as it is and resized
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func (s *scratch) weights(from, to int) []taps {
	if s.table == nil || from != s.from || to != s.to {
		s.table, s.from, s.to = weights(from, to), from, to
	}
	return s.table
}

// grown returns b with n bytes of undefined content.
func grown(b []uint8, n int) []uint8 {
	if cap(b) < n {
		return make([]uint8, n)
	}
	return b[:n]
}

// resize fills dst with m: rows, then columns.
func (s *scratch) resize(dst, m Image) {
	if dst.W != m.W {
		wide := dst
		if dst.H != m.H {
			s.rows = grown(s.rows, m.H*dst.W*m.C)
			wide = Image{m.H, dst.W, m.C, s.rows}
		}
		s.resizeRows(wide, m)
		m = wide
	}
	if dst.H != m.H {
		for y, t := range s.weights(m.H, dst.H) {
			blend(dst.Row(y), m.Pix[t.first*m.W*m.C:], m.W*m.C, t.w)
		}
	}
}

// bandBytes is the number of bytes of a column of a band: a multiple of 8, 1 and 3. A
// band of 178 columns then fits into the first-level cache.
const bandBytes = 96

// resizeRows transposes one band of rows at a time, so that blend reads contiguous
// bytes.
func (s *scratch) resizeRows(dst, m Image) {
	s.in, s.out = grown(s.in, bandBytes*m.W), grown(s.out, bandBytes*dst.W)
	table := s.weights(m.W, dst.W)
	rows := bandBytes / m.C
	for y := 0; y < m.H; y += rows {
		n := min(rows, m.H-y)
		turnBand(s.in, m, y, n)
		for x, t := range table {
			blend(s.out[x*bandBytes:][:n*m.C], s.in[t.first*bandBytes:], bandBytes, t.w)
		}
		turnBack(dst, s.out, y, n)
	}
}

// turnBand writes rows y to y+n−1 of m to band, column by column.
func turnBand(band []uint8, m Image, y, n int) {
	for r := range n {
		row := m.Row(y + r)
		if m.C == 1 {
			for x, v := range row {
				band[x*bandBytes+r] = v
			}
			continue
		}
		at := 3 * r
		for i := 0; i+3 <= len(row); i += 3 {
			p, q := row[i:i+3:i+3], band[at:at+3:at+3]
			q[0], q[1], q[2] = p[0], p[1], p[2]
			at += bandBytes
		}
	}
}

// turnBack writes band to rows y to y+n−1 of m.
func turnBack(m Image, band []uint8, y, n int) {
	for r := range n {
		row := m.Row(y + r)
		if m.C == 1 {
			for x := range row {
				row[x] = band[x*bandBytes+r]
			}
			continue
		}
		at := 3 * r
		for i := 0; i+3 <= len(row); i += 3 {
			p, q := row[i:i+3:i+3], band[at:at+3:at+3]
			p[0], p[1], p[2] = q[0], q[1], q[2]
			at += bandBytes
		}
	}
}
