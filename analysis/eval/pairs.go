package eval

import (
	"context"
	"math"

	"github.com/imago-ml/imago/data"
)

// pairs are the distances of test images from their reconstructions: the mean over
// the images of mse, psnr and ssim.
type pairs [3]mean

// leastMSE keeps the PSNR of an image that came back exactly finite: an error of
// half a level in 255.
const leastMSE = 0.25 / 255 / 255

// reconstructed measures the pairs; nil if the model does not reconstruct.
func (s *subject) reconstructed(ctx context.Context) (*pairs, error) {
	ok := s.model.Reconstruct != nil
	if s.pairs != nil || !ok {
		return s.pairs, nil
	}
	var p pairs
	size := s.img.Size()
	err := chunks(s.images, func(at int, part data.Items) error {
		made, err := s.session.Reconstruct(ctx, part)
		if err != nil {
			return err
		}
		x, err := data.AllFloats(ctx, part)
		if err != nil {
			return err
		}
		each := make([][3]float64, part.Len())
		err = data.Parallel(ctx, part.Len(), func(i int) error {
			a, b := x[i*size:(i+1)*size], made[i*size:(i+1)*size]
			mse := 0.0
			for k := range a {
				d := float64(a[k]) - float64(b[k])
				mse += d * d / float64(size)
			}
			each[i] = [3]float64{mse, -10 * math.Log10(max(mse, leastMSE)), math.NaN()}
			if v, ok := ssim(a, b, s.img.H, s.img.W, s.img.C); ok {
				each[i][2] = v
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, e := range each {
			for k, v := range e {
				p[k].add(v)
			}
		}
		s.progress(at+part.Len(), s.images.Len())
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.pairs = &p
	return s.pairs, nil
}

// ofPair returns the metric of that place in pairs.
func ofPair(which int) func(context.Context, *subject) (result, error) {
	return func(ctx context.Context, s *subject) (result, error) {
		p, err := s.reconstructed(ctx)
		if err != nil {
			return result{}, err
		}
		if p == nil {
			return absent("the model does not reconstruct")
		}
		m := p[which]
		if math.IsNaN(m.sum) {
			return absent("images of %v are smaller than the window of %d", s.img, ssimWindow)
		}
		return result{value: m.value(), stdErr: m.stdErr(), images: m.n}, nil
	}
}
