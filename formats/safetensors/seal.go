package safetensors

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"

	"github.com/imago-ml/imago/engine/tensor"
)

// sealKey is the metadata key of the checksum that WriteSealed adds.
const sealKey = "sha256"

// seal returns meta with the checksum.
func seal(tensors map[string]*tensor.Tensor, meta map[string]string) (map[string]string, error) {
	sum, err := contentSum(tensors, meta)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	meta = maps.Clone(meta)
	if meta == nil {
		meta = map[string]string{}
	}
	meta[sealKey] = sum
	return meta, nil
}

// WriteSealed writes what Write writes, and in the metadata the SHA-256 of the tensors and of meta itself under the key "sha256", so that a reader notices a changed bit of either.
// The checksum is of the contents, not of their order in a file:
//
//	each key and value of meta, by key, then each tensor by name: name, element type, shape, elements (little-endian)
//
// where each text is followed by a zero byte. Read and File.All compare it and return ErrFormat where it differs. A
// program that changes the tensors of a sealed file must drop the key "sha256".
func WriteSealed(w io.Writer, tensors map[string]*tensor.Tensor, meta map[string]string) error {
	meta, err := seal(tensors, meta)
	if err != nil {
		return err
	}
	return Write(w, tensors, meta)
}

// contentSum returns the checksum that WriteSealed describes, in hex.
func contentSum(tensors map[string]*tensor.Tensor, meta map[string]string) (string, error) {
	if _, err := order(tensors); err != nil {
		return "", err
	}
	h := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(meta)) {
		writeTexts(h, key, meta[key])
	}
	buf := make([]byte, 0, 64<<10)
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		t := tensors[name]
		d, _ := written(t.DType())
		writeTexts(h, name, d, t.Shape().String())
		if err := writeData(h, t, buf); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// writeTexts adds texts to a checksum.
func writeTexts(h hash.Hash, texts ...string) {
	for _, s := range texts {
		io.WriteString(h, s)
		h.Write([]byte{0})
	}
}

// checkSeal returns ErrFormat if the tensors or the metadata are not those that were sealed. A file without a checksum
// passes.
func (f *File) checkSeal(tensors map[string]*tensor.Tensor) error {
	if f.seal == "" {
		return nil
	}
	got, err := contentSum(tensors, f.meta)
	if err == nil && !bytes.EqualFold([]byte(got), []byte(f.seal)) {
		err = fmt.Errorf("%w: damaged: the SHA-256 of its tensors and metadata is %.12s…, want %.12s…", ErrFormat, got, f.seal)
	}
	if err != nil {
		return fmt.Errorf("safetensors: %s: %w", f.name, err)
	}
	return nil
}
