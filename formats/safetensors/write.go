package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/atomicfile"
)

// WriteFile writes the result of WriteSealed to the file called name, and replaces an
// existing file atomically.
func WriteFile(name string, tensors map[string]*tensor.Tensor, meta map[string]string) error {
	return atomicfile.Write(name, func(w io.Writer) error { return WriteSealed(w, tensors, meta) })
}

// Write writes the tensors, and meta unless it is empty. The bytes depend on the
// arguments alone: float32 tensors come first, then int32, then uint8, sorted by name
// within each type, so that each is aligned to its elements. Spaces fill the header up
// to a multiple of 8 bytes.
func Write(w io.Writer, tensors map[string]*tensor.Tensor, meta map[string]string) error {
	names, err := order(tensors)
	if err != nil {
		return fmt.Errorf("safetensors: %w", err)
	}
	h, err := makeHeader(names, tensors, meta)
	if err != nil {
		return fmt.Errorf("safetensors: %w", err)
	}
	if _, err := w.Write(h); err != nil {
		return err
	}
	buf := make([]byte, 0, 64<<10)
	for _, name := range names {
		if err := writeData(w, tensors[name], buf); err != nil {
			return err
		}
	}
	return nil
}

// order checks the tensors and returns their names in the order of writing.
func order(tensors map[string]*tensor.Tensor) ([]string, error) {
	names := slices.Sorted(maps.Keys(tensors))
	for _, name := range names {
		t := tensors[name]
		switch {
		case name == metadataKey || !utf8.ValidString(name):
			return nil, fmt.Errorf("tensor %q: not a name the format has room for", name)
		case t == nil:
			return nil, fmt.Errorf("tensor %q is nil", name)
		}
		if d, _ := written(t.DType()); d == "" {
			return nil, fmt.Errorf("tensor %q: %w element type %v; imago writes float32, int32, uint8", name, ErrUnsupported, t.DType())
		}
	}
	slices.SortStableFunc(names, func(a, b string) int {
		_, i := written(tensors[a].DType())
		_, j := written(tensors[b].DType())
		return i - j
	})
	return names, nil
}

// makeHeader returns the file up to its data.
func makeHeader(names []string, tensors map[string]*tensor.Tensor, meta map[string]string) ([]byte, error) {
	var b bytes.Buffer
	b.Write(make([]byte, 8))
	sep := byte('{')
	entry := func(key string) {
		b.WriteByte(sep)
		sep = ','
		quote(&b, key)
		b.WriteByte(':')
	}
	if len(meta) > 0 {
		entry(metadataKey)
		inner := byte('{')
		for _, k := range slices.Sorted(maps.Keys(meta)) {
			if !utf8.ValidString(k) || !utf8.ValidString(meta[k]) {
				return nil, fmt.Errorf("metadata %q is not UTF-8", k)
			}
			b.WriteByte(inner)
			inner = ','
			quote(&b, k)
			b.WriteByte(':')
			quote(&b, meta[k])
		}
		b.WriteByte('}')
	}
	var off int64
	for _, name := range names {
		t := tensors[name]
		end := off + int64(t.Size())*int64(t.DType().Bytes())
		d, _ := written(t.DType())
		entry(name)
		// A Shape prints as the JSON array it is.
		fmt.Fprintf(&b, `{"dtype":"%s","shape":%s,"data_offsets":[%d,%d]}`, d, t.Shape(), off, end)
		off = end
	}
	if sep == '{' {
		b.WriteByte('{')
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	if n := b.Len() - 8; n > maxHeader {
		return nil, fmt.Errorf("%d tensors need a header of %d bytes, want at most %d", len(names), n, maxHeader)
	}
	binary.LittleEndian.PutUint64(b.Bytes(), uint64(b.Len()-8))
	return b.Bytes(), nil
}

// quote writes s, which is UTF-8, as a JSON string; it does not escape < > &, like
// other writers.
func quote(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)         // a string has always a form in JSON, and a Buffer takes it
	b.Truncate(b.Len() - 1) // the newline of Encode
}

// writeData writes the elements of t through buf, whose capacity is a multiple of 4.
func writeData(w io.Writer, t *tensor.Tensor, buf []byte) error {
	if t.DType() == tensor.Uint8 {
		_, err := w.Write(t.U8())
		return err
	}
	for at, n := 0, t.Size(); at < n; {
		end := min(n, at+cap(buf)/4)
		buf = buf[:0]
		if t.DType() == tensor.Float32 {
			for _, v := range t.F32()[at:end] {
				buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
			}
		} else {
			for _, v := range t.I32()[at:end] {
				buf = binary.LittleEndian.AppendUint32(buf, uint32(v))
			}
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
		at = end
	}
	return nil
}
