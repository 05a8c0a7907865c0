package gallery

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/keep"
	"github.com/imago-ml/imago/train/runlog"
)

// N images, H×W×C pixels, Z latent units, K labels, in every comment of this package.

// A Snapshot is the model and the run at the moment at which pictures are drawn.
type Snapshot struct {
	view    *train.View
	run     *runlog.Run
	session *latent.Session
	set     *data.Set
	epoch   int
	step    int64

	latent        int             // Z
	labels        int             // K that generating an image takes; 0 = none
	hasPrior      bool            // images can be drawn
	standardPrior bool            // from codes z ~ N(0, I)
	adversarial   bool            // it has a discriminator
	codes         []float32       // (N, Z) of the first images; nil before their first use
	units         *latent.Ranking // nil before its first use
	lines         *runlog.Thin    // nil before its first use
}

func newSnapshot(v *train.View, epoch int) *Snapshot {
	s := &Snapshot{view: v, run: v.Run(), session: v.Session(), set: v.Data(), epoch: epoch, step: v.Step()}
	s.adversarial = slices.Contains(v.StepMetrics(), model.DLoss)
	s.latent, s.labels, s.hasPrior = s.session.Latent(), s.session.SampleLabels(), s.session.HasPrior()
	s.standardPrior = s.hasPrior && (v.Model().Sample == nil || s.labels > 0)
	return s
}

// mostLines is half the number of lines of a kind that are read of a log: many more than a picture can show.
const mostLines = 10_000

// log returns the log as pictures show it.
func (s *Snapshot) log() (_ *runlog.Thin, err error) {
	if s.lines == nil {
		s.lines, err = s.run.Thinned(mostLines)
	}
	return s.lines, err
}

// View returns the run in training.
func (s *Snapshot) View() *train.View { return s.view }

// Session runs functions of the model.
func (s *Snapshot) Session() *latent.Session { return s.session }

// Epoch returns the number of the epoch after which the pictures are drawn.
func (s *Snapshot) Epoch() int { return s.epoch }

// Key returns the random key of a picture. It is the same in every epoch.
func (s *Snapshot) Key(picture string) rng.Key {
	return rng.New(s.run.Config.Seed).Split("pictures").Split(picture)
}

// Title returns the title of a picture with the epoch and notes, as "samples: epoch 3,
// notes". Notes may be "".
func (s *Snapshot) Title(title string, notes ...string) string {
	return title + ": " + s.time(notes...)
}

// words returns the title of a picture, which begins with the model and its data, and the
// note below it: the epoch and notes, which may be "".
func (s *Snapshot) words(title string, notes ...string) (string, string) {
	c := &s.run.Config
	return fmt.Sprintf("%s on %s: %s", c.Recipe, filepath.Base(c.Data.Name), title), s.time(notes...)
}

// noun returns what the items are called: images, or the rows of a table.
func (s *Snapshot) noun() string {
	return medium.Noun(s.session.Item())
}

// reword returns text about images as text about the items of the run.
func (s *Snapshot) reword(text string) string { return medium.Reword(s.session.Item(), text) }

// isRecords reports whether items are drawn as the lines of a table.
func (s *Snapshot) isRecords() bool {
	_, ok := s.session.Item().Medium.(medium.Tabular)
	return ok
}

// time returns the epoch and notes.
func (s *Snapshot) time(notes ...string) string {
	parts := append([]string{fmt.Sprintf("epoch %d", s.epoch)}, notes...)
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ", ")
}

// HasEncoder reports whether images have codes.
func (s *Snapshot) HasEncoder() bool { return s.session.Model().Encode != nil }

// HasDecoder reports whether codes can be decoded.
func (s *Snapshot) HasDecoder() bool { return s.session.Model().Decode != nil }

// CodesAreNoise reports whether single codes mean nothing to show: there are many
// units, and no image has a code. What fixed noise is decoded to is shown instead.
func (s *Snapshot) CodesAreNoise() bool {
	return s.HasDecoder() && !s.HasEncoder() && s.hasPrior && s.labels == 0 && s.latent > 2
}

// HasPlane reports whether codes can be shown over a plane: the model decodes codes
// that mean something, without labels.
func (s *Snapshot) HasPlane() bool { return s.HasDecoder() && s.labels == 0 && !s.CodesAreNoise() }

