package numpy

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/engine/tensor"
)

// A header is the dictionary at the start of an array file.
type header struct {
	kind    string // "f4": a key of kinds, or "U" and "S" of text
	width   int    // bytes an element
	big     bool   // big-endian
	fortran bool   // column-major order
	shape   []int
	size    int // product of shape
}

// maxHeader bounds the dictionary; NumPy's own are below 200 bytes.
const maxHeader = 64 << 10

// readHeader reads the header of an array of numbers or, if text is true, of text.
func readHeader(r io.Reader, text bool) (h header, err error) {
	var fixed [12]byte
	if _, err := io.ReadFull(r, fixed[:10]); err != nil {
		return h, early(err)
	}
	if string(fixed[:6]) != Magic {
		return h, fmt.Errorf("%w: offset 0: found %q, want %q", ErrFormat, fixed[:6], Magic)
	}
	n := int(binary.LittleEndian.Uint16(fixed[8:]))
	switch fixed[6] {
	case 1:
	case 2, 3: // the length has 32 bits
		if _, err := io.ReadFull(r, fixed[10:]); err != nil {
			return h, early(err)
		}
		n = int(min(binary.LittleEndian.Uint32(fixed[8:]), maxHeader+1))
	default:
		return h, fmt.Errorf("%w: offset 6: version %d, want 1, 2 or 3", ErrUnsupported, fixed[6])
	}
	if n > maxHeader {
		return h, fmt.Errorf("%w: offset 8: a header of %d bytes or more, want at most %d", ErrFormat, n, maxHeader)
	}
	dict := make([]byte, n)
	if _, err := io.ReadFull(r, dict); err != nil {
		return h, early(err)
	}
	return parseHeader(string(dict), text)
}

// parseHeader reads
//
//	{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
//
// the literal of a Python dictionary, with its three keys in any order.
func parseHeader(text string, asText bool) (h header, err error) {
	bad := func(what string) (header, error) {
		return h, fmt.Errorf("%w: header %.80q: %s", ErrFormat, text, what)
	}
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "{")
	if !ok {
		return bad("want {")
	}
	descr, order, shape := "", "", ""
	for {
		rest = strings.TrimLeft(rest, " ,\n\t")
		if end, ok := strings.CutPrefix(rest, "}"); ok {
			if strings.TrimSpace(end) != "" {
				return bad("more after }")
			}
			break
		}
		key, after, ok := quoted(rest)
		if !ok {
			return bad("want a key in quotes")
		}
		if rest, ok = strings.CutPrefix(strings.TrimLeft(after, " "), ":"); !ok {
			return bad("want : after a key")
		}
		rest = strings.TrimLeft(rest, " ")
		switch key {
		case "descr":
			if strings.HasPrefix(rest, "[") {
				return h, fmt.Errorf("%w: its elements have fields: %.80q", ErrUnsupported, text)
			}
			if descr, rest, ok = quoted(rest); !ok {
				return bad("want a type in quotes")
			}
		case "fortran_order":
			i := strings.IndexAny(rest, ",}")
			if i < 0 {
				return bad("want True or False")
			}
			order, rest = strings.TrimSpace(rest[:i]), rest[i:]
		case "shape":
			i := strings.IndexByte(rest, ')')
			if !strings.HasPrefix(rest, "(") || i < 0 {
				return bad("want a shape in ()")
			}
			shape, rest = rest[:i+1], rest[i+1:]
		default:
			return bad("unknown key " + strconv.Quote(key))
		}
	}
	switch order {
	case "True":
		h.fortran = true
	case "False":
	default:
		return bad("fortran_order is neither True nor False")
	}
	if err := h.setType(descr, asText); err != nil {
		return h, err
	}
	if shape == "" {
		return bad("no shape")
	}
	return h, h.setShape(shape)
}

// quoted splits a string in single or double quotes off the front of s.
func quoted(s string) (inside, rest string, ok bool) {
	if s == "" || s[0] != '\'' && s[0] != '"' {
		return "", s, false
	}
	i := strings.IndexByte(s[1:], s[0])
	if i < 0 {
		return "", s, false
	}
	return s[1 : 1+i], s[2+i:], true
}

// setType sets the type of the elements; asText allows those of text.
func (h *header) setType(descr string, asText bool) error {
	if len(descr) > 1 && asText && (descr[1] == 'U' || descr[1] == 'S') {
		return h.setText(descr)
	}
	switch {
	case strings.HasPrefix(descr, "|O"):
		return fmt.Errorf("%w: elements of type %.20q, Python objects, which are pickled code: write them as text or numbers, as with .astype(str) or .astype(float)", ErrUnsupported, descr)
	case len(descr) > 1 && (descr[1] == 'M' || descr[1] == 'm'):
		return fmt.Errorf("%w: elements of type %.20q, times: write them as text with .astype(str), or as numbers", ErrUnsupported, descr)
	}
	if len(descr) != 3 || strings.IndexByte("<>|=", descr[0]) < 0 {
		return fmt.Errorf("%w: elements of type %.20q; have bool, integers, float16, float32, float64", ErrUnsupported, descr)
	}
	h.kind, h.big = descr[1:], descr[0] == '>'
	if _, ok := kinds[h.kind]; !ok {
		return fmt.Errorf("%w: elements of type %q; have bool, integers, float16, float32, float64", ErrUnsupported, descr)
	}
	h.width = int(descr[2] - '0')
	return nil
}

// maxCharacters bounds a text: longer is no label.
const maxCharacters = 1 << 16

// setText sets the type of elements of text: <U7 are 7 characters of 4 bytes each, |S7 are
// 7 bytes.
func (h *header) setText(descr string) error {
	n, err := strconv.Atoi(descr[2:])
	if err != nil || n < 1 || n > maxCharacters || strings.IndexByte("<>|=", descr[0]) < 0 {
		return fmt.Errorf("%w: elements of type %.20q", ErrFormat, descr)
	}
	if h.kind, h.big, h.width = descr[1:2], descr[0] == '>', n; h.kind == "U" {
		h.width = 4 * n
	}
	return nil
}

func (h *header) setShape(text string) error {
	h.size = 1
	for _, s := range strings.Split(strings.Trim(text, "()"), ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		d, err := strconv.Atoi(strings.TrimSuffix(s, "L")) // Python 2 wrote 3L
		if err != nil || d < 0 {
			return fmt.Errorf("%w: shape %.80q", ErrFormat, text)
		}
		h.shape = append(h.shape, d)
	}
	if len(h.shape) > 8 {
		return fmt.Errorf("%w: %d dimensions, want at most 8", ErrUnsupported, len(h.shape))
	}
	if err := tensor.Shape(h.shape).Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	h.size = tensor.Shape(h.shape).Size()
	if h.size > MaxBytes/h.width {
		return fmt.Errorf("%w: shape %s of %d bytes each is more than the %d bytes that are read", ErrUnsupported, text, h.width, MaxBytes)
	}
	return nil
}
