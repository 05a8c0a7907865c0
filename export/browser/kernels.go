package browser

import (
	"fmt"

	"github.com/imago-ml/imago/formats/wasm"
)

// A kernel is a function of WebAssembly that computes some neighbouring pixels of the result of a product at once, some
// vectors of four channels of each:
//
//	y[i, j, c] = act(bias[c] + Σ_{t, d} x[i·xRow + j·xCol + taps[t] + d] · w[c, t, d])
//
// The weights are in the order in which they are read: blocks of channels, taps, channels of x, the channels of a block. The
// sums stay in registers, so a multiply-add reads one number of x, which is spread over a vector, and a vector of weights is
// used for all pixels.
type kernel struct {
	pixels, vectors int
	xCol            int // bytes between the pixels in x: constant offsets of the loads
	act             activation
	even            bool // the channels of x are a multiple of 4: so many are computed before the loop ends or goes on
}

// module returns the module of some kernels, with multiply-adds rounded once where the processor can, if relaxed is set.
func module(kernels []kernel, relaxed bool) []byte {
	var m wasm.Module
	for i, k := range kernels {
		k.emit(m.Func(fmt.Sprint("k", i), wasm.I32, wasm.I32, wasm.I32, wasm.I32, wasm.I32, wasm.I32, wasm.I32, wasm.I32, wasm.I32, wasm.I32, wasm.I32, wasm.I32, wasm.I32, wasm.I32), relaxed)
	}
	return m.Bytes()
}

// emit writes the instructions of the kernel.
func (k kernel) emit(f *wasm.Func, relaxed bool) {
	const (
		x, w, bias, y, rows, tiles, blocks, channels, taps, count, xRow, yRow, yCol, slope = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13
	)
	i32 := func() int { return f.Local(wasm.I32) }
	xAt, yAt, tile, block, weight, biasAt, to, tap, taken, from, d := i32(), i32(), i32(), i32(), i32(), i32(), i32(), i32(), i32(), i32(), i32()
	sums := make([]int, k.pixels*k.vectors)
	for i := range sums {
		sums[i] = f.Local(wasm.V128)
	}
	weights := make([]int, k.vectors)
	for i := range weights {
		weights[i] = f.Local(wasm.V128)
	}
	pixel, zero, slopes := f.Local(wasm.V128), f.Local(wasm.V128), f.Local(wasm.V128)
	copyTo := func(to, from int) { f.Get(from); f.Set(to) }
	add := func(to, by int) { f.Get(to); f.Get(by); f.Op(wasm.I32Add); f.Set(to) }
	down := func(n int) { f.Increase(n, -1); f.Get(n) }
	if k.act == leaky {
		f.Get(slope)
		f.Op(wasm.F32FromI32, wasm.F32x4Splat)
		f.Set(slopes)
	}
	multiply := func(depth int) {
		for v, to := range weights {
			f.Get(weight)
			f.Load(wasm.V128Load, 16*(depth*k.vectors+v))
			f.Set(to)
		}
		for p := range k.pixels {
			f.Get(from)
			f.Load(wasm.V128Load32Splat, p*k.xCol+4*depth)
			f.Set(pixel)
			for v, wv := range weights {
				sum := sums[p*k.vectors+v]
				if relaxed {
					f.Get(pixel)
					f.Get(wv)
					f.Get(sum)
					f.Op(wasm.F32x4RelaxedMadd)
				} else {
					f.Get(sum)
					f.Get(pixel)
					f.Get(wv)
					f.Op(wasm.F32x4Mul, wasm.F32x4Add)
				}
				f.Set(sum)
			}
		}
	}
	unroll := 1
	if k.even {
		unroll = 4
	}
	f.Loop(func() { // rows
		copyTo(xAt, x)
		copyTo(yAt, y)
		copyTo(tile, tiles)
		f.Loop(func() { // groups of pixels
			copyTo(weight, w)
			copyTo(biasAt, bias)
			copyTo(block, blocks)
			copyTo(to, yAt)
			f.Loop(func() { // blocks of channels
				for p := range k.pixels {
					for v := range k.vectors {
						f.Get(biasAt)
						f.Load(wasm.V128Load, 16*v)
						f.Set(sums[p*k.vectors+v])
					}
				}
				f.Get(count)
				f.If(func() {
					copyTo(tap, taps)
					copyTo(taken, count)
					f.Loop(func() { // taps
						copyTo(from, xAt)
						f.Get(tap)
						f.Load(wasm.I32Load, 0)
						f.Get(from)
						f.Op(wasm.I32Add)
						f.Set(from)
						copyTo(d, channels)
						f.Loop(func() { // channels of x
							for depth := range unroll {
								multiply(depth)
							}
							f.Increase(from, int32(4*unroll))
							f.Increase(weight, int32(16*k.vectors*unroll))
							f.Increase(d, int32(-unroll))
							f.Get(d)
						})
						f.Increase(tap, 4)
						down(taken)
					})
				})
				copyTo(d, to)
				for p := range k.pixels {
					for v := range k.vectors {
						f.Get(d)
						k.activate(f, sums[p*k.vectors+v], zero, slopes)
						f.Store(wasm.V128Store, 16*v)
					}
					if p < k.pixels-1 {
						add(d, yCol)
					}
				}
				f.Increase(to, int32(16*k.vectors))
				f.Increase(biasAt, int32(16*k.vectors))
				down(block)
			})
			f.Increase(xAt, int32(k.pixels*k.xCol))
			for range k.pixels {
				add(yAt, yCol)
			}
			down(tile)
		})
		add(x, xRow)
		add(y, yRow)
		down(rows)
	})
}

// activate leaves the activation of a sum on the stack.
func (k kernel) activate(f *wasm.Func, sum, zero, slopes int) {
	f.Get(sum)
	switch k.act {
	case relu:
		f.Get(zero)
		f.Op(wasm.F32x4Max)
	case leaky:
		f.Get(sum)
		f.Get(slopes)
		f.Op(wasm.F32x4Mul)
		f.Get(sum)
		f.Get(zero)
		f.Op(wasm.F32x4Gt, wasm.V128Bitselect)
	}
}
