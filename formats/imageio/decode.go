package imageio

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"strings"

	"github.com/imago-ml/imago/internal/memory"
)

// Limits bound what Decode will read. The zero value stands for the defaults.
type Limits struct {
	MaxPixels int   // rows times columns; 0 = DefaultMaxPixels
	MaxBytes  int64 // of the file; 0 = DefaultMaxBytes
}

// The bounds that the zero Limits stand for: 64 megapixels, 256 MiB.
const (
	DefaultMaxPixels = 64 << 20
	DefaultMaxBytes  = 256 << 20
)

func (l Limits) defaults() Limits {
	if l.MaxPixels == 0 {
		l.MaxPixels = DefaultMaxPixels
	}
	if l.MaxBytes == 0 {
		l.MaxBytes = DefaultMaxBytes
	}
	return l
}

// Info is what is known of an image file. Its header says all but Transparent.
type Info struct {
	Format  string // "png", "jpeg", "gif", "bmp", "tiff" or "webp"
	H, W, C int    // of the Image that Decode returns
	Frames  int    // pictures in the file, of which the first is read: 1, or more in an animated GIF or a TIFF of several pages
	Deep    bool   // it has 16 bits a channel

	// Transparent says that some pixel is not opaque. Only the functions that decode
	// the pixels set it.
	Transparent bool

	orient      int   // EXIF orientation, 1 to 8
	pixel       int64 // bytes of memory that a pixel takes
	progressive bool  // a JPEG of several scans
}

// Memory returns an upper bound of the bytes of memory that decoding the image takes,
// beside those of the file. Who decodes many at once asks package memory for them.
func (i Info) Memory() int64 {
	pixel := i.pixel
	switch {
	case i.Deep:
		pixel *= 2
	case i.progressive:
		pixel += 4 * 4 // the coefficients of four channels
	}
	return int64(i.H) * int64(i.W) * pixel
}

// Decode reads one image and ignores bytes after it. It returns ErrFormat for other or
// damaged content, ErrTooLarge for an image beyond lim and *memory.Error for one that the
// memory budget has no room for. An error of the reader is returned as it is.
func Decode(r io.Reader, lim Limits) (Image, error) {
	m, _, err := DecodeWithInfo(r, lim)
	return m, err
}

// DecodeWithInfo does what Decode does, and returns what is known of the file too.
func DecodeWithInfo(r io.Reader, lim Limits) (Image, Info, error) {
	m, info, err := decode(r, lim)
	if err != nil {
		return Image{}, Info{}, err
	}
	return turn(convert(m, info.C), info.orient), info, nil
}

// DecodeSquare writes the result of Decode, Channels(c) and Square(crop, side) to the
// front of dst, side·side·c bytes. It is faster than these three: pixels that are
// cropped away are not converted, and the memory between the steps is reused.
func DecodeSquare(r io.Reader, lim Limits, dst []uint8, crop, side, c int) (Info, error) {
	m, info, err := decode(r, lim)
	if err != nil {
		return Info{}, err
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	n := square(info.H, info.W, crop)
	var file Image // in the channels of the file
	if sub, ok := m.(interface {
		SubImage(image.Rectangle) image.Image
	}); ok && info.orient <= 1 {
		y, x := m.Bounds().Min.Y+(info.H-n)/2, m.Bounds().Min.X+(info.W-n)/2
		s.file = grown(s.file, n*n*info.C)
		file = Image{n, n, info.C, s.file}
		convertTo(file, sub.SubImage(image.Rect(x, y, x+n, y+n)))
	} else {
		file = turn(convert(m, info.C), info.orient).Crop(n, n)
	}
	to := Image{side, side, c, dst[:side*side*c]}
	if file = file.Channels(c); file.H == side {
		copy(to.Pix, file.Pix)
	} else {
		s.resize(to, file)
	}
	return info, nil
}

// decode returns the image decoded by the library of its format, and its header.
func decode(r io.Reader, lim Limits) (m image.Image, info Info, err error) {
	lim = lim.defaults()
	src := &source{r: r, left: lim.MaxBytes}
	b, f, info, err := header(src, lim)
	if err != nil {
		return nil, Info{}, err
	}
	if err := memory.Check(info.Memory(), "decoding a %s image of %d rows and %d columns", info.Format, info.H, info.W); err != nil {
		return nil, Info{}, err
	}
	if m, err = safely(func() (image.Image, error) { return f.decode(b) }); err != nil {
		return nil, Info{}, src.fault(err)
	}
	h, w := m.Bounds().Dy(), m.Bounds().Dx()
	if info.orient > 4 {
		h, w = w, h
	}
	if h != info.H || w != info.W {
		return nil, Info{}, fmt.Errorf("%w: the header says %dx%d, the image is %dx%d", ErrFormat, info.H, info.W, h, w)
	}
	if o, ok := m.(interface{ Opaque() bool }); ok {
		info.Transparent = !o.Opaque()
	}
	return m, info, nil
}

// safely calls f and returns a panic of it as an error: a bug of a decoder that a
// damaged file meets must not end the process.
func safely[T any](f func() (T, error)) (out T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("its decoder failed: %v", r)
		}
	}()
	return f()
}

