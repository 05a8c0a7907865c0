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
	"slices"

	"github.com/imago-ml/imago/analysis/probe"
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
	// ByClass are mixtures of the codes of each class, for a model whose decoder takes the label;
	// nil of a class without codes. There are none if all codes are drawn from Mixture.
	ByClass []*mixture.Mixture `json:"by_class,omitempty"`
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
	for k, m := range append([]*mixture.Mixture{d.Mixture}, d.ByClass...) {
		if m == nil {
			continue
		}
		if err := m.Validate(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDensity, err)
		}
		if m.Dim != d.Mixture.Dim {
			return nil, fmt.Errorf("%w: codes of %d units, and %d of class %d", ErrDensity, d.Mixture.Dim, m.Dim, k-1)
		}
	}
	return d, nil
}

// Draw returns n codes at key, (n, Z). If there are mixtures by class, code i is of the class
// that labels (n, K) give it, the largest of them; it fails if that class had no codes. Equal
// keys give codes of different classes the same place in each.
func (d *Density) Draw(key rng.Key, n int, labels []float32) ([]float32, error) {
	if d.ByClass == nil {
		return d.Mixture.Draw(key, n)
	}
	if len(labels) != n*len(d.ByClass) {
		return nil, fmt.Errorf("latent: %d labels of %d codes, want one of %d classes for each", len(labels), n, len(d.ByClass))
	}
	out, z := make([]float32, n*d.Mixture.Dim), d.Mixture.Dim
	classes := probe.Argmax(labels, len(d.ByClass))
	for k, m := range d.ByClass {
		if !slices.Contains(classes, int32(k)) {
			continue
		}
		if m == nil {
			return nil, fmt.Errorf("latent: no training item is of class %d, so it has no density of codes", k)
		}
		codes, err := m.Draw(key, n)
		if err != nil {
			return nil, fmt.Errorf("latent: %w", err)
		}
		for i, class := range classes {
			if int(class) == k {
				copy(out[i*z:(i+1)*z], codes[i*z:])
			}
		}
	}
	return out, nil
}

// DensityOptions set how FitDensity fits a density.
type DensityOptions struct {
	Components int     // Gaussians of the mixture, ≥ 1
	Diagonal   bool    // covariances are diagonal, not full
	Tied       bool    // all Gaussians have one covariance, for many of them to few codes
	Key        rng.Key // of the draws of the codes and the starts of the fit

	// Labels are the class of each code, or −1, of Classes. If they are set, a mixture is fitted
	// to the codes of each class as well, which together have as many components, or one each. If
	// Tied is set too, Mixture is that of the classes by their shares, and codes without a class are
	// left out.
	Labels  []int32
	Classes int
}

// FitDensity fits a mixture of Gaussians to codes. If the model has ln σ², each code is a
// draw from q(z|x): then the mixture fits the aggregate posterior, which the decoder was
// trained to decode. The caller fills in Weights, Set and Digest.
//
// mean (N, units), logVar (N, units) or nil.
func FitDensity(ctx context.Context, mean, logVar []float32, units int, opt DensityOptions) (*Density, error) {
	z := SamplePosterior(mean, logVar, opt.Key.Split("codes"))
	fit := func(z []float32, components int, key rng.Key) (*mixture.Mixture, error) {
		m, err := mixture.Fit(ctx, z, len(z)/units, units, components, mixture.Options{Full: !opt.Diagonal, Restarts: 3, Key: key})
		if err != nil {
			return nil, fmt.Errorf("latent: %w", err)
		}
		return m, nil
	}
	if opt.Tied {
		return fitTied(ctx, z, units, opt)
	}
	d := &Density{Images: len(mean) / units}
	var err error
	if d.Mixture, err = fit(z, opt.Components, opt.Key.Split("mixture")); err != nil {
		return nil, err
	}
	if opt.Labels == nil {
		return d, nil
	}
	d.ByClass = make([]*mixture.Mixture, opt.Classes)
	for k, z := range opt.byClass(z, units) {
		if z == nil {
			continue
		}
		components := min(opt.ofClass(), len(z)/units)
		if d.ByClass[k], err = fit(z, components, opt.Key.Split("class").At(uint64(k))); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// byClass returns the codes of each class, nil where there are none: z (N, units).
func (o DensityOptions) byClass(z []float32, units int) [][]float32 {
	of := make([][]float32, o.Classes)
	for i, k := range o.Labels {
		if k >= 0 {
			of[k] = append(of[k], z[i*units:(i+1)*units]...)
		}
	}
	return of
}

// ofClass returns the number of components of the mixture of a class.
func (o DensityOptions) ofClass() int { return (o.Components + o.Classes - 1) / o.Classes }

// fitTied returns the density whose Gaussians have one covariance, of all codes or of each class:
// z (N, units).
func fitTied(ctx context.Context, z []float32, units int, opt DensityOptions) (*Density, error) {
	groups, components := [][]float32{z}, opt.Components
	if opt.Labels != nil {
		groups, components = opt.byClass(z, units), opt.ofClass()
	}
	mixtures, err := mixture.FitGroups(ctx, groups, units, components, mixture.Options{Full: !opt.Diagonal, Restarts: 3, Key: opt.Key.Split("tied")})
	if err != nil {
		return nil, fmt.Errorf("latent: %w", err)
	}
	d := &Density{Images: len(z) / units, Mixture: mixtures[0]}
	if opt.Labels == nil {
		return d, nil
	}
	all := 0
	for _, z := range groups {
		all += len(z)
	}
	d.ByClass, d.Mixture = mixtures, &mixture.Mixture{Dim: units, Full: !opt.Diagonal}
	for k, m := range mixtures {
		if m == nil {
			continue
		}
		for _, w := range m.Weights {
			d.Mixture.Weights = append(d.Mixture.Weights, w*float64(len(groups[k]))/float64(all))
		}
		d.Mixture.Means = append(d.Mixture.Means, m.Means...)
		d.Mixture.Covs = append(d.Mixture.Covs, m.Covs...)
	}
	return d, nil
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
