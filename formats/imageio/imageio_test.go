package imageio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/image/draw"
)

// pattern returns an image whose every byte differs from its neighbours'.
func pattern(h, w, c int) Image {
	m := New(h, w, c)
	for i := range m.Pix {
		m.Pix[i] = uint8(i * 37)
	}
	return m
}

// smooth returns an image of low frequencies, as photographs are.
func smooth(h, w, c int) Image {
	m := New(h, w, c)
	for y := range h {
		for x := range w {
			for k := range c {
				v := math.Sin(float64(x+3*k)/7) * math.Cos(float64(y)/(5+float64(k)))
				m.Pix[(y*w+x)*c+k] = uint8(128 + 120*v)
			}
		}
	}
	return m
}

func encode(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPNGRoundTrip(t *testing.T) {
	for _, c := range []int{1, 3} {
		m := pattern(5, 7, c)
		var b bytes.Buffer
		if err := Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		got, err := Decode(&b, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if got.H != 5 || got.W != 7 || got.C != c || !bytes.Equal(got.Pix, m.Pix) {
			t.Errorf("C=%d: decode(encode(m)) is not m", c)
		}
	}
	if err := Encode(new(bytes.Buffer), Image{H: 2, W: 2, C: 1, Pix: make([]uint8, 3)}); err == nil {
		t.Error("an image short of pixels was written")
	}
}

// TestDecodeKinds checks the channels and the first pixel of each kind of PNG and JPEG.
func TestDecodeKinds(t *testing.T) {
	r := image.Rect(0, 0, 2, 1)
	fill := func(m draw.Image, c color.Color) image.Image {
		m.Set(0, 0, c)
		m.Set(1, 0, c)
		return m
	}
	jpg := func(m image.Image) []byte {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 100}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	greys := color.Palette{color.Gray{10}, color.Gray{200}}
	colors := color.Palette{color.Gray{10}, color.RGBA{200, 0, 0, 255}}
	for _, tt := range []struct {
		name string
		file []byte
		tol  int
		want []uint8
	}{
		{"grey", encode(t, fill(image.NewGray(r), color.Gray{77})), 0, []uint8{77}},
		{"grey 16", encode(t, fill(image.NewGray16(r), color.Gray16{0x4dff})), 0, []uint8{0x4d}},
		{"rgb 16", encode(t, fill(image.NewRGBA64(r), color.RGBA64{0x01ff, 0x8000, 0xfeff, 0xffff})), 0, []uint8{1, 128, 254}},
		{"half clear 16", encode(t, fill(image.NewNRGBA64(r), color.NRGBA64{0, 0x64ff, 0xffff, 0x80ff})), 0, []uint8{127, 177, 255}},
		{"rgb", encode(t, fill(image.NewRGBA(r), color.RGBA{1, 2, 3, 255})), 0, []uint8{1, 2, 3}},
		{"clear on white", encode(t, fill(image.NewNRGBA(r), color.NRGBA{9, 9, 9, 0})), 0, []uint8{255, 255, 255}},
		{"half clear", encode(t, fill(image.NewNRGBA(r), color.NRGBA{0, 100, 255, 128})), 0, []uint8{127, 177, 255}},
		{"palette of greys", encode(t, fill(image.NewPaletted(r, greys), color.Gray{200})), 0, []uint8{200}},
		{"palette", encode(t, fill(image.NewPaletted(r, colors), color.RGBA{200, 0, 0, 255})), 0, []uint8{200, 0, 0}},
		{"grey JPEG", jpg(fill(image.NewGray(r), color.Gray{77})), 1, []uint8{77}},
		{"JPEG", jpg(fill(image.NewRGBA(r), color.RGBA{200, 30, 60, 255})), 3, []uint8{200, 30, 60}},
	} {
		m, err := Decode(bytes.NewReader(tt.file), Limits{})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		info, err := DecodeInfo(bytes.NewReader(tt.file), Limits{})
		if err != nil || info.H != m.H || info.W != m.W || info.C != m.C {
			t.Errorf("%s: info %+v (%v) of an image of %dx%dx%d", tt.name, info, err, m.H, m.W, m.C)
		}
		if m.H != 1 || m.W != 2 || m.C != len(tt.want) {
			t.Errorf("%s: %dx%dx%d, want 1x2x%d", tt.name, m.H, m.W, m.C, len(tt.want))
			continue
		}
		for i, want := range tt.want {
			if d := int(m.Pix[i]) - int(want); d > tt.tol || -d > tt.tol {
				t.Errorf("%s: first pixel %v, want %v ± %d", tt.name, m.Pix[:m.C], tt.want, tt.tol)
				break
			}
		}
	}
}

// pngHeader returns a PNG that ends after a header of that size.
func pngHeader(h, w uint32) []byte {
	chunk := []byte("IHDR")
	chunk = binary.BigEndian.AppendUint32(chunk, w)
	chunk = binary.BigEndian.AppendUint32(chunk, h)
	chunk = append(chunk, 8, 2, 0, 0, 0)
	b := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d")
	b = append(b, chunk...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(chunk))
}

func TestDecodeRefuses(t *testing.T) {
	whole := encode(t, pattern(40, 40, 3).Std())
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, pattern(60, 40, 3).Std(), nil); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		file []byte
		lim  Limits
		want error
		says string
	}{
		{"empty", nil, Limits{}, ErrFormat, "an empty file"},
		{"text", []byte("hello there\n"), Limits{}, ErrFormat, "found text"},
		{"page", []byte("\n<!DOCTYPE html><p>404"), Limits{}, ErrFormat, "an HTML page"},
		{"gif", []byte("GIF89a"), Limits{}, ErrFormat, "it ends early"},
		{"webp", []byte("RIFF\x00\x00\x00\x00WEBPVP8 "), Limits{}, ErrFormat, "it ends early"},
		{"avif", []byte("\x00\x00\x00\x1cftypavif\x00\x00"), Limits{}, ErrFormat, "an AVIF image"},
		{"cut", whole[:len(whole)/2], Limits{}, ErrFormat, "not enough pixel data"},
		{"cut in the header", whole[:30], Limits{}, ErrFormat, "it ends early"},
		{"cut JPEG", photo.Bytes()[:photo.Len()*2/3], Limits{}, ErrFormat, "it ends early"},
		{"flipped bit", flip(whole, len(whole)/2), Limits{}, ErrFormat, ""},
		{"4 gigapixel header", pngHeader(65536, 65536), Limits{}, ErrTooLarge, "65536 rows"},
		{"beyond its limit", whole, Limits{MaxPixels: 1599}, ErrTooLarge, "1599"},
		{"too many bytes", whole, Limits{MaxBytes: 100}, ErrTooLarge, ""},
	} {
		_, err := Decode(bytes.NewReader(tt.file), tt.lim)
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %v with %q", tt.name, err, tt.want, tt.says)
		}
	}
	broken := errors.New("disk on fire")
	if _, err := Decode(iotest.ErrReader(broken), Limits{}); !errors.Is(err, broken) || errors.Is(err, ErrFormat) {
		t.Errorf("a reader's error became %v", err)
	}
}

