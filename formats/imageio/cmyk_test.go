package imageio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"strings"
	"testing"
)

// cmykJPEG returns a JPEG of 8×8 in four channels of those levels, as Adobe's programs write
// one; without adobe, the marker that says so is left out. Each channel is a scan of a
// grey JPEG: the scan and the tables are the standard library's, the frame is ours.
func cmykJPEG(t testing.TB, levels [4]uint8, adobe bool) []byte {
	t.Helper()
	var tables []byte // before the frame: quantisation; after it: Huffman
	var scans [][]byte
	for _, v := range levels {
		m := image.NewGray(image.Rect(0, 0, 8, 8))
		for i := range m.Pix {
			m.Pix[i] = v
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 100}); err != nil {
			t.Fatal(err)
		}
		tables = tables[:0]
		rest := b.Bytes()[2:]
		for rest[1] != 0xda {
			n := 2 + int(binary.BigEndian.Uint16(rest[2:]))
			if rest[1] == 0xdb || rest[1] == 0xc4 {
				tables = append(tables, rest[:n]...)
			}
			rest = rest[n:]
		}
		n := 2 + int(binary.BigEndian.Uint16(rest[2:]))
		scans = append(scans, rest[n:len(rest)-2])
	}
	out := []byte("\xff\xd8")
	if adobe {
		out = append(out, "\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"...)
	}
	out = append(out, tables...)
	out = append(out, "\xff\xc0\x00\x14\x08\x00\x08\x00\x08\x04"...)
	for i := range byte(4) {
		out = append(out, i+1, 0x11, 0)
	}
	for i, scan := range scans {
		out = append(out, "\xff\xda\x00\x08\x01"...)
		out = append(out, byte(i+1), 0, 0, 63, 0)
		out = append(out, scan...)
	}
	return append(out, "\xff\xd9"...)
}

// TestCMYK checks that CMYK JPEGs are converted to RGB. Adobe stores inverted ink: 255
// is none.
func TestCMYK(t *testing.T) {
	const tol = 3
	for _, tt := range []struct {
		levels [4]uint8
		want   color.RGBA
	}{
		{[4]uint8{255, 255, 255, 255}, color.RGBA{R: 255, G: 255, B: 255}},
		{[4]uint8{0, 255, 255, 255}, color.RGBA{R: 0, G: 255, B: 255}}, // all the cyan there is
		{[4]uint8{255, 100, 200, 255}, color.RGBA{R: 255, G: 100, B: 200}},
		{[4]uint8{255, 255, 255, 0}, color.RGBA{}},
		{[4]uint8{255, 128, 255, 128}, color.RGBA{R: 128, G: 64, B: 128}},
	} {
		b := cmykJPEG(t, tt.levels, true)
		m, err := Decode(bytes.NewReader(b), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if m.H != 8 || m.W != 8 || m.C != 3 {
			t.Fatalf("%dx%dx%d", m.H, m.W, m.C)
		}
		for i, want := range []uint8{tt.want.R, tt.want.G, tt.want.B} {
			if d := int(m.Pix[i]) - int(want); d > tol || -d > tol {
				t.Errorf("ink %v: %v, want %v", tt.levels, m.Pix[:3], tt.want)
				break
			}
		}
		square := make([]uint8, 5*5*3)
		if _, err := DecodeSquare(bytes.NewReader(b), Limits{}, square, 6, 5, 3); err != nil || !bytes.Equal(square, m.Square(6, 5).Pix) {
			t.Errorf("the square differs (%v)", err)
		}
	}
	_, err := Decode(bytes.NewReader(cmykJPEG(t, [4]uint8{}, false)), Limits{})
	if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "4-component") {
		t.Errorf("four channels of which is not said what they are: %v", err)
	}
}
