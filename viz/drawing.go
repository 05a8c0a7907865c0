package viz

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"strings"
)

// A drawing is a picture of which the tiles are known: the rectangles that show items of
// the data. The rest is paper, lines and words, which a dark page shows in other colours
// (see overlay). PNG writes the rectangles into the file, so that WriteReport finds them.
type drawing struct {
	*image.RGBA
	tiles []image.Rectangle // in pixels
}

// image returns what was drawn on a raster surface.
func (s *surface) image() image.Image { return &drawing{s.img, s.tiles} }

// tile draws tile k with its top left corner at pixel (x, y), every pixel of it as
// scale×scale pixels.
func (s *surface) tile(x, y, scale int, t tiles, k int) {
	blit(s.img, x, y, scale, t, k)
	s.keep(image.Rect(x, y, x+t.w*scale, y+t.h*scale))
}

// keep says that a rectangle has its colours on a dark page too. One that continues the
// last one to the right becomes part of it.
func (s *surface) keep(r image.Rectangle) {
	r = r.Intersect(s.img.Rect)
	if n := len(s.tiles); n > 0 {
		if last := &s.tiles[n-1]; last.Max.X == r.Min.X && last.Min.Y == r.Min.Y && last.Max.Y == r.Max.Y {
			last.Max.X = r.Max.X
			return
		}
	}
	s.tiles = append(s.tiles, r)
}

// merged returns rectangles of which none continues the one before downward.
func merged(tiles []image.Rectangle) []image.Rectangle {
	var out []image.Rectangle
	for _, r := range tiles {
		if n := len(out); n > 0 && out[n-1].Max.Y == r.Min.Y && out[n-1].Min.X == r.Min.X && out[n-1].Max.X == r.Max.X {
			out[n-1].Max.Y = r.Max.Y
		} else {
			out = append(out, r)
		}
	}
	return out
}

// unwrapped returns the pixels of a drawing, and another picture as it is.
func unwrapped(img image.Image) image.Image {
	if d, ok := img.(*drawing); ok {
		return d.RGBA
	}
	return img
}

// The tiles stand in a PNG as text under this keyword, a rectangle as "x,y,w,h;".
const (
	tilesKeyword = "imago tiles"
	pngHead      = 8 + 25 // bytes of the signature and the first chunk, IHDR
	pngFrame     = 12     // bytes of a chunk besides its data: length, type and checksum
)

// withTiles returns a PNG file with the tiles of a drawing in it.
func withTiles(file []byte, d *drawing) []byte {
	data := append([]byte(tilesKeyword), 0)
	for _, r := range merged(d.tiles) {
		r = r.Intersect(d.Rect)
		data = fmt.Appendf(data, "%d,%d,%d,%d;", r.Min.X-d.Rect.Min.X, r.Min.Y-d.Rect.Min.Y, r.Dx(), r.Dy())
	}
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	chunk = append(append(chunk, "tEXt"...), data...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	return append(append(append(make([]byte, 0, len(file)+len(chunk)), file[:pngHead]...), chunk...), file[pngHead:]...)
}

// tilesOf returns the tiles that withTiles has written into a PNG file, and whether it
// has. Rectangles that cannot be read, or are not within the picture, are left out.
func tilesOf(file []byte) (tiles []image.Rectangle, known bool) {
	if len(file) < pngHead+pngFrame {
		return nil, false
	}
	n := binary.BigEndian.Uint32(file[pngHead:])
	rest := file[pngHead+8:]
	if string(file[pngHead+4:pngHead+8]) != "tEXt" || uint64(n) > uint64(len(rest)) {
		return nil, false
	}
	text, found := bytes.CutPrefix(rest[:n], append([]byte(tilesKeyword), 0))
	if !found {
		return nil, false
	}
	width, height := binary.BigEndian.Uint32(file[16:]), binary.BigEndian.Uint32(file[20:])
	all := image.Rect(0, 0, int(width), int(height))
	for part := range strings.SplitSeq(strings.TrimSuffix(string(text), ";"), ";") {
		var x, y, w, h int
		if _, err := fmt.Sscanf(part, "%d,%d,%d,%d", &x, &y, &w, &h); err == nil && image.Rect(x, y, x+w, y+h).In(all) {
			tiles = append(tiles, image.Rect(x, y, x+w, y+h))
		}
	}
	return tiles, true
}
