package imageio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// A format is a kind of image file.
type format struct {
	name   string // of Info.Format
	is     func(head []byte) bool
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	pixel  int64                      // most bytes of memory that decode and convert take for a pixel of 8 bits a channel
	rest   bool                       // more wants the bytes after the header too
	more   func(b []byte, info *Info) // sets what config does not say, from the bytes read so far; nil = nothing
}

// toPixels is the bytes that a pixel takes in an Image, and in one that is turned.
const toPixels = 3 + 3

// formats are all kinds that are read.
var formats = []*format{
	{name: "png", is: begins("\x89PNG\r\n\x1a\n"), config: png.DecodeConfig, decode: png.Decode, pixel: 4 + 4 + toPixels, rest: true,
		more: func(b []byte, info *Info) { info.orient = pngOrientation(b) }},
	{name: "jpeg", is: begins("\xff\xd8\xff"), config: jpeg.DecodeConfig, decode: jpeg.Decode, pixel: 4 + 4 + toPixels,
		more: func(b []byte, info *Info) { info.orient, info.progressive = jpegOrientation(b), jpegProgressive(b) }},
	{name: "gif", is: begins("GIF87a", "GIF89a"), config: gif.DecodeConfig, decode: decodeGIF, pixel: 1 + 4 + toPixels, rest: true, more: gifFrames},
	{name: "bmp", is: begins("BM"), config: bmp.DecodeConfig, decode: bmp.Decode, pixel: 4 + toPixels},
	{name: "tiff", is: begins("II*\x00", "MM\x00*"), config: tiff.DecodeConfig, decode: tiff.Decode, pixel: 4 + 20 + toPixels, rest: true, more: tiffPages},
	{name: "webp", is: isWebP, config: webpConfig, decode: decodeWebP, pixel: 4 + 12 + toPixels, rest: true, more: webpOrientation},
}

// formatOf returns the format of a file that begins with head; nil = none that is read.
func formatOf(head []byte) *format {
	for _, f := range formats {
		if f.is(head) {
			return f
		}
	}
	return nil
}

// Known reports whether a file that begins with these bytes, 12 are enough, is of a
// format that Decode reads.
func Known(head []byte) bool { return formatOf(head) != nil }

// begins returns a function that reports whether a file begins with one of the magics.
func begins(magics ...string) func(head []byte) bool {
	return func(head []byte) bool {
		for _, m := range magics {
			if bytes.HasPrefix(head, []byte(m)) {
				return true
			}
		}
		return false
	}
}

// pngOrientation returns the orientation in the chunk eXIf of a PNG, 1 if it has none.
// W3C, Portable Network Graphics (third edition), 11.3.4.6.
func pngOrientation(b []byte) int {
	for p := 8; p+12 <= len(b); {
		n := uint64(binary.BigEndian.Uint32(b[p:]))
		if uint64(p)+12+n > uint64(len(b)) {
			return 1
		}
		if string(b[p+4:p+8]) == "eXIf" {
			return tiffOrientation(b[p+8 : uint64(p)+8+n])
		}
		p += 12 + int(n)
	}
	return 1
}

// jpegProgressive reports whether the frame of a JPEG, whose header b holds, is
// progressive: its decoder keeps the coefficients of all blocks. ITU-T T.81, B.1.1.3.
func jpegProgressive(b []byte) bool {
	for p := 2; p+4 <= len(b) && b[p] == 0xff; {
		switch marker := b[p+1]; {
		case marker == 0xff: // filling
			p++
			continue
		case marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc:
			return marker != 0xc0 && marker != 0xc1
		}
		p += 2 + int(binary.BigEndian.Uint16(b[p+2:]))
	}
	return true // no frame is found: the worst is assumed
}

// decodeGIF returns the first frame of a GIF on its canvas, which is transparent where
// the frame does not cover it.
func decodeGIF(r io.Reader) (image.Image, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	cfg, err := gif.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	m, err := gif.Decode(bytes.NewReader(b))
	canvas := image.Rect(0, 0, cfg.Width, cfg.Height)
	if err != nil || m.Bounds() == canvas {
		return m, err
	}
	out := image.NewNRGBA(canvas)
	draw.Draw(out, m.Bounds(), m, m.Bounds().Min, draw.Src)
	return out, nil
}

// gifFrames sets the number of frames of a GIF, and the channels by the colours of the
// first frame. CompuServe, Graphics Interchange Format 89a.
func gifFrames(b []byte, info *Info) {
	const header, descriptor = 13, 10
	table := func(flags byte) int { // bytes of a colour table
		if flags&0x80 == 0 {
			return 0
		}
		return 3 << (1 + flags&7)
	}
	frames, at := 0, header+table(b[10])
	blocks := func() { // skips blocks of data, each with its length before it, up to an empty one
		for at < len(b) && b[at] != 0 {
			at += 1 + int(b[at])
		}
		at++
	}
	for at+descriptor <= len(b) {
		switch b[at] {
		case 0x21: // an extension: its label, then blocks
			at += 2
			blocks()
		case 0x2c: // a frame: its colours, the size of a code, then blocks
			local := table(b[at+9])
			if at += descriptor; frames == 0 && local > 0 && at+local <= len(b) {
				info.C = colours(b[at : at+local])
			}
			frames++
			at += local + 1
			blocks()
		default:
			at = len(b)
		}
	}
	info.Frames = max(1, frames)
}

