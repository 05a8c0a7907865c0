package cli

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// fitPrior returns the command fit-prior: it fits a mixture of Gaussians to the codes of a trained model.
func (a *app) fitPrior() *cobra.Command {
	var (
		from     modelSource
		set      setFlags
		k        int
		diagonal bool
		tied     bool
		encoded  int
		seed     uint64
	)
	c := &cobra.Command{
		Use:   "fit-prior <run>",
		Short: "Fit a mixture of Gaussians to a model's codes, as a prior to sample from",
		Long: `fit-prior encodes the training images of the run's data set, or of --data, fits a mixture of Gaussians to the codes,
and writes it beside the weights. imago sample --prior mixture then draws codes from it. This gives a plain
autoencoder a prior, and a better one to a VAE whose codes do not fill N(0, I).

To a model that takes the class, mixtures are fitted to the codes of each class too, with as many Gaussians together,
or one each. What is drawn under a label is then decoded from a code of that class. With --tied they have one
covariance, so that there may be many of them, as 32 for each class of a few hundred codes.

The codes of a VAE are one draw from q(z|x) for each image, as the decoder was trained on. The mean log-density of the
codes of the test images, under the mixture and under N(0, I), is printed.`,
		Example: `  imago fit-prior latest
  imago sample latest --prior mixture
  imago fit-prior mlp-ae-mnist-001 --components 50
  imago fit-prior sound-cvae-fsdd-001 --components 320 --tied`,
		Args: argCount(0, 1, "a run"),
	}
	f := c.Flags()
	f.IntVar(&k, "components", 10, "`number` of Gaussians")
	f.BoolVar(&diagonal, "diagonal", false, "use diagonal covariances, as for thousands of units, in place of full ones")
	f.BoolVar(&tied, "tied", false, "give all Gaussians one covariance, so that many can be fitted to few codes")
	seedFlag(c, &seed, "the draws and of the initial values of the fit")
	encodedFlag(c, &encoded)
	set.addFlags(c)
	hideFlag(c, "split")
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := cmp.Or(atLeast("components", k, 1), atLeast("encoded", encoded, 0), set.check()); err != nil {
			return usage(c, err)
		}
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		known, err := a.trainingItems(c, m, &set, encoded)
		if err != nil {
			return err
		}
		if err := known.encode(c.Context(), a, m); err != nil {
			return err
		}
		s := known.set
		fmt.Fprintf(a.err, "fitting %s\n", english.Plural(k, "Gaussian"))
		opt := latent.DensityOptions{Components: k, Diagonal: diagonal, Tied: tied, Key: rng.New(seed).Split("fit-prior")}
		toClasses := ""
		if labels := known.split.Labels; labels != nil && m.DecodeLabels() == len(s.Classes) && len(s.Classes) > 0 {
			opt.Labels, opt.Classes = labels, len(s.Classes)
			toClasses = ", and some to those of each class"
		}
		d, err := latent.FitDensity(c.Context(), known.mean, known.logVar, m.Latent(), opt)
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
		a.printWritten(name, "%s fitted to the codes of %s by %s%s", english.Plural(k, "Gaussian"), english.Plural(d.Images, "train "+m.noun()), m.name, toClasses)
		return nil
	}
	return c
}

// densityFile returns the name of the file of the mixture fitted to a model's codes: in the folder of a run, beside a
// checkpoint or a file of weights, or for a model that imago brings along in the current folder.
func densityFile(model string) string {
	if disk.IsMounted(model) {
		return runlog.CleanName(model) + ".prior.json"
	}
	info, err := os.Stat(model)
	if _, noState := os.Stat(filepath.Join(model, ckpt.StateFile)); err == nil && info.IsDir() && noState != nil {
		return filepath.Join(model, "prior.json")
	}
	return filepath.Clean(model) + ".prior.json"
}

// fittedPrior returns the density that fit-prior fitted to the codes of m. It fails if the weights have changed since
// then.
func (m *trainedModel) fittedPrior() (*latent.Density, error) {
	name := densityFile(m.name)
	f, err := os.Open(name)
	if os.IsNotExist(err) {
		return nil, fmt.Errorf("%s has no mixture fitted to its codes: make it by imago fit-prior %s", m.name, screen.ShellName(m.name))
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d, err := latent.ReadDensity(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: make it again by imago fit-prior %s", name, err, screen.ShellName(m.name))
	}
	own, err := m.Fingerprint()
	if err != nil {
		return nil, err
	}
	if d.Weights != own || d.Mixture.Dim != m.Latent() || d.ByClass != nil && len(d.ByClass) != m.DecodeLabels() {
		return nil, fmt.Errorf("%s was fitted to the codes of other weights than these: make it again by imago fit-prior %s", name, screen.ShellName(m.name))
	}
	return d, nil
}
