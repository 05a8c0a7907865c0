package eval

import (
	"context"
	"fmt"
	"slices"

	"github.com/imago-ml/imago/analysis/bigram"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
)

// notSequences is why items that are no sequences of tokens have no metric of them.
const notSequences = "the images are no sequences of tokens"

// sequences reports whether the items are sequences of tokens.
func (s *evaluation) sequences() bool { return s.img.Element == medium.Tokens && len(s.img.Shape) == 1 }

// pairs is the number of test sequences that are steered, and of pairs that are interpolated.
const pairs = 200

// interpolationGain returns by how much less the middle between two test sequences costs than
// their mixture.
func interpolationGain(ctx context.Context, s *evaluation) (result, error) {
	switch {
	case !s.sequences():
		return absent(notSequences)
	case s.model.Encode == nil || s.model.Decode == nil || s.session.DecodeLabels() > 0:
		return absent("the model does not encode and decode without labels")
	case s.images.Len() < 2:
		return absent("there are fewer than two test images")
	}
	usual, err := bigram.Fit(ctx, s.task.Set.Train.Items)
	if err != nil {
		return result{}, err
	}
	ends, codes, err := s.some(ctx, 2*pairs)
	if err != nil {
		return result{}, err
	}
	z, size, n := s.session.Latent(), s.img.Size(), len(ends)/s.img.Size()/2
	middle := make([]float32, n*z)
	mixed := make([]float32, n*size)
	for i := range n { // the first half with the second: neighbours may be of one tune
		latent.Spherical(codes[i*z:(i+1)*z], codes[(n+i)*z:(n+i+1)*z], 0.5, middle[i*z:(i+1)*z])
		bigram.Mix(ends[i*size:(i+1)*size], ends[(n+i)*size:(n+i+1)*size], 0.5, s.key.Split("mixture").At(uint64(i)), mixed[i*size:(i+1)*size])
	}
	made, err := s.session.Decode(ctx, middle)
	if err != nil {
		return result{}, err
	}
	var gain, cost, plain mean
	for i := range n {
		a, b := usual.Cost(made[i*size:(i+1)*size]), usual.Cost(mixed[i*size:(i+1)*size])
		gain.add(b - a)
		cost.add(a)
	}
	for i := range 2 * n {
		plain.add(usual.Cost(ends[i*size : (i+1)*size]))
	}
	note := fmt.Sprintf("decoded %.2f, mixed %.2f, test sequences %.2f nats a token", cost.value(), cost.value()+gain.value(), plain.value())
	return result{value: gain.value(), stdErr: gain.stdErr(), images: n, note: note}, nil
}

// some returns at most n test images at equal distances, an even number, and their mean codes.
func (s *evaluation) some(ctx context.Context, n int) (values, codes []float32, err error) {
	n = min(n, s.images.Len()/2*2)
	index := make([]int, n)
	for k := range index {
		index[k] = k * s.images.Len() / n
	}
	chosen, err := data.Subset(s.images, index)
	if err != nil {
		return nil, nil, err
	}
	if values, err = data.AllFloats(ctx, chosen); err != nil {
		return nil, nil, err
	}
	codes, _, err = s.session.EncodeMeans(ctx, chosen)
	return values, codes, err
}

// strengths are those by which steering is judged, in standard deviations of the codes.
var strengths = []float64{-2, -1, 0, 1, 2}

// steered returns the share of test images of which a measure of their medium rises, and never falls, along the
// direction of the attribute of its name; each measure's in units.
func steered(ctx context.Context, s *evaluation) (result, error) {
	m, ok := s.img.Medium.(medium.Measurer)
	set := s.task.Set
	switch {
	case !ok:
		return absent("images of the medium have no measures")
	case s.model.Encode == nil || s.model.Decode == nil || s.session.DecodeLabels() > 0:
		return absent("the model does not encode and decode without labels")
	case set.Train.Attributes == nil:
		return absent("%s has no attributes", set.Name)
	case s.images.Len() < 2:
		return absent("there are fewer than two test images")
	}
	train, _, err := s.session.EncodeMeans(ctx, set.Labelled(set.Train))
	if err != nil {
		return result{}, err
	}
	_, codes, err := s.some(ctx, pairs)
	if err != nil {
		return result{}, err
	}
	z, size := s.session.Latent(), s.img.Size()
	var r result
	var all mean
	for k, name := range m.Measures(s.img) {
		t, err := set.Trait(name)
		if err != nil || t.Attribute < 0 {
			continue
		}
		with, err := t.Mask(set.Train)
		if err != nil {
			return result{}, err
		}
		d, err := latent.MeanDifference(train, z, with)
		if err != nil {
			return absent("%s: %v", name, err)
		}
		var rises mean
		for code := range slices.Chunk(codes, z) {
			made, err := s.session.Decode(ctx, d.Move(code, strengths))
			if err != nil {
				return result{}, err
			}
			var at []float64
			for v := range slices.Chunk(made, size) {
				at = append(at, m.Measure(s.img, v)[k])
			}
			up := 0.0
			if slices.IsSorted(at) && at[0] < at[len(at)-1] {
				up = 1
			}
			rises.add(up)
			all.add(up)
		}
		r.units = append(r.units, rises.value())
		r.images = rises.n
		r.note += fmt.Sprintf("%s %.3f ", name, rises.value())
	}
	if r.images == 0 {
		return absent("%s has no attribute that the medium measures", set.Name)
	}
	r.value, r.stdErr = all.value(), all.stdErr()
	return r, nil
}
