package numpy

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/imago-ml/imago/engine/tensor"
)

// ReadText returns the elements of the array of that name as texts, in their order in the
// file, and
// its shape: of an array of str or bytes the texts, of numbers their shortest decimals (1 of
// a float of 1.0), of bool False and True. The error names the array.
func (r *Reader) ReadText(name string) (text []string, shape tensor.Shape, err error) {
	err = r.open(name, func(f io.Reader) (err error) {
		text, shape, err = readText(f)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("array %q: %w", name, err)
	}
	return text, shape, nil
}

// readText reads an array as texts. Memory grows with what is read, not with what the
// header claims.
func readText(r io.Reader) ([]string, tensor.Shape, error) {
	h, err := readHeader(r, true)
	if err != nil {
		return nil, nil, err
	}
	var order binary.ByteOrder = binary.LittleEndian
	if h.big {
		order = binary.BigEndian
	}
	seen := map[string]string{} // labels repeat
	out, err := convert(r, h, func(p []byte) (string, error) {
		s, err := h.text(p[:h.width], order)
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrFormat, err)
		}
		if first, ok := seen[s]; ok {
			return first, nil
		}
		seen[s] = s
		return s, nil
	})
	if err != nil {
		return nil, nil, err
	}
	return out, h.shape, nil
}

// text returns an element as a text.
func (h header) text(p []byte, order binary.ByteOrder) (string, error) {
	switch h.kind[0] {
	case 'U':
		var b strings.Builder
		for ; len(p) > 0; p = p[4:] {
			u := order.Uint32(p)
			if u > utf8.MaxRune || !utf8.ValidRune(rune(u)) {
				return "", fmt.Errorf("%#x is no character", u)
			}
			b.WriteRune(rune(u))
		}
		return strings.TrimRight(b.String(), "\x00"), nil
	case 'S':
		return strings.ToValidUTF8(string(bytes.TrimRight(p, "\x00")), "\ufffd"), nil
	}
	switch h.kind {
	case "b1":
		if p[0] == 0 {
			return "False", nil
		}
		return "True", nil
	case "u1":
		return strconv.Itoa(int(p[0])), nil
	case "f2":
		return decimal(float64(tensor.FromHalf(order.Uint16(p))), 32), nil
	case "f4":
		return decimal(float64(math.Float32frombits(order.Uint32(p))), 32), nil
	case "f8":
		return decimal(math.Float64frombits(order.Uint64(p)), 64), nil
	case "u8":
		return strconv.FormatUint(order.Uint64(p), 10), nil
	}
	return strconv.FormatInt(wide(p, h.kind, order), 10), nil
}

// decimal returns the shortest decimal of a float of so many bits.
func decimal(v float64, bits int) string {
	if v == 0 {
		return "0" // and not -0
	}
	if math.Abs(v) < 1e15 && v == math.Trunc(v) {
		return strconv.FormatFloat(v, 'f', -1, bits)
	}
	return strconv.FormatFloat(v, 'g', -1, bits)
}
