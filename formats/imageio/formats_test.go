package imageio

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func testFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestFormats reads files that Pillow 9.4 wrote: 8 rows and 16 columns, (200, 30, 60) in
// the left half and (20, 90, 220) in the right one, which is clear in those named alpha.
func TestFormats(t *testing.T) {
	left, right, white := [3]int{200, 30, 60}, [3]int{20, 90, 220}, [3]int{255, 255, 255}
	for _, tt := range []struct {
		file, format string
		frames       int
		right        [3]int
		tol          int // of lossy colours; a GIF's palette is chosen by its writer
	}{
		{"plain.bmp", "bmp", 1, right, 0},
		{"plain.gif", "gif", 1, right, 0},
		{"animated.gif", "gif", 2, right, 0},
		{"lossless.webp", "webp", 1, right, 0},
		{"lossy.webp", "webp", 1, right, 3},
		{"rgb.tif", "tiff", 1, right, 0},
		{"lzw.tif", "tiff", 1, right, 0},
		{"deflate.tif", "tiff", 1, right, 0},
		{"pages.tif", "tiff", 3, right, 0},
		{"alpha.png", "png", 1, white, 0},
		{"alpha.tif", "tiff", 1, white, 0},
		{"alpha.webp", "webp", 1, white, 3},
		{"turned.png", "png", 1, right, 0},
		{"turned.tif", "tiff", 1, right, 0},
		{"turned.webp", "webp", 1, right, 0},
	} {
		b := testFile(t, tt.file)
		m, info, err := DecodeWithInfo(bytes.NewReader(b), Limits{})
		if err != nil {
			t.Errorf("%s: %v", tt.file, err)
			continue
		}
		clear := strings.HasPrefix(tt.file, "alpha")
		if info.Format != tt.format || info.Frames != tt.frames || info.Transparent != clear || info.Deep {
			t.Errorf("%s: %+v, want %s, %d frames, transparent %v", tt.file, info, tt.format, tt.frames, clear)
		}
		info.Transparent = false
		if head, err := DecodeInfo(bytes.NewReader(b), Limits{}); err != nil || head != info {
			t.Errorf("%s: the header says %+v (%v), the image %+v", tt.file, head, err, info)
		}
		if m.H != 8 || m.W != 16 || m.C != 3 {
			t.Errorf("%s: %dx%dx%d, want 8x16x3", tt.file, m.H, m.W, m.C)
			continue
		}
		for x, want := range map[int][3]int{1: left, 14: tt.right} {
			for y := range m.H {
				for k, v := range m.Row(y)[3*x:][:3] {
					if d := int(v) - want[k]; d > tt.tol || -d > tt.tol {
						t.Errorf("%s: pixel %d, %d is %v, want %v", tt.file, y, x, m.Row(y)[3*x:][:3], want)
						break
					}
				}
			}
		}
		square := make([]uint8, 8*8*3)
		if _, err := DecodeSquare(bytes.NewReader(b), Limits{}, square, 0, 8, 3); err != nil || !bytes.Equal(square, m.Square(0, 8).Pix) {
			t.Errorf("%s: the square differs from that of the image (%v)", tt.file, err)
		}
	}
	m, info, err := DecodeWithInfo(bytes.NewReader(testFile(t, "deep.tif")), Limits{})
	if err != nil || !info.Deep || m.C != 1 || m.Pix[0] != 0x4d {
		t.Errorf("a TIFF of 16 bits: %+v, %v, %v, want the upper 8 bits 77", info, m.Pix, err)
	}
}

// TestFormatsRefuse checks that a file of a known format that cannot be read says why.
func TestFormatsRefuse(t *testing.T) {
	lossy := testFile(t, "lossy.webp")
	huge := bytes.Clone(testFile(t, "plain.bmp"))
	copy(huge[18:], "\x20\x4e\x00\x00\x20\x4e\x00\x00") // 20,000 columns and rows
	for _, tt := range []struct {
		name string
		file []byte
		want error
		says string
	}{
		{"animated WebP", testFile(t, "animated.webp"), ErrFormat, "save the frame"},
		{"TIFF in inks", testFile(t, "cmyk.tif"), ErrFormat, "unsupported feature: color model"},
		{"cut WebP", lossy[:len(lossy)/2], ErrFormat, ""},
		{"cut GIF", testFile(t, "plain.gif")[:40], ErrFormat, "not enough image data"},
		{"cut TIFF", testFile(t, "rgb.tif")[:300], ErrFormat, "it ends early"},
		{"BMP of 400 megapixels", huge, ErrTooLarge, "20000 rows"},
	} {
		_, err := Decode(bytes.NewReader(tt.file), Limits{})
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %v with %q", tt.name, err, tt.want, tt.says)
		}
	}
}

// TestGIFCanvas checks that a frame smaller than its canvas lies at its place on white,
// and that the colours of the frame decide the channels.
func TestGIFCanvas(t *testing.T) {
	frame := image.NewPaletted(image.Rect(2, 1, 4, 3), color.Palette{color.RGBA{250, 0, 0, 255}, color.Gray{0}})
	var b bytes.Buffer
	anim := &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{1, 1}, Config: image.Config{Width: 5, Height: 4}}
	if err := gif.EncodeAll(&b, anim); err != nil {
		t.Fatal(err)
	}
	m, info, err := DecodeWithInfo(&b, Limits{})
	if err != nil || m.H != 4 || m.W != 5 || m.C != 3 || info.Frames != 2 || !info.Transparent {
		t.Fatalf("%dx%dx%d, %+v, %v; want 4x5x3 of two frames", m.H, m.W, m.C, info, err)
	}
	for at, want := range map[int][]uint8{0: {255, 255, 255}, 1*5 + 2: {250, 0, 0}, 2*5 + 3: {250, 0, 0}, 3*5 + 3: {255, 255, 255}} {
		if got := m.Pix[3*at:][:3]; !bytes.Equal(got, want) {
			t.Errorf("pixel %d is %v, want %v", at, got, want)
		}
	}
}