// HasPrior reports whether images can be drawn from a prior.
func (s *Snapshot) HasPrior() bool { return s.hasPrior }

// images returns the images that are encoded, and their name: the test images, or the
// training images if there are none.
func (s *Snapshot) images() (split data.Split, name string) {
	if s.set.Test.Len() == 0 {
		return s.set.Train, "training"
	}
	return s.set.Test, "test"
}

// The number of images whose codes are drawn: a quarter of those that the run was trained
// on so far, so that encoding costs little beside training, within these bounds.
const (
	minCodes = 1000
	maxCodes = 10_000
)

// encode returns the codes of the first images, and these images.
func (s *Snapshot) encode(ctx context.Context) ([]float32, data.Split, error) {
	split, _ := s.images()
	n := min(split.Len(), maxCodes, max(minCodes, int(s.view.Images()/4)))
	images, err := firstImages(s.set.Labelled(split), n)
	if err != nil {
		return nil, split, err
	}
	part := data.Split{Items: images}
	if split.Labels != nil {
		part.Labels = split.Labels[:n]
	}
	if s.codes == nil {
		if s.codes, _, err = s.session.EncodeMeans(ctx, part.Items); err != nil {
			return nil, part, err
		}
	}
	return s.codes, part, nil
}

// firstImages returns the first n images, or all.
func firstImages(images data.Items, n int) (data.Items, error) {
	index := make([]int, min(n, images.Len()))
	for i := range index {
		index[i] = i
	}
	return data.Subset(images, index)
}

// ranking returns how important the latent units are now.
func (s *Snapshot) ranking(ctx context.Context) (*latent.Ranking, error) {
	if s.units == nil {
		r, err := keep.RankUnits(ctx, s.session, s.set)
		if err != nil {
			return nil, err
		}
		s.units = r
	}
	return s.units, nil
}

// keepUnits saves with the run which units its pictures show, for other pictures of it.
func (s *Snapshot) keepUnits(ctx context.Context) error {
	if !s.session.RanksUnits() {
		return nil
	}
	r, err := s.ranking(ctx)
	if err != nil {
		return err
	}
	return keep.WriteUnits(s.run.Folder(), &keep.Units{Step: s.step, Ranking: *r})
}

// plane returns the units that are shown in the plane.
func (s *Snapshot) plane(ctx context.Context) (latent.Plane, error) {
	if s.latent <= 2 { // all of them, whatever their ranking
		return latent.NoRanking(s.latent).Plane(), nil
	}
	r, err := s.ranking(ctx)
	if err != nil {
		return latent.Plane{}, err
	}
	return r.Plane(), nil
}

// extent returns the range of codes in a picture: that which is wanted, around 0, if
// the prior is N(0, I), else that of the codes.
func (s *Snapshot) extent(ctx context.Context, want float64) (lo, hi float64, note string, err error) {
	if s.standardPrior {
		return -want, want, "", nil
	}
	codes, _, err := s.encode(ctx)
	if err != nil {
		return 0, 0, "", err
	}
	lo, hi = latent.AxisRange(codes)
	return lo, hi, "range of the codes", nil
}

// tileSide returns the pixels of the longer side of the picture of one item.
func (s *Snapshot) tileSide() int {
	h, w, _ := medium.TileSize(s.session.Item())
	return max(h, w)
}

// pictures returns the folder of the pictures.
func (s *Snapshot) pictures() disk.Folder { return s.run.Folder().Sub(runlog.ImagesDir) }

// writeFile replaces a picture of the folder, which it makes if there is none.
func (s *Snapshot) writeFile(name string, b []byte) error {
	err := atomicfile.WriteBytesIn(s.pictures(), name, b)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := s.pictures().MkdirAll(filepath.ToSlash(filepath.Dir(name))); err != nil {
		return err
	}
	return atomicfile.WriteBytesIn(s.pictures(), name, b)
}

// maxPicture bounds the size of a picture in bytes before it is read.
const maxPicture = 1 << 30

// read returns a picture of the folder.
func (s *Snapshot) read(name string) ([]byte, error) { return s.pictures().ReadFile(name, maxPicture) }

// has reports whether there is a picture of that name. One that cannot be looked at counts: who reads it says why.
func (s *Snapshot) has(name string) bool {
	there, err := s.pictures().Exists(name)
	return err != nil || there
}
