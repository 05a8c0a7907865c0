package ckpt

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
)

// maxState bounds the size of state.json in bytes before it is read.
const maxState = 16 << 20

// envelope is state.json. Content is kept raw, as its checksum is of its bytes.
type envelope struct {
	Format  int             `json:"format"`
	Content json.RawMessage `json:"content"`
	SHA256  string          `json:"sha256"`
}

type content struct {
	State State             `json:"state"`
	Files map[string]digest `json:"files"`
}

// digest is what is known of a file's bytes.
type digest struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // hex
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// encode returns state.json, indented for people.
func (c *content) encode() ([]byte, error) {
	raw, err := marshal(c, "")
	if err != nil {
		return nil, err
	}
	return marshal(envelope{Format: Format, Content: raw, SHA256: sum(raw)}, "  ")
}

// marshal returns json.Marshal that leaves < > & alone. Raw messages lose their white space, or with an indent get ours.
func marshal(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	if indent == "" {
		b.Truncate(b.Len() - 1) // the newline of Encode
	}
	return b.Bytes(), nil
}

// decodeState reads state.json. Its errors are ErrDamaged or ErrVersion.
func decodeState(b []byte) (*content, error) {
	var e envelope
	if err := strict(b, &e); err != nil {
		// A later format may have keys we do not know: that is not damage.
		var later struct{ Format int }
		if json.Unmarshal(b, &later) == nil && later.Format > Format {
			e.Format = later.Format
		} else {
			return nil, fmt.Errorf("%w: not the JSON that was saved: %w", ErrDamaged, err)
		}
	}
	if e.Format != Format {
		return nil, fmt.Errorf("%w: format %d, this imago reads %d", ErrVersion, e.Format, Format)
	}
	var raw bytes.Buffer
	if err := json.Compact(&raw, e.Content); err != nil {
		return nil, fmt.Errorf("%w: content: %w", ErrDamaged, err)
	}
	if got := sum(raw.Bytes()); got != e.SHA256 {
		return nil, fmt.Errorf("%w: the SHA-256 of its content is %.12s…, want %.12s…", ErrDamaged, got, e.SHA256)
	}
	c := &content{}
	if err := strict(raw.Bytes(), c); err != nil {
		return nil, fmt.Errorf("%w: content: %w", ErrDamaged, err)
	}
	if err := c.State.Check(); err != nil { // its sum is right, but we did not write it
		return nil, fmt.Errorf("%w: content: %w", ErrDamaged, err)
	}
	if len(c.Files) != 2 || c.Files[WeightsFile].SHA256 == "" || c.Files[OptimizerFile].SHA256 == "" {
		return nil, fmt.Errorf("%w: content: want the sums of %s and %s and no more", ErrDamaged, WeightsFile, OptimizerFile)
	}
	return c, nil
}

// strict decodes one JSON value into v, and wants nothing unknown in it and nothing after it.
func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return fmt.Errorf("it ends after %d bytes", len(b))
		}
		return err
	}
	if rest := bytes.TrimSpace(b[d.InputOffset():]); len(rest) > 0 {
		return fmt.Errorf("offset %d: %.8q after the end", d.InputOffset(), rest)
	}
	return nil
}
