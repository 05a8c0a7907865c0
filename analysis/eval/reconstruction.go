package eval

import (
	"context"
	"math"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
)

// reconstructionErrors are the distances of test images from their reconstructions: mse,
// psnr and ssim, each the mean over the images.
type reconstructionErrors [3]mean

// minMSE keeps the PSNR of an image finite that is reconstructed exactly: it is the error
// of half a level in 255.
const minMSE = 0.25 / 255 / 255

// reconstructionErrors returns those of the test images; nil if the model does not
// reconstruct.
func (s *evaluation) reconstructionErrors(ctx context.Context) (*reconstructionErrors, error) {
	ok := s.model.Reconstruct != nil
	if s.reconstructions != nil || !ok {
		return s.reconstructions, nil
	}
	var p reconstructionErrors
	size := s.img.Size()
	h, w, c, noImage := medium.HWC(s.img)
	err := s.eachReconstruction(ctx, func(n int, x, decoded []float32) error {
		each := make([][3]float64, n)
		err := data.Parallel(ctx, n, func(i int) error {
			a, b := x[i*size:(i+1)*size], decoded[i*size:(i+1)*size]
			mse := 0.0
			for k := range a {
				d := float64(a[k]) - float64(b[k])
				mse += d * d / float64(size)
			}
			each[i] = [3]float64{mse, -10 * math.Log10(max(mse, minMSE)), math.NaN()}
			if noImage != nil {
				return nil
			}
			if v, ok := ssim(a, b, h, w, c); ok {
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
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.reconstructions = &p
	return s.reconstructions, nil
}

// reconstructionMetric returns the measure function of a metric by its place in
// reconstructionErrors.
func reconstructionMetric(which int) func(context.Context, *evaluation) (result, error) {
	return func(ctx context.Context, s *evaluation) (result, error) {
		p, err := s.reconstructionErrors(ctx)
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
