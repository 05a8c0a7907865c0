package imageio

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"golang.org/x/image/draw"

	"github.com/imago-ml/imago/internal/cpuid"
)

// TestResizeIsPillows compares with digests of Pillow 9.4.0, Image.resize(size,
// BICUBIC), of the same noise: the upper byte of x = x·1664525 + 1013904223 mod 2³²
// from x = 1.
func TestResizeIsPillows(t *testing.T) {
	for _, tt := range []struct {
		h, w, c, toH, toW int
		want              string
	}{
		{218, 178, 3, 64, 64, "0b2cbfef402d0d000f15fae5922127fb4177ec529f33a216583d270d47e01aa8"},
		{28, 28, 1, 32, 32, "d997f4ed52bd0ef43591f853aa86963c1c59653324f5cfbd9f4dd4f879cfd547"},
		{33, 47, 3, 7, 100, "d52bc9a7452a8b1a0f23802e5186d94c8ecfeb8866c326df8d03ea209550453d"},
		{64, 64, 1, 63, 65, "23e68176dc1701eea83d39ee309e4eee7f60084f2ccda481948735513ee00728"},
		{5, 5, 3, 1, 1, "3a04844a5c66e69ff6abff8c0d7734171aea37e5d8b1988e449ea132324acb83"},
		{1, 1, 1, 4, 4, "8ab75b43137c36fa3e97f4d17c7c3fcde59e77b5c47d5b1ba8889e6664a9db77"},
	} {
		m, x := New(tt.h, tt.w, tt.c), uint32(1)
		for i := range m.Pix {
			x = x*1664525 + 1013904223
			m.Pix[i] = uint8(x >> 24)
		}
		got := Resize(m, tt.toH, tt.toW)
		if sum := fmt.Sprintf("%x", sha256.Sum256(got.Pix)); sum != tt.want {
			t.Errorf("%dx%dx%d to %dx%d: digest %s, want %s", tt.h, tt.w, tt.c, tt.toH, tt.toW, sum, tt.want)
		}
	}
}

// TestResizeAgainstDraw compares with the Catmull-Rom scaler of
// golang.org/x/image/draw, which computes in float64 and rounds once; Resize rounds
// after the rows too, hence 2 levels.
func TestResizeAgainstDraw(t *testing.T) {
	for _, c := range []int{1, 3} {
		for _, tt := range []struct{ h, w, toH, toW int }{
			{218, 178, 64, 64}, {28, 28, 32, 32}, {33, 47, 7, 100}, {64, 64, 63, 65}, {5, 5, 1, 1}, {1, 1, 4, 4},
		} {
			m := smooth(tt.h, tt.w, c)
			got := Resize(m, tt.toH, tt.toW)
			want := image.NewRGBA(image.Rect(0, 0, tt.toW, tt.toH))
			draw.CatmullRom.Scale(want, want.Rect, m.Std(), image.Rect(0, 0, tt.w, tt.h), draw.Src, nil)
			if got.H != tt.toH || got.W != tt.toW || got.C != c {
				t.Fatalf("%+v: got %dx%dx%d", tt, got.H, got.W, got.C)
			}
			worst := 0
			for i := range tt.toH * tt.toW {
				for k := range c {
					d := int(got.Pix[i*c+k]) - int(want.Pix[4*i+k])
					worst = max(worst, d, -d)
				}
			}
			if worst > 2 {
				t.Errorf("%+v C=%d: differs from draw.CatmullRom by %d levels", tt, c, worst)
			}
		}
	}
}

// TestBlend checks that every implementation gives the same bytes, for every length and
// number of taps, and writes nothing beyond dst.
func TestBlend(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	cpuid.EachImpl(t, "blend", func(t *testing.T) {
		for n := range 110 {
			for _, taps := range []int{1, 2, 5, 12} {
				stride := n + r.IntN(5)
				src := make([]uint8, (taps-1)*stride+n)
				for i := range src {
					src[i] = uint8(r.Uint32())
				}
				w := make([]int32, taps)
				for i := range w {
					w[i] = int32(r.IntN(1<<weightBits)) / int32(taps) * int32(1-2*(i%2*r.IntN(2)))
				}
				dst := make([]uint8, n+40)
				for i := range dst {
					dst[i] = 77
				}
				blend(dst[:n], src, stride, w)
				for x, got := range dst {
					want := int64(77)
					if x < n {
						want = half
						for i, k := range w {
							want += int64(k) * int64(src[i*stride+x])
						}
						want = min(max(want>>weightBits, 0), 255)
					}
					if int64(got) != want {
						t.Fatalf("%d bytes, %d taps: byte %d is %d, want %d", n, taps, x, got, want)
					}
				}
			}
		}
	})
}

// TestResizeDoesNotAlias reduces a checkerboard of one-pixel squares, which must become
// grey; a scaler that skips pixels gives black, white or bands.
func TestResizeDoesNotAlias(t *testing.T) {
	m := New(90, 90, 1)
	for i := range m.Pix {
		if (i/90+i%90)%2 == 0 {
			m.Pix[i] = 255
		}
	}
	for i, v := range Resize(m, 20, 20).Pix {
		if math.Abs(float64(v)-127.5) > 8 {
			t.Fatalf("pixel %d is %d, want about 127", i, v)
		}
	}
}

func TestResizeKeepsConstants(t *testing.T) {
	for _, v := range []uint8{0, 1, 127, 254, 255} {
		m := New(17, 23, 3)
		for i := range m.Pix {
			m.Pix[i] = v
		}
		for _, side := range []int{1, 2, 13, 40} {
			if got := Resize(m, side, side); bytes.Count(got.Pix, []byte{v}) != len(got.Pix) {
				t.Errorf("a plain image of %d changed at side %d", v, side)
			}
		}
	}
}

func TestResizeSameSizeIsSame(t *testing.T) {
	m := pattern(9, 11, 3)
	if got := Resize(m, 9, 11); !bytes.Equal(got.Pix, m.Pix) {
		t.Error("resizing to the same size changed the image")
	}
}

func BenchmarkResize(b *testing.B) {
	m := smooth(218, 178, 3)
	cpuid.EachImpl(b, "178x178x3 to 64", func(b *testing.B) {
		for b.Loop() {
			m.Square(0, 64)
		}
	})
}
