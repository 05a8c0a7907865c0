// Package keep saves with a run what later work needs of its training data, so that a run
// stands by itself: an anomaly detector with its thresholds, the codes of training items
// with their labels, for directions, groups and densities, and how important the latent units
// are, so that all pictures show the same ones.
//
//	err := keep.After(ctx, run.Folder(), session, set, keep.Progress{Items: images, Steps: steps}) // at the end of training
//	d, err := keep.OpenDetector(run.Folder(), session)
//	codes, err := keep.OpenCodes(run.Folder(), session)
//	units, err := keep.OpenUnits(run.Folder(), session.Latent())
//
// A detector and codes name the weights that they belong to, by latent.Session.Fingerprint,
// and are refused with others; the ranking of units is of the run, whichever weights of it are
// used. Each depends on the weights and the data alone. The package must not know any concrete
// model.
package keep

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/imago-ml/imago/analysis/anomaly"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/disk"
)

// The files, in the folder of a run.
const (
	DetectorFile = "detector.json"
	CodesFile    = "codes.safetensors"
	UnitsFile    = "units.json"
)

// MaxItems is the most training items that are encoded, evenly spaced in the training part.
const MaxItems = 20_000

// items returns how many training items After encodes for a run that was trained on so many
// items in all: a hundredth of these, but up to 1,000 a quarter of them, so that the work is
// a small part of the training; at most MaxItems.
func items(trained int64) int {
	return int(min(MaxItems, max(1, trained/100, min(1000, trained/4))))
}

// Progress says how far a run has been trained.
type Progress struct {
	Items int64 // it was trained on in all, each as often as it was
	Steps int64
}

// After makes the files for a run whose training has ended, unless they are there already:
// the detector and the codes for these weights, the ranking of units, which is that of the
// run's pictures, for its last step. A file that the model has no use for is not made. set is
// what the run was trained on.
func After(ctx context.Context, dir disk.Folder, s *latent.Session, set *data.Set, done Progress) error {
	if u, err := OpenUnits(dir, s.Latent()); s.RanksUnits() && (err != nil || u.Step != done.Steps) {
		r, err := RankUnits(ctx, s, set)
		if err != nil {
			return err
		}
		if err := WriteUnits(dir, &Units{done.Steps, *r}); err != nil {
			return err
		}
	}
	n := items(done.Items)
	if _, err := OpenDetector(dir, s); err != nil && s.Model().Score != nil {
		d, err := FitDetector(ctx, s, set, DefaultDetector(), n)
		if err != nil {
			return err
		}
		if err := WriteDetector(dir, d); err != nil {
			return err
		}
	}
	if _, err := OpenCodes(dir, s); err == nil || s.Model().Encode == nil {
		return nil
	}
	// Codes cost less than a detector: of a small set, all are kept.
	c, err := Encode(ctx, s, set, max(n, 1000))
	if err != nil {
		return err
	}
	return c.Write(dir, s)
}

// DefaultDetector returns the settings of the detector that After fits.
func DefaultDetector() anomaly.Options {
	return anomaly.Options{Draws: 5, Components: 30, Key: rng.New(0).Split("anomaly")}
}

// FitDetector returns a detector fitted to n training items of set, evenly spaced, and
// calibrated on n test items, if there are enough; 0 means all.
func FitDetector(ctx context.Context, s *latent.Session, set *data.Set, opt anomaly.Options, n int) (*anomaly.Detector, error) {
	train, err := set.Train.EvenlySpaced(n)
	if err != nil {
		return nil, err
	}
	d, err := anomaly.Fit(ctx, s, set.Labelled(train), opt)
	if err != nil {
		return nil, err
	}
	d.Set, d.Digest = set.Name, set.Digest
	if set.Test.Len() < leastHeld {
		return d, nil
	}
	held, err := set.Test.EvenlySpaced(n)
	if err != nil {
		return nil, err
	}
	return d, d.Calibrate(ctx, set.Labelled(held))
}

// leastHeld is the number of test items from which on they say what normal scores are.
const leastHeld = 100

// WriteDetector saves a detector with a run.
func WriteDetector(dir disk.Folder, d *anomaly.Detector) error {
	if err := atomicfile.WriteIn(dir, DetectorFile, d.Write); err != nil {
		return fmt.Errorf("keep: %w", err)
	}
	return nil
}

// OpenDetector returns the detector that is saved with a run, for the weights of s. The error
// is fs.ErrNotExist if there is none, anomaly.ErrWeights if it is of other weights.
func OpenDetector(dir disk.Folder, s *latent.Session) (*anomaly.Detector, error) {
	f, err := dir.Open(DetectorFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d, err := anomaly.ReadDetector(f, s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return d, nil
}

// IsStale reports whether err says that a file is not there or is of other weights, as after
// more training: it is to be made again.
func IsStale(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, anomaly.ErrWeights) || errors.Is(err, ErrWeights)
}
