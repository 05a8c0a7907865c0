package numpy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/memory"
)

// ErrFormat marks content that is malformed, in contrast to a file that could not be
// read. Test with errors.Is.
var ErrFormat = errors.New("not a readable NumPy file")

// ErrUnsupported marks an array that NumPy can write and this package does not
// read. Test with errors.Is.
var ErrUnsupported = errors.New("unsupported NumPy array")

// MaxBytes bounds the elements of an array that is read: 2 GiB.
const MaxBytes = 2 << 30

// Magic is the first bytes of an NPY file.
const Magic = "\x93NUMPY"

// kinds maps the element types of NumPy to those of a tensor.
var kinds = map[string]tensor.DType{
	"u1": tensor.Uint8, "b1": tensor.Uint8,
	"i1": tensor.Int32, "i2": tensor.Int32, "i4": tensor.Int32, "i8": tensor.Int32,
	"u2": tensor.Int32, "u4": tensor.Int32, "u8": tensor.Int32,
	"f2": tensor.Float32, "f4": tensor.Float32, "f8": tensor.Float32,
}

// ReadNPY reads one array and ignores bytes after it. Memory grows with what is read,
// not with what the header claims, within the budget of package memory.
func ReadNPY(r io.Reader) (*tensor.Tensor, error) {
	h, err := readHeader(r, false)
	if err != nil {
		return nil, err
	}
	var order binary.ByteOrder = binary.LittleEndian
	if h.big {
		order = binary.BigEndian
	}
	switch kinds[h.kind] {
	case tensor.Uint8:
		b, err := memory.ReadFull(r, int64(h.size), "an array of %v", tensor.Shape(h.shape))
		if err != nil {
			return nil, h.short(int64(len(b)), err)
		}
		if h.kind == "b1" {
			for i, v := range b {
				b[i] = min(v, 1)
			}
		}
		return place(h, b)
	case tensor.Int32:
		out, err := convert(r, h, func(p []byte) (int32, error) {
			v, ok := integer(p, h.kind, order)
			if !ok {
				return 0, fmt.Errorf("%w: an integer beyond 32 bits of type %s", ErrUnsupported, h.kind)
			}
			return v, nil
		})
		if err != nil {
			return nil, err
		}
		return place(h, out)
	}
	out, err := convert(r, h, func(p []byte) (float32, error) {
		switch h.kind {
		case "f2":
			return tensor.FromHalf(order.Uint16(p)), nil
		case "f4":
			return math.Float32frombits(order.Uint32(p)), nil
		}
		return float32(math.Float64frombits(order.Uint64(p))), nil
	})
	if err != nil {
		return nil, err
	}
	return place(h, out)
}

// short returns the error for a reader that failed, or ended, after n bytes of elements.
func (h header) short(n int64, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends early, after %d of %d bytes of elements", ErrFormat, n, int64(h.size)*int64(h.width))
	}
	return err
}

// convert reads the elements of an array, a piece at a time.
func convert[T float32 | int32 | string](r io.Reader, h header, element func(p []byte) (T, error)) ([]T, error) {
	piece := max(1, 1<<19/h.width) // elements
	var zero T
	out := make([]T, 0, min(h.size, piece))
	buf := make([]byte, min(h.size, piece)*h.width)
	for len(out) < h.size {
		b := buf[:min(h.size-len(out), piece)*h.width]
		if n, err := io.ReadFull(r, b); err != nil {
			return nil, h.short(int64(len(out)*h.width+n), err)
		}
		if cap(out)-len(out) < len(b)/h.width {
			room := min(h.size, 4*cap(out))
			if err := memory.Check(int64(unsafe.Sizeof(zero))*int64(room), "an array of %v", tensor.Shape(h.shape)); err != nil {
				return nil, err
			}
			out = append(make([]T, 0, room), out...)
		}
		for ; len(b) > 0; b = b[h.width:] {
			v, err := element(b)
			if err != nil {
				return nil, fmt.Errorf("element %d: %w", len(out), err)
			}
			out = append(out, v)
		}
	}
	return out, nil
}

// early returns ErrFormat for a reader's error about truncated or broken data.
func early(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends early", ErrFormat)
	}
	return err
}

