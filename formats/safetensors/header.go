package safetensors

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"sort"
	"strconv"
	"unicode/utf8"

	"github.com/imago-ml/imago/engine/tensor"
)

// A header is the result of parseHeader: tensors in the order of their bytes, with
// offsets from the start of the data.
type header struct {
	tensors []Info
	meta    map[string]string
}

// parseHeader reads the JSON of b and checks each entry against the format, and all of
// them against the size of the data. It returns ErrFormat or ErrUnsupported, with
// offsets from the start of the file.
func parseHeader(b []byte, data int64) (*header, error) {
	p := &parser{dec: json.NewDecoder(bytes.NewReader(b))}
	p.dec.UseNumber()
	if len(b) == 0 || b[0] != '{' {
		return nil, p.bad("the header does not start with {")
	}
	if !utf8.Valid(b) {
		return nil, p.bad("the header is not UTF-8")
	}
	h := &header{}
	seen := map[string]bool{}
	err := p.object(func(name string) error {
		if seen[name] {
			return p.bad("%q stands twice in the header", name)
		}
		seen[name] = true
		if name == metadataKey {
			return p.metadata(h)
		}
		if len(h.tensors) == maxTensors {
			return p.bad("more than %d tensors", maxTensors)
		}
		t, err := p.tensor(name)
		h.tensors = append(h.tensors, t)
		return err
	})
	if err != nil {
		return nil, err
	}
	if rest := bytes.TrimLeft(b[p.dec.InputOffset():], " "); len(rest) > 0 {
		return nil, p.bad("%q after the header's object, want spaces", rest[:min(len(rest), 8)])
	}
	return h, h.check(data)
}

// check reports an error unless the tensors cover the data bytes exactly once, and
// sorts them.
func (h *header) check(data int64) error {
	sort.Slice(h.tensors, func(i, j int) bool {
		a, b := &h.tensors[i], &h.tensors[j]
		if a.Begin != b.Begin {
			return a.Begin < b.Begin
		}
		if a.End != b.End { // an empty tensor comes before the one that starts where it does
			return a.End < b.End
		}
		return a.Name < b.Name
	})
	var end int64
	for _, t := range h.tensors {
		switch {
		case t.Begin > end:
			return fmt.Errorf("tensor %q: %w: bytes %d to %d of the data before it belong to no tensor", t.Name, ErrFormat, end, t.Begin)
		case t.Begin < end:
			return fmt.Errorf("tensor %q: %w: data_offsets begin at %d, inside the tensor before it, which ends at %d", t.Name, ErrFormat, t.Begin, end)
		case t.End > data:
			return fmt.Errorf("tensor %q: %w: data_offsets end at %d, but the file has %d bytes of data: is it cut short?", t.Name, ErrFormat, t.End, data)
		}
		end = t.End
	}
	if end != data {
		return fmt.Errorf("%w: the last %d of %d bytes of data belong to no tensor", ErrFormat, data-end, data)
	}
	return nil
}

// A parser reads JSON tokens: a struct decoded by encoding/json would accept keys in
// any case, and repeated keys.
type parser struct{ dec *json.Decoder }

// bad returns an ErrFormat at the offset that the parser has reached.
func (p *parser) bad(format string, args ...any) error {
	return fmt.Errorf("offset %d: %w: %s", 8+p.dec.InputOffset(), ErrFormat, fmt.Sprintf(format, args...))
}

func (p *parser) token() (json.Token, error) {
	t, err := p.dec.Token()
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return nil, p.bad("the header ends too early")
	case err != nil:
		return nil, p.bad("the header is not JSON: %v", err)
	}
	return t, nil
}

// object calls value with each key of an object; value reads the value of the key.
func (p *parser) object(value func(key string) error) error {
	if t, err := p.token(); err != nil {
		return err
	} else if t != json.Delim('{') {
		return p.bad("found %v, want {", t)
	}
	for p.dec.More() {
		t, err := p.token()
		if err != nil {
			return err
		}
		key, ok := t.(string)
		if !ok {
			return p.bad("found %v, want a name", t)
		}
		if err := value(key); err != nil {
			return err
		}
	}
	_, err := p.token()
	return err
}

func (p *parser) metadata(h *header) error {
	h.meta = map[string]string{}
	return p.object(func(key string) error {
		t, err := p.token()
		if err != nil {
			return err
		}
		v, ok := t.(string)
		if _, twice := h.meta[key]; twice || !ok {
			return p.bad("%s: %q: want each key once, with a string", metadataKey, key)
		}
		if len(h.meta) == maxTensors {
			return p.bad("%s: more than %d keys", metadataKey, maxTensors)
		}
		h.meta[key] = v
		return nil
	})
}

func (p *parser) tensor(name string) (Info, error) {
	t := Info{Name: name}
	var shape, offsets []int64
	err := p.object(func(key string) (err error) {
		twice := false
		switch key {
		case "dtype":
			twice = t.DType != ""
			tok, err := p.token()
			if err != nil {
				return err
			}
			s, ok := tok.(string)
			if !ok || s == "" {
				return p.bad("tensor %q: dtype is %v, want a string", name, tok)
			}
			t.DType = s
		case "shape":
			twice = shape != nil
			shape, err = p.ints(name, key)
		case "data_offsets":
			twice = offsets != nil
			offsets, err = p.ints(name, key)
		default:
			return p.bad("tensor %q: unknown key %q; want dtype, shape, data_offsets", name, key)
		}
		if twice {
			return p.bad("tensor %q: %s stands twice", name, key)
		}
		return err
	})
	if err != nil {
		return t, err
	}
	if t.DType == "" || shape == nil || len(offsets) != 2 {
		return t, p.bad("tensor %q: want dtype, shape and a pair of data_offsets", name)
	}
	d := findDType(t.DType)
	if d == nil {
		return t, fmt.Errorf("tensor %q: %w element type %q", name, ErrUnsupported, t.DType)
	}
	size := d.bytes
	t.Shape = make(tensor.Shape, len(shape))
	for i, n := range shape {
		if n > 0 && size > math.MaxInt64/n || n > math.MaxInt {
			return t, p.bad("tensor %q: the size of shape %v overflows", name, shape)
		}
		size *= n
		t.Shape[i] = int(n)
	}
	t.Begin, t.End = offsets[0], offsets[1]
	if t.End < t.Begin || t.End-t.Begin != size {
		return t, p.bad("tensor %q: data_offsets [%d,%d], but %s%v has %d bytes", name, t.Begin, t.End, t.DType, t.Shape, size)
	}
	return t, nil
}

// ints reads an array of at most maxRank integers of at least 0. The result is not nil.
func (p *parser) ints(name, key string) ([]int64, error) {
	if t, err := p.token(); err != nil {
		return nil, err
	} else if t != json.Delim('[') {
		return nil, p.bad("tensor %q: %s is %v, want an array", name, key, t)
	}
	v := []int64{}
	for p.dec.More() {
		t, err := p.token()
		if err != nil {
			return nil, err
		}
		n, ok := t.(json.Number)
		u, err := strconv.ParseUint(string(n), 10, 63)
		if !ok || err != nil {
			return nil, p.bad("tensor %q: %s holds %v, want integers from 0 to 2⁶³-1", name, key, t)
		}
		if len(v) == maxRank {
			return nil, p.bad("tensor %q: %s has more than %d numbers", name, key, maxRank)
		}
		v = append(v, int64(u))
	}
	_, err := p.token()
	return v, err
}
