package latent

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/sealed"
	"github.com/imago-ml/imago/prob/mixture"
)

// A Density is a mixture of Gaussians fitted to the codes of a trained model, from which codes
// are drawn in place of its prior: ex-post density estimation (Ghosh et al.,
// arXiv:1903.12436, sec. 4.1). It is saved by package sealed; its fields are never
// renamed.
type Density struct {
	Weights string           `json:"weights"` // Fingerprint of the model whose codes they are
	Set     string           `json:"set"`     // name and data.Set.Digest of the images
	Digest  string           `json:"digest"`
	Images  int              `json:"images"` // that many of them
	Mixture *mixture.Mixture `json:"mixture"`
}

// densityFormat is the version of a Density that this package writes and reads, and
// maxDensity the bytes that one may have.
const (
	densityFormat = 1
	maxDensity    = 256 << 20
)

// ErrDensity marks bytes that are no Density. Test with errors.Is.
var ErrDensity = errors.New("not a density of latent codes as Density.Write writes it")

// Write writes d as JSON.
func (d *Density) Write(w io.Writer) error {
	if err := sealed.Write(w, densityFormat, d); err != nil {
		return fmt.Errorf("latent: density: %w", err)
	}
	return nil
}

// ReadDensity reads what Write wrote. It fails with ErrDensity if a byte is changed or the
// mixture is not valid.
func ReadDensity(r io.Reader) (*Density, error) {
	d := &Density{}
	switch broken, err := sealed.Read(r, densityFormat, maxDensity, d); {
	case broken && err != nil:
		return nil, fmt.Errorf("%w: %w", ErrDensity, err)
	case err != nil:
		return nil, err
	}
	if d.Mixture == nil {
		return nil, fmt.Errorf("%w: no mixture in it", ErrDensity)
	}
	if err := d.Mixture.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDensity, err)
	}
	return d, nil
}

// DensityOptions set how FitDensity fits a density.
type DensityOptions struct {
	Components int     // Gaussians of the mixture, ≥ 1
	Diagonal   bool    // covariances are diagonal, not full
	Key        rng.Key // of the draws of the codes and the starts of the fit
}

// FitDensity fits a mixture of Gaussians to codes. If the model has ln σ², each code is a
// draw from q(z|x): then the mixture fits the aggregate posterior, which the decoder was
// trained to decode. The caller fills in Weights, Set and Digest.
//
// mean (N, units), logVar (N, units) or nil.
func FitDensity(ctx context.Context, mean, logVar []float32, units int, opt DensityOptions) (*Density, error) {
	m, err := mixture.Fit(ctx, SamplePosterior(mean, logVar, opt.Key.Split("codes")), len(mean)/units, units, opt.Components, mixture.Options{Full: !opt.Diagonal, Restarts: 3, Key: opt.Key.Split("mixture")})
	if err != nil {
		return nil, fmt.Errorf("latent: %w", err)
	}
	return &Density{Images: len(mean) / units, Mixture: m}, nil
}

// SamplePosterior returns a draw at key from each q(z|x) = N(mean, diag e^logVar); the means if
// logVar is nil.
//
// mean, logVar (N, Z) → (N, Z).
func SamplePosterior(mean, logVar []float32, key rng.Key) []float32 {
	if logVar == nil {
		return mean
	}
	z := make([]float32, len(mean))
	key.Normal(z)
	for i, v := range logVar {
		z[i] = mean[i] + z[i]*float32(math.Exp(float64(v)/2))
	}
	return z
}

// PriorLogDensity returns the mean over codes of ln N(z; 0, I), in nats.
//
// z (N, units).
func PriorLogDensity(z []float32, units int) float64 {
	square := 0.0
	for _, v := range z {
		square += float64(v) * float64(v)
	}
	return -0.5 * (square/float64(len(z)/units) + float64(units)*math.Log(2*math.Pi))
}

// Fingerprint returns the SHA-256, in hex, of the names and values of the model's parameters.
// A file that was computed with a model holds it, to be refused with another model.
func (s *Session) Fingerprint() (string, error) {
	h := sha256.New()
	for _, p := range s.model.Params {
		t, err := s.runner.Get(p.Name)
		if err != nil {
			return "", fmt.Errorf("latent: %w", err)
		}
		fmt.Fprintf(h, "%s %v\n", p.Name, t.Shape())
		if err := binary.Write(h, binary.LittleEndian, t.F32()); err != nil {
			return "", fmt.Errorf("latent: %w", err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
