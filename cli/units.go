package cli

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/train/keep"
)

// A unitRanking is how important the latent units of a model are, and where that is known from.
type unitRanking struct {
	*latent.Ranking
	step int64 // of the run's training after which the units were ranked
}

// unitPlane returns the two units of m that a picture in the plane shows.
func (a *app) unitPlane(c *cobra.Command, m *trainedModel, s *setFlags) (latent.Plane, error) {
	if m.Latent() <= 2 { // all of them, whatever their ranking
		return latent.NoRanking(m.Latent()).Plane(), nil
	}
	r, err := a.rankUnits(c, m, s)
	if err != nil {
		return latent.Plane{}, err
	}
	return r.Plane(), nil
}

// keptUnits returns the ranking of units by which the pictures of the run of m were drawn; nil if none is saved with it.
func (m *trainedModel) keptUnits() (*unitRanking, error) {
	if m.run == "" {
		return nil, nil
	}
	switch u, err := keep.OpenUnits(disk.At(m.run), m.Latent()); {
	case err == nil:
		return &unitRanking{&u.Ranking, u.Step}, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case errors.Is(err, keep.ErrUnits):
		return nil, fmt.Errorf("%w: remove the file, and they are ranked again", err)
	default:
		return nil, err
	}
}

// rankUnits returns the ranking of the units of m that is saved with its run. Where there is none, as with a run of an
// earlier imago, the units are ranked on the run's data, on that of the flags, or by the codes saved with the run; if
// none of these is there, they are in their own order, and a line says so.
func (a *app) rankUnits(c *cobra.Command, m *trainedModel, s *setFlags) (*unitRanking, error) {
	if r, err := m.keptUnits(); r != nil || err != nil {
		return r, err
	}
	if m.Model().Encode == nil {
		r, err := m.RankUnits(c.Context(), nil)
		return &unitRanking{r, m.step}, err
	}
	var sets []*setFlags
	if m.config != nil {
		sets = append(sets, &setFlags{dir: s.dir, noCache: s.noCache})
	}
	if s.data != "" {
		sets = append(sets, s)
	}
	missing := errors.New("the file of weights names no data")
	for _, of := range sets {
		set, _, err := a.openSplit(c, m, of)
		if err != nil {
			missing = err
			continue
		}
		r, err := keep.RankUnits(c.Context(), m.Session, set)
		return &unitRanking{r, m.step}, err
	}
	if m.run != "" {
		if kept, err := keep.OpenCodes(disk.At(m.run), m.Session); err == nil {
			return &unitRanking{m.RankCodes(kept.Mean, kept.LogVar), m.step}, nil
		}
	}
	if err := c.Context().Err(); err != nil {
		return nil, err
	}
	fmt.Fprintf(a.err, "the latent units are in their own order, as there is nothing to rank them by: %s\n", a.errorText(missing))
	return &unitRanking{latent.NoRanking(m.Latent()), m.step}, nil
}
