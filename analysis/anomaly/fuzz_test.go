package anomaly

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/fuzzed"
	"github.com/imago-ml/imago/internal/sealed"
	"github.com/imago-ml/imago/models/vae"
)

// FuzzReadDetector changes values of a detector and seals it again, and checks that it is refused or scores images.
func FuzzReadDetector(f *testing.F) {
	s, test := session(f, kind(vae.MLPVAE())), images(f, 1, 1)
	d, err := Fit(f.Context(), s, images(f, 60, 0), Options{Draws: 1, Components: 2, Key: rng.New(1)})
	if err != nil {
		f.Fatal(err)
	}
	d.SetThreshold(ELBO, Threshold{12.5, "f1"})
	weights, err := s.Fingerprint()
	if err != nil {
		f.Fatal(err)
	}
	text, err := json.Marshal(saved{weights, "photos", "0123", d.fitted})
	if err != nil {
		f.Fatal(err)
	}
	for i := range byte(40) {
		f.Add([]byte{i, i, i / 2, i + 1, i * 3, i, i * 5})
	}
	f.Add([]byte("\v+\x05\xb2!\v7")) // a number of draws that would take days
	f.Fuzz(func(t *testing.T, b []byte) {
		var content map[string]any
		if err := json.Unmarshal(text, &content); err != nil {
			t.Fatal(err)
		}
		fuzzed.New(b).Change(content)
		var file bytes.Buffer
		if err := sealed.Write(&file, detectorFormat, content); err != nil {
			t.Fatal(err)
		}
		d, err := ReadDetector(&file, s)
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrWeights) {
				t.Errorf("a changed detector gave %v", err)
			}
			return
		}
		if _, err := d.Score(t.Context(), test); err != nil {
			t.Errorf("a detector is read and does not score: %v", err)
		}
	})
}
