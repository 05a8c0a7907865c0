package anomaly

import (
	"errors"
	"fmt"
	"io"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/internal/sealed"
)

// ErrFormat marks bytes that are no detector, and ErrWeights a detector of other weights than
// those of the session. Test with errors.Is.
var (
	ErrFormat  = errors.New("not an anomaly detector as Detector.Write writes it")
	ErrWeights = errors.New("the detector was fitted with other weights")
)

// detectorFormat is the version that this package writes and reads, and maxDetector the
// bytes that a file may have.
const (
	detectorFormat = 1
	maxDetector    = 256 << 20
)

// saved is a Detector as it is saved, by package sealed. Its fields are never renamed.
type saved struct {
	Weights string `json:"weights"` // Fingerprint of the model
	Set     string `json:"set"`
	Digest  string `json:"digest"`
	fitted
}

// Write writes the detector as JSON, without the model and without any image.
func (d *Detector) Write(w io.Writer) error {
	weights, err := d.session.Fingerprint()
	if err != nil {
		return err
	}
	if err := sealed.Write(w, detectorFormat, saved{weights, d.Set, d.Digest, d.fitted}); err != nil {
		return fmt.Errorf("anomaly: %w", err)
	}
	return nil
}

// ReadDetector reads what Write wrote, for the same model with the same weights. It fails
// with ErrFormat or ErrWeights.
func ReadDetector(r io.Reader, s *latent.Session) (*Detector, error) {
	var f saved
	switch broken, err := sealed.Read(r, detectorFormat, maxDetector, &f); {
	case broken && err != nil:
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	case err != nil:
		return nil, err
	}
	own, err := s.Fingerprint()
	if err != nil {
		return nil, err
	}
	if f.Weights != own {
		return nil, ErrWeights
	}
	if err := f.check(s); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return &Detector{Set: f.Set, Digest: f.Digest, session: s, score: s.Func(s.Model().Score), fitted: f.fitted}, nil
}

// check returns an error unless f is what Fit finds with a model.
func (f *fitted) check(s *latent.Session) error {
	if err := f.Options.Validate(); err != nil {
		return err
	}
	if s.Model().Score == nil {
		return errors.New("the model does not score images")
	}
	if n := len(f.Tails); n != 0 && n != s.Item().Size() {
		return fmt.Errorf("%d columns, want %d", n, s.Item().Size())
	}
	for name, q := range f.Quantiles {
		if len(q) != quantileSteps+1 {
			return fmt.Errorf("%d quantiles of %s, want %d", len(q), name, quantileSteps+1)
		}
	}
	if s.Model().Encode == nil {
		return nil
	}
	units := s.Latent()
	if f.Density == nil || f.Joint == nil || f.Density.Dim != units || f.Joint.Dim != units+1 {
		return fmt.Errorf("no densities of codes of %d units", units)
	}
	return errors.Join(f.Density.Validate(), f.Joint.Validate())
}
