package imageio

import (
	"bytes"
	"errors"
	"image/jpeg"
	"testing"
)

func FuzzDecode(f *testing.F) {
	for _, c := range []int{1, 3} {
		m := smooth(9, 13, c).Std()
		f.Add(encode(f, m))
		var b bytes.Buffer
		if err := jpeg.Encode(&b, m, nil); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
		f.Add(b.Bytes()[:b.Len()/2])
		exif := "\xff\xd8\xff\xe1\x00\x22Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"
		f.Add(append([]byte(exif), b.Bytes()[2:]...))
	}
	for _, name := range []string{"plain.bmp", "plain.gif", "animated.gif", "lossy.webp", "alpha.webp", "turned.webp", "lzw.tif", "pages.tif", "turned.png"} {
		f.Add(testFile(f, name))
	}
	f.Add(cmykJPEG(f, [4]uint8{10, 20, 30, 40}, true))
	f.Add(pngHeader(65536, 65536))
	f.Add(pngHeader(0, 1))
	f.Add([]byte("\xff\xd8\xff\xe1\xff\xff"))
	f.Add([]byte("<html>"))
	lim := Limits{MaxPixels: 1 << 16}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(bytes.NewReader(b), lim)
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrTooLarge) {
				t.Errorf("bad bytes gave %v", err)
			}
			return
		}
		if err := m.Check(); err != nil {
			t.Error(err)
		}
		info, err := DecodeInfo(bytes.NewReader(b), lim)
		if err != nil || info.H != m.H || info.W != m.W || info.C != m.C {
			t.Errorf("info %+v, %v; image %dx%dx%d", info, err, m.H, m.W, m.C)
		}
		square := make([]uint8, 5*5*m.C)
		if _, err := DecodeSquare(bytes.NewReader(b), lim, square, 3, 5, m.C); err != nil || !bytes.Equal(square, m.Square(3, 5).Pix) {
			t.Errorf("the square differs from that of the image (%v)", err)
		}
		var out bytes.Buffer
		if err := Encode(&out, m); err != nil {
			t.Fatal(err)
		}
		if again, err := Decode(&out, lim); err != nil || !bytes.Equal(again.Pix, m.Pix) {
			t.Errorf("encode then decode changed the image (%v)", err)
		}
	})
}