func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 0x10
	return b
}

// TestOrientation decodes a picture with a dark top left quarter, stored in each of the
// eight orientations.
func TestOrientation(t *testing.T) {
	upright := New(16, 32, 1)
	for i := range upright.Pix {
		upright.Pix[i] = 255
	}
	for y := range 8 {
		for x := range 16 {
			upright.Pix[y*32+x] = 0
		}
	}
	for orient, back := range map[int]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6} {
		stored := turn(upright, back) // its own inverse, save 6 and 8
		var b bytes.Buffer
		if err := jpeg.Encode(&b, stored.Std(), nil); err != nil {
			t.Fatal(err)
		}
		exif := "Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00" + string(rune(orient)) + "\x00\x00\x00\x00\x00\x00\x00"
		file := append([]byte("\xff\xd8\xff\xe1\x00"), byte(len(exif)+2))
		file = append(append(file, exif...), b.Bytes()[2:]...)
		m, err := Decode(bytes.NewReader(file), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		info, err := DecodeInfo(bytes.NewReader(file), Limits{})
		if err != nil || info.H != 16 || info.W != 32 {
			t.Errorf("orientation %d: info %+v, %v", orient, info, err)
		}
		if m.H != 16 || m.W != 32 || m.Pix[0] > 20 || m.Pix[31] < 235 || m.Pix[15*32] < 235 || m.Pix[15*32+31] < 235 {
			t.Errorf("orientation %d: %dx%d, corners %d %d %d %d", orient, m.H, m.W, m.Pix[0], m.Pix[31], m.Pix[15*32], m.Pix[15*32+31])
		}
	}
}

