// Package sealed writes a value as JSON together with its SHA-256, and reads it back only
// if it is unchanged. A file is one object:
//
//	{"format": 1, "content": the value, "sha256": of content without white space, in hex}
//
// Where a file has its own members already, Seal adds the checksum of all of them as the last one, and Unseal takes it
// off:
//
//	{"format": 1, "scores": [], "sha256": of {"format":1,"scores":[]}, in hex}
//
// The package must not know what the values are.
package sealed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"github.com/imago-ml/imago/internal/memory"
)

// A file is what Write writes.
type file struct {
	Format  int             `json:"format"`
	Content json.RawMessage `json:"content"`
	SHA256  string          `json:"sha256"` // hex
}

// Write writes v in that format, whose number says how to read it.
func Write(w io.Writer, format int, v any) error {
	content, err := json.Marshal(v)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(content)
	return json.NewEncoder(w).Encode(file{format, content, hex.EncodeToString(sum[:])})
}

// Read reads into v what Write wrote in that format. It fails if there are more than most
// bytes, if the format is another, or if a byte of the content is changed. An error of
// the reader itself is returned as broken = false.
func Read(r io.Reader, format int, most int64, v any) (broken bool, err error) {
	b, err := memory.ReadFull(r, most+1, "a sealed file")
	if err == io.ErrUnexpectedEOF { // it is not longer than most
		err = memory.Check(4*int64(len(b)), "what a sealed file of %d bytes holds", len(b))
	}
	if err != nil {
		return false, err
	}
	var f file
	var content bytes.Buffer
	switch err := json.Unmarshal(b, &f); {
	case int64(len(b)) > most:
		return true, fmt.Errorf("longer than %d bytes", most)
	case err != nil:
		return true, err
	case f.Format != format:
		return true, fmt.Errorf("format %d, this imago reads %d", f.Format, format)
	}
	if err := json.Compact(&content, f.Content); err != nil {
		return true, err
	}
	if sum := sha256.Sum256(content.Bytes()); hex.EncodeToString(sum[:]) != f.SHA256 {
		return true, fmt.Errorf("its SHA-256 is %.12s…, want %.12s…", hex.EncodeToString(sum[:]), f.SHA256)
	}
	return true, json.Unmarshal(f.Content, v)
}
