package ckpt

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/imago-ml/imago/internal/fuzzed"
)

// FuzzContent changes values of a state that was saved, and checks it with the right checksum: FuzzState seldom gets past
// that.
func FuzzContent(f *testing.F) {
	var e envelope
	if err := json.Unmarshal([]byte(read(f, filepath.Join(saved(f, f.TempDir(), sample(f, 100)), StateFile))), &e); err != nil {
		f.Fatal(err)
	}
	for i := range byte(40) {
		f.Add([]byte{1, i, i / 2, i, i + 1, i, i * 3})
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var content map[string]any
		if err := json.Unmarshal(e.Content, &content); err != nil {
			t.Fatal(err)
		}
		c := fuzzed.New(b)
		for range 1 + c.Below(3) {
			c.Change(content)
		}
		raw, err := marshal(content, "")
		if err != nil {
			t.Fatal(err)
		}
		text, err := marshal(envelope{Format: Format, Content: raw, SHA256: sum(raw)}, "  ")
		if err != nil {
			t.Fatal(err)
		}
		checkState(t, text)
	})
}
