package imageio

import (
	"bytes"
	"encoding/binary"
)

// jpegOrientation returns the EXIF orientation of a JPEG, 1 to 8, from the bytes up to its
// frame header; 1, upright, if there is no valid one. It is in segment APP1
// ("Exif\0\0", then a TIFF header of either byte order), entry 0x0112 of the first
// directory. CIPA DC-008, 4.6.
func jpegOrientation(b []byte) int {
	for p := 2; p+4 <= len(b) && b[p] == 0xff; {
		marker, n := b[p+1], int(binary.BigEndian.Uint16(b[p+2:]))
		if marker == 0xda || n < 2 || p+2+n > len(b) { // pixels, or nonsense
			return 1
		}
		body := b[p+4 : p+2+n]
		if tiff, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00")); ok && marker == 0xe1 {
			return tiffOrientation(tiff)
		}
		p += 2 + n
	}
	return 1
}

// tiffOrientation returns the orientation in the first directory of a TIFF, 1 if it has
// none that is valid.
func tiffOrientation(b []byte) int {
	var order binary.ByteOrder = binary.BigEndian
	if bytes.HasPrefix(b, []byte("II")) {
		order = binary.LittleEndian
	}
	if len(b) < 8 {
		return 1
	}
	dir := uint64(order.Uint32(b[4:]))
	if dir+2 > uint64(len(b)) {
		return 1
	}
	const entry, tagOrientation = 12, 0x0112
	rest := b[dir+2:]
	for range order.Uint16(b[dir:]) {
		if len(rest) < entry {
			return 1
		}
		if order.Uint16(rest) == tagOrientation {
			if v := int(order.Uint16(rest[8:])); v >= 1 && v <= 8 {
				return v
			}
			return 1
		}
		rest = rest[entry:]
	}
	return 1
}

// turns lists for each EXIF orientation how the picture is stored: whether its rows are
// the columns of the file, then which of the two are reversed.
var turns = [9]struct{ swap, flipY, flipX bool }{
	2: {false, false, true},
	3: {false, true, true},
	4: {false, true, false},
	5: {true, false, false},
	6: {true, true, false},
	7: {true, true, true},
	8: {true, false, true},
}

// turn returns m turned upright according to its EXIF orientation.
func turn(m Image, orient int) Image {
	if orient <= 1 || orient > 8 {
		return m
	}
	t := turns[orient]
	out := New(m.H, m.W, m.C)
	if t.swap {
		out.H, out.W = m.W, m.H
	}
	for y := range out.H {
		for x := range out.W {
			sy, sx := y, x
			if t.swap {
				sy, sx = x, y
			}
			if t.flipY {
				sy = m.H - 1 - sy
			}
			if t.flipX {
				sx = m.W - 1 - sx
			}
			copy(out.Pix[(y*out.W+x)*m.C:][:m.C], m.Pix[(sy*m.W+sx)*m.C:])
		}
	}
	return out
}