// DecodeInfo reads the header only, and of a format whose header does not say how the
// image is turned or how many there are, as much as says so; it returns the errors of
// Decode.
func DecodeInfo(r io.Reader, lim Limits) (Info, error) {
	lim = lim.defaults()
	_, _, info, err := header(&source{r: r, left: lim.MaxBytes}, lim)
	return info, err
}

// header reads the header of a file and returns a reader that starts at the first byte
// again, and the format.
func header(src *source, lim Limits) (io.Reader, *format, Info, error) {
	br := bufio.NewReader(src)
	head, err := br.Peek(headSize)
	if err != nil && err != io.EOF {
		return nil, nil, Info{}, err
	}
	f := formatOf(head)
	if f == nil {
		return nil, nil, Info{}, fmt.Errorf("%w: found %s", ErrFormat, Describe(head))
	}
	tee := new(bytes.Buffer)
	tr := io.TeeReader(br, tee)
	cfg, err := safely(func() (image.Config, error) { return f.config(tr) })
	if err != nil {
		return nil, nil, Info{}, src.fault(err)
	}
	info := Info{Format: f.name, H: cfg.Height, W: cfg.Width, Frames: 1, orient: 1, pixel: f.pixel}
	if info.H <= 0 || info.W <= 0 {
		return nil, nil, Info{}, fmt.Errorf("%w: %d rows, %d columns", ErrFormat, info.H, info.W)
	}
	if info.H > lim.MaxPixels/info.W {
		return nil, nil, Info{}, fmt.Errorf("%w: %d rows, %d columns, of which at most %d pixels are read", ErrTooLarge, info.H, info.W, lim.MaxPixels)
	}
	info.C = channels(cfg.ColorModel, head)
	switch cfg.ColorModel {
	case color.Gray16Model, color.RGBA64Model, color.NRGBA64Model:
		info.Deep = true
	}
	if f.rest { // what follows says the orientation or the number of frames
		if _, err := io.Copy(io.Discard, tr); err != nil {
			return nil, nil, Info{}, src.fault(err)
		}
	}
	if f.more != nil {
		f.more(tee.Bytes(), &info)
	}
	if info.orient > 4 { // a quarter turn
		info.H, info.W = info.W, info.H
	}
	return io.MultiReader(tee, br), f, info, nil
}

// headSize reaches the colour type in the header of a PNG.
const headSize = 512

// channels returns 1 for an image that holds greys only, else 3. For a PNG of grey with
// alpha only the colour type in its header, byte 25, shows that.
func channels(m color.Model, head []byte) int {
	if p, ok := m.(color.Palette); ok {
		for _, c := range p {
			if r, g, b, _ := c.RGBA(); r != g || g != b {
				return 3
			}
		}
		return 1
	}
	if m == color.GrayModel || m == color.Gray16Model {
		return 1
	}
	const greyAlpha = 4
	if head[0] == 0x89 && len(head) > 25 && head[25] == greyAlpha {
		return 1
	}
	return 3
}

// A source counts the bytes read, and keeps the reader's own errors apart from those of
// the decoder, which may wrap, change or drop them.
type source struct {
	r    io.Reader
	left int64
	err  error // of r, other than io.EOF
}

func (s *source) Read(p []byte) (int, error) {
	if s.left <= 0 {
		s.err = fmt.Errorf("%w: more bytes than are read of a file", ErrTooLarge)
		return 0, s.err
	}
	n, err := s.r.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// fault returns the error to report for err of a decoder.
func (s *source) fault(err error) error {
	if s.err != nil {
		return s.err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, jpeg.FormatError("short Huffman data")) ||
		strings.HasSuffix(err.Error(), io.ErrUnexpectedEOF.Error()) { // package gif does not wrap it
		return fmt.Errorf("%w: it ends early", ErrFormat)
	}
	return fmt.Errorf("%w: %w", ErrFormat, err)
}
