package studio

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"

	"github.com/imago-ml/imago/analysis/anomaly"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/formats/imageio"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/train/keep"
)

// An own is what is found about a picture of a person's own.
type own struct {
	Code       []number   `json:"code"`
	Neighbours []neighbor `json:"neighbours"`
	Anomaly    *unusual   `json:"anomaly"`
	Cannot     string     `json:"cannot"` // what is missing, and why
}

// A neighbor is an item whose code is near.
type neighbor struct {
	Index    int    `json:"index"`
	Set      string `json:"set"`
	Distance number `json:"distance"`
	Class    string `json:"class"`
}

// An unusual says how far an item is from those of the training.
type unusual struct {
	Score     number  `json:"score"`
	Share     number  `json:"share"`     // of the items of the training, or of others like them, that score less
	Threshold *number `json:"threshold"` // above which an item is called anomalous
}

// ownNeighbours is how many neighbours are found.
const ownNeighbours = 8

// postOwn finds what the page cannot compute of a picture: its neighbours and its anomaly score.
func (s *Studio) postOwn(w http.ResponseWriter, r *http.Request) error {
	_, m, err := s.at(r)
	if err != nil {
		return err
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	label, err := queryInt(r, "label", 0, 0, max(0, m.Input().Labels-1))
	if err != nil {
		return err
	}
	it := m.Item()
	if it.Medium == nil {
		return faultf(http.StatusConflict, "items of this model have no files")
	}
	values, err := it.Medium.Decode(it, b)
	switch short := (*memory.Error)(nil); {
	case errors.As(err, &short), errors.Is(err, imageio.ErrTooLarge):
		return faultf(http.StatusRequestEntityTooLarge, "the picture is too large: %s", s.text(err))
	case err != nil:
		return faultf(http.StatusUnprocessableEntity, "this is no picture that can be read: %s", s.text(err))
	case len(values) != it.Size():
		return faultf(http.StatusUnprocessableEntity, "want one item")
	}
	items, err := data.FromFloats(values, it)
	if err != nil {
		return err
	}
	var labelled data.Items = items
	if n := m.Input().Labels; n > 0 {
		labelled = data.Set{Classes: m.Config.Data.Labels}.Labelled(data.Split{Items: items, Labels: []int32{int32(label)}})
	}
	out, err := s.examine(r.Context(), m, labelled)
	if err != nil {
		return err
	}
	return writeJSON(w, out)
}

// examine returns what is found about an item.
func (s *Studio) examine(ctx context.Context, m *loaded, item data.Items) (*own, error) {
	out := &own{Code: []number{}, Neighbours: []neighbor{}}
	if m.Model().Encode == nil {
		out.Cannot = "This model has no encoder, so the picture has no code."
		return out, nil
	}
	mean, _, err := m.EncodeMeans(ctx, item)
	if err != nil {
		return nil, err
	}
	for _, v := range mean {
		out.Code = append(out.Code, number(v))
	}
	c, err := s.knownCodes(m)
	if err != nil {
		return nil, err
	}
	if c == nil {
		out.Cannot = "There are no neighbours: the codes of the items are not known yet."
	} else {
		near, err := latent.Neighbours(ctx, mean, c.mean, c.units, ownNeighbours, latent.Euclidean, nil)
		if err != nil {
			return nil, err
		}
		for _, n := range near[0] {
			out.Neighbours = append(out.Neighbours, neighbor{c.index[n.Index], c.part, number(n.Distance), c.classOf(n.Index)})
		}
	}
	d, why, err := m.detector()
	if err != nil {
		return nil, err
	}
	if d == nil {
		out.Cannot = joined(out.Cannot, why)
		return out, nil
	}
	scores, err := d.Score(ctx, item)
	if err != nil {
		return nil, err
	}
	out.Anomaly = unusualness(d, scores)
	return out, nil
}

// joined returns two sentences, one of which may be "".
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " " + b
}

// classOf returns the name of the class of an item, "" of none.
func (c *codes) classOf(i int) string {
	if c.labels == nil || c.labels[i] < 0 || int(c.labels[i]) >= len(c.classes) {
		return ""
	}
	return screen.Text(c.classes[c.labels[i]])
}

// detector returns the anomaly detector that is saved with a run for these weights, or why there is none.
func (m *loaded) detector() (d *anomaly.Detector, why string, err error) {
	const other = "There is no anomaly score: the detector is saved at the end of a training, for its best weights."
	if m.Run == "" || m.Model().Score == nil {
		return nil, "There is no anomaly score of this model.", nil
	}
	d, err = keep.OpenDetector(disk.At(m.Run), m.Session)
	if keep.IsStale(err) || errors.Is(err, fs.ErrNotExist) {
		return nil, other, nil
	}
	return d, "", err
}

// scoreOf returns the score by which items are ranked: of code and reconstruction together where the model has it.
func scoreOf(scores []anomaly.Score) anomaly.Score {
	for _, name := range []string{anomaly.Combined, anomaly.ELBO} {
		for _, s := range scores {
			if s.Name == name {
				return s
			}
		}
	}
	return scores[0]
}

// unusualness returns the score of the only item, and its place among those of the training.
func unusualness(d *anomaly.Detector, scores []anomaly.Score) *unusual {
	if len(scores) == 0 {
		return nil
	}
	sc := scoreOf(scores)
	u := &unusual{Score: number(sc.Values[0])}
	low, high := 0.0, 1.0
	for range 12 { // to a part in 4,000
		q := (low + high) / 2
		if t, err := d.Quantile(sc.Name, q); err == nil && t.Value <= sc.Values[0] {
			low = q
		} else {
			high = q
		}
	}
	u.Share = number(low)
	if t, err := d.Threshold(sc.Name); err == nil {
		v := number(t.Value)
		u.Threshold = &v
	}
	return u
}
