package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/anomaly"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/train/keep"
)

// detectorFlags are the flags of an anomaly detector.
type detectorFlags struct {
	draws, components, encoded int
	seed                       uint64
}

// addFlags declares the flags, except --seed.
func (d *detectorFlags) addFlags(c *cobra.Command) {
	usual := keep.DefaultDetector()
	f := c.Flags()
	f.IntVar(&d.draws, "draws", usual.Draws, "`number` of draws of z from q(z|x) for each image, for reconstruction and ELBO")
	f.IntVar(&d.components, "components", usual.Components, "`number` of Gaussians of the density of codes")
	encodedFlag(c, &d.encoded)
}

// check returns the first error in the flags.
func (d *detectorFlags) check() error {
	if d.draws > anomaly.MaxDraws {
		return fmt.Errorf("--draws %d: want at most %d", d.draws, anomaly.MaxDraws)
	}
	return cmp.Or(atLeast("draws", d.draws, 1), atLeast("components", d.components, 1), atLeast("encoded", d.encoded, 0))
}

// changed reports whether the user gave one of the flags.
func (d *detectorFlags) changed(c *cobra.Command) bool {
	f := c.Flags()
	return f.Changed("draws") || f.Changed("components") || f.Changed("encoded") || f.Changed("seed")
}

// fitDetector returns an anomaly detector fitted to the training images of a set.
func (a *app) fitDetector(ctx context.Context, s *latent.Session, set *data.Set, d *detectorFlags) (*anomaly.Detector, error) {
	n := set.Train.Len()
	if d.encoded > 0 {
		n = min(n, d.encoded)
	}
	fmt.Fprintf(a.err, "encoding %s of %s and fitting the density of their codes\n", english.Plural(n, "training image"), set.Name)
	return keep.FitDetector(ctx, s, set, anomaly.Options{Draws: d.draws, Components: d.components, Key: rng.New(d.seed).Split("anomaly")}, d.encoded)
}

// openDetector returns the detector that is saved with the run of m, or, if there is none for these weights or the user
// gave one of its flags, one fitted to the training images of the run. A detector with the usual settings is then saved
// with the run, unless it is of a checkpoint that was taken in place of the best.
func (a *app) openDetector(c *cobra.Command, m *trainedModel, from *modelSource, set *setFlags, how *detectorFlags) (*anomaly.Detector, error) {
	if m.config == nil {
		return nil, fmt.Errorf("%s: %s does not name its data set: want a run, or a file of weights that imago wrote", c.Name(), m.name)
	}
	usual := m.isRun && !how.changed(c)
	if usual {
		d, err := keep.OpenDetector(disk.At(m.name), m.Session)
		switch {
		case err == nil:
			return d, nil
		case !keep.IsStale(err):
			return nil, fmt.Errorf("%w; make it again by imago anomaly fit %s", err, screen.ShellName(m.name))
		case !errors.Is(err, fs.ErrNotExist):
			fmt.Fprintf(a.err, "the detector of %s is of other weights: it is made again for step %s\n", m.name, thousands(m.step))
		}
	}
	own := setFlags{dir: set.dir, noCache: set.noCache, split: partTrain}
	trained, _, err := a.openSplit(c, m, &own)
	if err != nil {
		return nil, fmt.Errorf("a detector is fitted to the training data of %s: %w", m.name, err)
	}
	d, err := a.fitDetector(c.Context(), m.Session, trained, how)
	if err != nil || !usual || !m.takesFiles() || from.checkpoint != bestCheckpoint || m.other {
		return d, err
	}
	return d, a.saveDetector(m, d)
}

// saveDetector saves a detector with the run of m.
func (a *app) saveDetector(m *trainedModel, d *anomaly.Detector) error {
	if err := keep.WriteDetector(disk.At(m.name), d); err != nil {
		return err
	}
	fmt.Fprintf(a.err, "the detector is saved with the run: %s needs no training data from now on\n", m.name)
	return nil
}

// anomalyFit returns the command anomaly fit: it fits the detector of a run again.
func (a *app) anomalyFit() *cobra.Command {
	var (
		from modelSource
		set  setFlags
		how  detectorFlags
	)
	c := &cobra.Command{
		Use:   "fit <run>",
		Short: "Fit the anomaly detector of a run again, and save it with the run",
		Long: `fit encodes training images of the run, fits the densities of their codes, and saves the detector with the run, in
detector.json. Training does this at its end, with the usual settings and fewer images for a short run. imago anomaly
then needs no training data.`,
		Example: `  imago anomaly fit latest
  imago anomaly fit latest --components 50 --encoded 0`,
		Args: argCount(0, 1, "a run"),
	}
	how.addFlags(c)
	seedFlag(c, &how.seed, "the draws and of the initial values of the fit")
	dataDirFlag(c, &set.dir)
	noCacheFlag(c, &set.noCache)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := how.check(); err != nil {
			return usage(c, err)
		}
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		if !m.takesFiles() {
			return fmt.Errorf("anomaly fit: %s, and no detector is saved with it; the flags of imago anomaly fit one for that command alone", m.noFiles())
		}
		set.learns = true
		trained, _, err := a.openSplit(c, m, &set)
		if err != nil {
			return err
		}
		d, err := a.fitDetector(c.Context(), m.Session, trained, &how)
		if err != nil {
			return err
		}
		if err := a.saveDetector(m, d); err != nil {
			return err
		}
		fmt.Fprintf(a.out, "fitted to %s of %s, step %s\n", english.Plural(d.Images, "training "+m.noun()), d.Set, thousands(m.step))
		return nil
	}
	return c
}
