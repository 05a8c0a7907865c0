package latent

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/prob/mixture"
)

// signed returns the file of a density with that content and its SHA-256. With a wrong
// SHA-256, ReadDensity refuses the file before it reads the content.
func signed(content []byte) []byte {
	var compact bytes.Buffer
	if json.Compact(&compact, content) != nil {
		compact.Reset()
	}
	return fmt.Appendf(nil, `{"format": 1, "content": %s, "sha256": "%x"}`, content, sha256.Sum256(compact.Bytes()))
}

// FuzzReadDensity checks that ReadDensity refuses any bytes with ErrDensity, or returns a
// density that can be drawn from and written again. The bytes are read as a file and as the
// content of a file.
func FuzzReadDensity(f *testing.F) {
	for _, m := range []*mixture.Mixture{
		{Dim: 2, Weights: []float64{0.25, 0.75}, Means: []float64{0, 1, -1, 1.0 / 3}, Covs: []float64{1, 2, 0.1, 4}},
		{Dim: 2, Full: true, Weights: []float64{1}, Means: []float64{0, 1}, Covs: []float64{1, 0.5, 0.5, 4}},
	} {
		var b bytes.Buffer
		if err := (&Density{Weights: "ab", Set: "digits", Digest: "cd", Images: 7, Mixture: m}).Write(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
		f.Add(b.Bytes()[:b.Len()/2])
		content, err := json.Marshal(Density{Images: 7, Mixture: m})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	for _, text := range hostile {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, file := range [][]byte{b, signed(b)} {
			d, err := ReadDensity(bytes.NewReader(file))
			if err != nil {
				if !errors.Is(err, ErrDensity) {
					t.Errorf("bad bytes gave %v", err)
				}
				continue
			}
			z, err := d.Mixture.Draw(rng.New(1), 3)
			if err != nil || len(z) != 3*d.Mixture.Dim {
				t.Errorf("a density that was read draws %d numbers, %v", len(z), err)
			}
			var out bytes.Buffer
			if err := d.Write(&out); err != nil {
				t.Fatal(err)
			}
			var again bytes.Buffer
			if d, err = ReadDensity(bytes.NewReader(out.Bytes())); err != nil {
				t.Fatalf("a density that was read and written is refused: %v", err)
			}
			if d.Write(&again); !bytes.Equal(again.Bytes(), out.Bytes()) {
				t.Error("writing and reading changed the density")
			}
		}
	})
}

// hostile are contents whose sizes do not agree with their numbers, or whose numbers are extreme.
var hostile = []string{
	// 4·2⁶² and its square are 0 in 64 bits: as many as the numbers given.
	`{"mixture": {"dim": 4611686018427387904, "weights": [0.25, 0.25, 0.25, 0.25], "means": [], "covs": []}}`,
	`{"mixture": {"dim": 4611686018427387904, "full": true, "weights": [0.25, 0.25, 0.25, 0.25], "means": [], "covs": []}}`,
	`{"mixture": {"dim": 4294967296, "full": true, "weights": [1], "means": [], "covs": []}}`,
	`{"mixture": {"dim": -1, "weights": [1], "means": [0], "covs": [1]}}`,
	`{"mixture": {"dim": 2, "full": true, "weights": [1], "means": [0, 0], "covs": [1, 2, 2, 1]}}`,
	`{"mixture": {"dim": 1, "weights": [1], "means": [1e308], "covs": [5e-324]}}`,
	`{"mixture": null}`,
}

// TestReadDensityRefusesClaimedSizes checks sizes that a file claims and does not hold, those
// whose products overflow among them.
func TestReadDensityRefusesClaimedSizes(t *testing.T) {
	for _, text := range hostile[:5] {
		d, err := ReadDensity(bytes.NewReader(signed([]byte(text))))
		if !errors.Is(err, ErrDensity) || !strings.Contains(err.Error(), "mixture:") {
			t.Errorf("%s: %v, %v", text, d, err)
		}
	}
}
