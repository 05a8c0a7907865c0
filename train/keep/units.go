package keep

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/sealed"
)

// ErrUnits marks a file that is no ranking of units. Test with errors.Is.
var ErrUnits = errors.New("not a ranking of latent units as WriteUnits writes it")

// unitsFormat is the version of the file that this package writes and reads, and maxUnits the
// bytes that it may have.
const (
	unitsFormat = 1
	maxUnits    = 16 << 20
)

// Units is the ranking of the latent units of a run: that of its last pictures, so that every
// picture shows the same units, whichever checkpoint it is drawn of.
type Units struct {
	Step int64 `json:"step"` // optimiser updates after which they were ranked
	latent.Ranking
}

// RankUnits ranks the units of a model on the test items of a set, or the training items if
// there are none. A model without an encoder needs no set.
func RankUnits(ctx context.Context, s *latent.Session, set *data.Set) (*latent.Ranking, error) {
	if s.Model().Encode == nil {
		return s.RankUnits(ctx, nil)
	}
	split := set.Test
	if split.Len() == 0 {
		split = set.Train
	}
	return s.RankUnits(ctx, set.Labelled(split))
}

// WriteUnits saves the ranking of units with a run, as JSON with its SHA-256.
func WriteUnits(dir disk.Folder, u *Units) error {
	err := atomicfile.WriteIn(dir, UnitsFile, func(w io.Writer) error { return sealed.Write(w, unitsFormat, u) })
	if err != nil {
		return fmt.Errorf("keep: %w", err)
	}
	return nil
}

// OpenUnits returns the ranking of units that is saved with a run whose model has so many. The
// error is fs.ErrNotExist if there is none, ErrUnits if the file is damaged.
func OpenUnits(dir disk.Folder, units int) (*Units, error) {
	f, err := dir.Open(UnitsFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var u Units
	broken, err := sealed.Read(f, unitsFormat, maxUnits, &u)
	if err == nil {
		broken, err = true, u.Check(units)
	}
	switch {
	case broken && err != nil:
		return nil, fmt.Errorf("%s: %w: %w", f.Name(), ErrUnits, err)
	case err != nil:
		return nil, err
	}
	return &u, nil
}