// colours returns the channels that a table of RGB needs: 1 if all are greys, else 3.
func colours(table []byte) int {
	for i := 0; i+3 <= len(table); i += 3 {
		if table[i] != table[i+1] || table[i] != table[i+2] {
			return 3
		}
	}
	return 1
}

// tiffPages sets the orientation of a TIFF, and the number of its directories, each of
// which is a page.
func tiffPages(b []byte, info *Info) {
	info.orient = tiffOrientation(b)
	var order binary.ByteOrder = binary.BigEndian
	if b[0] == 'I' {
		order = binary.LittleEndian
	}
	const most = 1 << 16 // a ring of directories has no end
	info.Frames = 0
	for at := uint64(order.Uint32(b[4:])); at != 0 && at+2 <= uint64(len(b)) && info.Frames < most; {
		info.Frames++
		next := at + 2 + 12*uint64(order.Uint16(b[at:]))
		if next+4 > uint64(len(b)) {
			break
		}
		at = uint64(order.Uint32(b[next:]))
	}
	info.Frames = max(1, info.Frames)
}

// isWebP reports whether a file begins as a WebP does.
func isWebP(head []byte) bool {
	return len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP"
}

var errAnimated = errors.New("an animated WebP image, of which no frame is read: save the frame that you want as PNG")

// webpConfig returns the header of a WebP. An animated one is refused: its frames are
// not where the decoder looks for them.
func webpConfig(r io.Reader) (image.Config, error) {
	head := make([]byte, 21) // as far as the flags of the extended format
	if _, err := io.ReadFull(r, head); err != nil {
		return image.Config{}, err
	}
	if string(head[12:16]) == "VP8X" && head[20]&0x02 != 0 {
		return image.Config{}, errAnimated
	}
	return webp.DecodeConfig(io.MultiReader(bytes.NewReader(head), r))
}

// decodeWebP returns a WebP in RGB. A lossy one holds Y from 16 to 235 and chroma from 16
// to 240 (ITU-R BT.601), where the standard library's YCbCr has 0 to 255.
func decodeWebP(r io.Reader) (image.Image, error) {
	m, err := webp.Decode(r)
	if err != nil {
		return nil, err
	}
	var planes *image.YCbCr
	var alpha *image.NYCbCrA
	switch m := m.(type) {
	case *image.YCbCr:
		planes = m
	case *image.NYCbCrA:
		planes, alpha = &m.YCbCr, m
	default:
		return m, nil
	}
	out := image.NewNRGBA(planes.Rect)
	for y := planes.Rect.Min.Y; y < planes.Rect.Max.Y; y++ {
		for x := planes.Rect.Min.X; x < planes.Rect.Max.X; x++ {
			i := planes.COffset(x, y)
			c := studioRGB(planes.Y[planes.YOffset(x, y)], planes.Cb[i], planes.Cr[i])
			if alpha != nil {
				c.A = alpha.A[alpha.AOffset(x, y)]
			}
			out.SetNRGBA(x, y, c)
		}
	}
	return out, nil
}

// studioRGB returns the colour of a pixel of a lossy WebP, by the fixed-point arithmetic
// of libwebp (src/dsp/yuv.h).
func studioRGB(y, u, v uint8) color.NRGBA {
	high := func(value uint8, by int) int { return int(value) * by >> 8 }
	clip := func(value int) uint8 { return uint8(min(max(value>>6, 0), 255)) }
	luma := high(y, 19077)
	return color.NRGBA{
		R: clip(luma + high(v, 26149) - 14234),
		G: clip(luma - high(u, 6419) - high(v, 13320) + 8708),
		B: clip(luma + high(u, 33050) - 17685),
		A: 255,
	}
}

// webpOrientation sets the orientation of a WebP from its chunk EXIF, which may begin as
// the segment of a JPEG does.
func webpOrientation(b []byte, info *Info) {
	for p := 12; p+8 <= len(b); {
		n := uint64(binary.LittleEndian.Uint32(b[p+4:]))
		end := uint64(p) + 8 + n
		if end > uint64(len(b)) {
			return
		}
		if string(b[p:p+4]) == "EXIF" {
			info.orient = tiffOrientation(bytes.TrimPrefix(b[p+8:end], []byte("Exif\x00\x00")))
			return
		}
		p = int(end + n%2)
	}
}
