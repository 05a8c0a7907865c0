package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/prob/mixture"
	"github.com/imago-ml/imago/train/ckpt"
)

// fitPrior fits a mixture of Gaussians to the codes of a trained model.
func (a *app) fitPrior() *cobra.Command {
	var (
		from     modelSource
		set      setFlags
		k        int
		diagonal bool
		encoded  int
		seed     uint64
	)
	c := &cobra.Command{
		Use:   "fit-prior <run>",
		Short: "Fit a mixture of Gaussians to a model's codes, to draw from",
		Long: `fit-prior encodes the training images of the run's data set, or of --data, fits a mixture of Gaussians to the codes, and
writes it beside the weights. imago sample --prior mixture then draws from it: from a plain autoencoder too, which has no
prior of its own, and from a VAE whose codes do not fill N(0, I).

Of a VAE the codes are a draw from q(z|x) for each image, so what is fitted is what the decoder was trained on. How likely
the codes of the test images are under the mixture and under N(0, I) is printed.`,
		Example: `  imago fit-prior latest
  imago sample latest --prior mixture
  imago fit-prior mlp-ae-mnist-001 --components 50`,
		Args: argCount(0, 1, "a run"),
	}
	f := c.Flags()
	f.IntVar(&k, "components", 10, "`number` of Gaussians")
	f.BoolVar(&diagonal, "diagonal", false, "Gaussians along the axes, as for thousands of units; else with full covariances")
	f.Uint64Var(&seed, "seed", 0, "`seed` of the codes drawn and of the start of the fit")
	encodedFlag(c, &encoded)
	set.addFlags(c)
	hideFlag(c, "split")
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		for _, err := range []error{atLeast("components", k, 1), atLeast("encoded", encoded, 0), set.check()} {
			if err != nil {
				return usage(c, err)
			}
		}
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		set.split = "train"
		s, split, err := a.openSplit(c, m, &set)
		if err != nil {
			return err
		}
		if split, err = evenlySpaced(split, encoded); err != nil {
			return err
		}
		fmt.Fprintf(a.err, "encoding %s of %s and fitting %s\n", plural(split.Len(), "train image"), s.Name, plural(k, "Gaussian"))
		mean, logVar, err := m.EncodeMeans(c.Context(), s.Labelled(split))
		if err != nil {
			return err
		}
		d, err := latent.FitDensity(c.Context(), mean, logVar, m.Latent(), latent.DensityOptions{Components: k, Diagonal: diagonal, Key: rng.New(seed).Split("fit-prior")})
		if err != nil {
			return err
		}
		d.Set, d.Digest = s.Name, s.Digest
		if d.Weights, err = m.Fingerprint(); err != nil {
			return err
		}
		if s.Test.Len() > 0 {
			mean, logVar, err := m.EncodeMeans(c.Context(), s.Labelled(s.Test))
			if err != nil {
				return err
			}
			z := latent.SamplePosterior(mean, logVar, rng.New(seed).Split("test codes"))
			fitted, err := d.Mixture.LogDensity(z)
			if err != nil {
				return err
			}
			sum := 0.0
			for _, l := range fitted {
				sum += l
			}
			fmt.Fprintf(a.out, "ln p of a test image's code: %.1f nats under the mixture, %.1f under N(0, I)\n", sum/float64(len(fitted)), latent.PriorLogDensity(z, m.Latent()))
		}
		name := densityFile(m.name)
		if err := atomicfile.Write(name, d.Write); err != nil {
			return fmt.Errorf("fit-prior: %w", err)
		}
		a.printWritten(name, "%s fitted to the codes of %s by %s", plural(k, "Gaussian"), plural(d.Images, "train image"), m.name)
		return nil
	}
	return c
}

// densityFile returns where the mixture fitted to a model's codes lies: in the folder of a run, beside a checkpoint or a
// weights file.
func densityFile(model string) string {
	info, err := os.Stat(model)
	if _, noState := os.Stat(filepath.Join(model, ckpt.StateFile)); err == nil && info.IsDir() && noState != nil {
		return filepath.Join(model, "prior.json")
	}
	return filepath.Clean(model) + ".prior.json"
}

// fittedPrior returns the mixture that fit-prior fitted to the codes of m.
func (m *trainedModel) fittedPrior() (*mixture.Mixture, error) {
	name := densityFile(m.name)
	f, err := os.Open(name)
	if os.IsNotExist(err) {
		return nil, fmt.Errorf("%s has no mixture fitted to its codes: make it by imago fit-prior %[1]s", m.name)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d, err := latent.ReadDensity(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: make it again by imago fit-prior %s", name, err, m.name)
	}
	own, err := m.Fingerprint()
	if err != nil {
		return nil, err
	}
	if d.Weights != own || d.Mixture.Dim != m.Latent() {
		return nil, fmt.Errorf("%s was fitted to the codes of other weights than these: make it again by imago fit-prior %s", name, m.name)
	}
	return d.Mixture, nil
}