// TestYCbCr compares with the colours of the standard library, for every subsampling
// and crop.
func TestYCbCr(t *testing.T) {
	for ratio := image.YCbCrSubsampleRatio444; ratio <= image.YCbCrSubsampleRatio410; ratio++ {
		m := image.NewYCbCr(image.Rect(0, 0, 37, 41), ratio)
		for k, plane := range [][]uint8{m.Y, m.Cb, m.Cr} {
			for i := range plane {
				plane[i] = uint8((i + 1) * (i + 7) * (2*k + 31) >> 3)
			}
		}
		for _, r := range []image.Rectangle{m.Rect, image.Rect(1, 1, 37, 41), image.Rect(2, 3, 5, 6), image.Rect(3, 2, 4, 3), image.Rect(5, 5, 35, 36)} {
			sub := m.SubImage(r).(*image.YCbCr)
			got := convert(sub, 3)
			for y := range got.H {
				for x := range got.W {
					c := sub.YCbCrAt(r.Min.X+x, r.Min.Y+y)
					wr, wg, wb := color.YCbCrToRGB(c.Y, c.Cb, c.Cr)
					if p := got.Row(y)[3*x:][:3]; p[0] != wr || p[1] != wg || p[2] != wb {
						t.Fatalf("%v, %v: pixel %d, %d is %v, want %d %d %d", ratio, r, y, x, p, wr, wg, wb)
					}
				}
			}
		}
	}
}

// TestDecodeSquare checks that DecodeSquare gives the same bytes as Decode and Square.
func TestDecodeSquare(t *testing.T) {
	for _, tt := range []struct{ h, w, c int }{{40, 31, 3}, {31, 40, 3}, {9, 9, 3}, {33, 20, 1}, {1, 7, 3}} {
		m := smooth(tt.h, tt.w, tt.c)
		var jpg bytes.Buffer
		if err := jpeg.Encode(&jpg, m.Std(), nil); err != nil {
			t.Fatal(err)
		}
		exif := "\xff\xd8\xff\xe1\x00\x22Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"
		for name, b := range map[string][]byte{"PNG": encode(t, m.Std()), "JPEG": jpg.Bytes(), "turned JPEG": append([]byte(exif), jpg.Bytes()[2:]...)} {
			for _, c := range []int{1, 3} {
				for i, side := range []int{1, 9, 13, 50} {
					whole, err := Decode(bytes.NewReader(b), Limits{})
					if err != nil {
						t.Fatal(err)
					}
					crop := []int{0, 7, 20, 21}[(i+c)%4]
					want := append(whole.Channels(c).Square(crop, side).Pix, 77)
					got := make([]uint8, len(want))
					got[len(got)-1] = 77
					if _, err := DecodeSquare(bytes.NewReader(b), Limits{}, got, crop, side, c); err != nil || !bytes.Equal(got, want) {
						t.Errorf("%s of %dx%dx%d cut to %d, to side %d, %d channels: differs (%v)", name, tt.h, tt.w, tt.c, crop, side, c, err)
					}
				}
			}
		}
	}
	if _, err := DecodeSquare(strings.NewReader("%PDF-1.7"), Limits{}, nil, 0, 1, 1); !errors.Is(err, ErrFormat) {
		t.Errorf("a PDF gave %v", err)
	}
}

func TestCrop(t *testing.T) {
	m := pattern(5, 8, 3)
	c := m.Crop(2, 3)
	if c.H != 2 || c.W != 3 || !bytes.Equal(c.Row(0), m.Row(1)[2*3:5*3]) || !bytes.Equal(c.Row(1), m.Row(2)[2*3:5*3]) {
		t.Errorf("crop is not rows 1 to 2, columns 2 to 4")
	}
	for _, crop := range []int{0, 5, 9} {
		if s := m.Square(crop, 5); s.H != 5 || s.W != 5 || !bytes.Equal(s.Row(4), m.Row(4)[3:18]) {
			t.Errorf("square of 5x8 at side 5, cut to %d, is not its middle", crop)
		}
	}
	if s := m.Square(3, 3); s.H != 3 || s.W != 3 || !bytes.Equal(s.Row(2), m.Row(3)[2*3:5*3]) {
		t.Errorf("square of 5x8 cut to 3 is not its middle")
	}
}

func TestGray(t *testing.T) {
	m := Image{1, 5, 3, []uint8{255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 9, 9, 9}}
	if g := m.Gray(); !bytes.Equal(g.Pix, []uint8{76, 150, 29, 255, 9}) {
		t.Errorf("luma %v", g.Pix)
	}
	g := pattern(3, 4, 1)
	if back := g.RGB().Gray(); !bytes.Equal(back.Pix, g.Pix) {
		t.Error("grey to RGB and back changed the image")
	}
}