func integer(p []byte, kind string, order binary.ByteOrder) (v int32, ok bool) {
	w := wide(p, kind, order)
	if kind == "u8" && w < 0 {
		return 0, false
	}
	return int32(w), w == int64(int32(w))
}

// wide returns an integer; of a u8 what is too large comes out negative.
func wide(p []byte, kind string, order binary.ByteOrder) int64 {
	switch kind {
	case "i1":
		return int64(int8(p[0]))
	case "i2":
		return int64(int16(order.Uint16(p)))
	case "u2":
		return int64(order.Uint16(p))
	case "i4":
		return int64(int32(order.Uint32(p)))
	case "u4":
		return int64(order.Uint32(p))
	}
	return int64(order.Uint64(p))
}

// place returns a tensor of the elements src, reordered if h is in column-major order.
func place[T float32 | int32 | uint8](h header, src []T) (*tensor.Tensor, error) {
	if h.fortran && len(h.shape) > 1 {
		if err := memory.Check(int64(len(src))*int64(unsafe.Sizeof(src[0])), "a copy of an array of %v, in the order of rows", tensor.Shape(h.shape)); err != nil {
			return nil, err
		}
		dst := make([]T, len(src))
		index := make([]int, len(h.shape)) // of dst, counted up row-major
		for i := range dst {
			at, stride := 0, 1
			for axis, n := range h.shape {
				at += index[axis] * stride
				stride *= n
			}
			dst[i] = src[at]
			for axis := len(index) - 1; axis >= 0; axis-- {
				if index[axis]++; index[axis] < h.shape[axis] {
					break
				}
				index[axis] = 0
			}
		}
		src = dst
	}
	return tensor.FromSlice(src, h.shape...)
}

// WriteNPY writes t as version 1.0, little-endian, row major.
func WriteNPY(w io.Writer, t *tensor.Tensor) error {
	descr := map[tensor.DType]string{tensor.Float32: "<f4", tensor.Int32: "<i4", tensor.Uint8: "|u1"}[t.DType()]
	if err := writeHeader(w, descr, t.Shape()); err != nil {
		return err
	}
	switch t.DType() {
	case tensor.Uint8:
		_, err := w.Write(t.U8())
		return err
	case tensor.Int32:
		return writeWords(w, t.I32(), func(v int32) uint32 { return uint32(v) })
	}
	return writeWords(w, t.F32(), math.Float32bits)
}

// WriteText writes an array of text (N), which NumPy reads as one of type str: each in as
// many characters of four bytes as the longest has. Zeros at the end of a text are lost.
func WriteText(w io.Writer, text []string) error {
	longest := 1
	for _, s := range text {
		longest = max(longest, utf8.RuneCountInString(s))
	}
	if err := writeHeader(w, fmt.Sprintf("<U%d", longest), tensor.Shape{len(text)}); err != nil {
		return err
	}
	cell := make([]rune, longest)
	for _, s := range text {
		clear(cell)
		copy(cell, []rune(s))
		if err := writeWords(w, cell, func(r rune) uint32 { return uint32(r) }); err != nil {
			return err
		}
	}
	return nil
}

// writeHeader writes what precedes the elements.
func writeHeader(w io.Writer, descr string, shape tensor.Shape) error {
	dims := strings.ReplaceAll(strings.Trim(shape.String(), "[]"), ",", ", ")
	if len(shape) == 1 {
		dims += "," // as Python writes a tuple of one
	}
	head := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, dims)
	// The elements begin at a multiple of 64, after a line feed.
	const fixed = len(Magic) + 4
	head += strings.Repeat(" ", 63-(fixed+len(head))%64) + "\n"
	b := append([]byte(Magic), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(head)))
	b = append(b, head...)
	_, err := w.Write(b)
	return err
}

func writeWords[T any](w io.Writer, src []T, bits func(T) uint32) error {
	buf := make([]byte, 0, min(64<<10, 4*len(src)))
	for i, v := range src {
		buf = binary.LittleEndian.AppendUint32(buf, bits(v))
		if len(buf) == cap(buf) || i == len(src)-1 {
			if _, err := w.Write(buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
	}
	return nil
}
