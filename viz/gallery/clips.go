package gallery

import (
	"context"
	"fmt"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/viz"
)

// The clips of a report, of a medium whose items are heard.
const (
	mostClips      = 20      // drawn from the prior
	pairedClips    = 4       // test items, each with its reconstruction
	mostClipsBytes = 4 << 20 // of all files that the page has
)

// drawClips returns what can be heard of the model now: samples, and test items with their
// reconstructions. Of a medium that is not heard there are none.
func (s *Snapshot) drawClips(ctx context.Context) ([]viz.Clip, error) {
	item := s.session.Item()
	if _, heard := item.Medium.(medium.Audible); !heard {
		return nil, nil
	}
	var clips []viz.Clip
	bytes := 0
	add := func(values []float32, title string) error {
		if bytes > mostClipsBytes {
			return nil
		}
		c, err := viz.NewClip(item, values, title)
		bytes += c.Bytes
		clips = append(clips, c)
		return err
	}
	size := item.Size()
	if s.hasPrior {
		var labels []float32
		names := make([]string, min(8, mostClips))
		if s.labels > 0 {
			rows, _, err := labelRows(s.set, s.labels)
			if err != nil {
				return nil, err
			}
			names = make([]string, min(mostClips, 2*len(rows)))
			for i := range names {
				names[i] = rows[i/2%len(rows)].name
				labels = append(labels, rows[i/2%len(rows)].labels...)
			}
		}
		values, err := s.session.Sample(ctx, s.Key("samples"), len(names), labels)
		if err != nil {
			return nil, err
		}
		for i, name := range names {
			title := fmt.Sprintf("Sample %d", i+1)
			if name != "" {
				title += ": " + name
			}
			if err := add(values[i*size:(i+1)*size], title); err != nil {
				return nil, err
			}
		}
	}
	if s.session.Model().Reconstruct == nil {
		return clips, nil
	}
	split, part := s.images()
	index, originals, made, err := s.reconstructed(ctx, pairedClips)
	if err != nil {
		return nil, err
	}
	for i, k := range index {
		name := fmt.Sprintf("%s %s %d", part, s.noun(), k)
		if l := split.Labels; l != nil && int(l[k]) >= 0 && int(l[k]) < len(s.set.Classes) {
			name += ", " + s.set.Classes[l[k]]
		}
		if err := add(originals[i*size:(i+1)*size], "Seen by the model: "+name); err != nil {
			return nil, err
		}
		if err := add(made[i*size:(i+1)*size], "Reconstruction of "+name); err != nil {
			return nil, err
		}
	}
	return clips, nil
}
