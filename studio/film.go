package studio

import (
	"fmt"
	"image"
	"math"
	"net/http"
	"time"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/viz"
)

// The bounds of a film.
const (
	mostFrames = 1200
	mostFPS    = 50 // a GIF counts hundredths of a second, and browsers show no shorter frames than two of them
	mostSide   = 512
	mostFilm   = 1 << 27 // pixels of all frames together
)

// postFilm answers with a film of codes, each decoded.
func (s *Studio) postFilm(w http.ResponseWriter, r *http.Request) error {
	_, m, err := s.at(r)
	if err != nil {
		return err
	}
	var body struct {
		Codes  [][]float32 `json:"codes"`
		Labels []float32   `json:"labels"`
		Format string      `json:"format"`
		FPS    float64     `json:"fps"`
		Size   int         `json:"size"`
	}
	if err := readJSON(r, &body); err != nil {
		return err
	}
	units, k := m.Latent(), m.DecodeLabels()
	switch n := len(body.Codes); {
	case body.Format != "gif":
		return faultf(http.StatusBadRequest, "format is %q: want gif", body.Format)
	case n < 1 || n > mostFrames:
		return faultf(http.StatusBadRequest, "%d codes: want 1 to %d, one a frame", n, mostFrames)
	case !(body.FPS > 0 && body.FPS <= mostFPS):
		return faultf(http.StatusBadRequest, "fps is %v: want a number up to %d", body.FPS, mostFPS)
	case body.Size < 1 || body.Size > mostSide:
		return faultf(http.StatusBadRequest, "size is %d: want 1 to %d pixels", body.Size, mostSide)
	case n*body.Size*body.Size > mostFilm:
		return faultf(http.StatusRequestEntityTooLarge, "%d frames of %d pixels a side are too many: take fewer, or smaller ones", n, body.Size)
	case m.Model().Decode == nil:
		return faultf(http.StatusConflict, "this model has no decoder")
	case k > 0 && len(body.Labels) != k:
		return faultf(http.StatusBadRequest, "%d labels: this model takes %d numbers, of which that of the class is 1", len(body.Labels), k)
	}
	var codes, labels []float32
	for i, c := range body.Codes {
		if len(c) != units {
			return faultf(http.StatusBadRequest, "code %d has %d numbers: want %d", i, len(c), units)
		}
		codes = append(codes, c...)
		if k > 0 {
			labels = append(labels, body.Labels...)
		}
	}
	values, err := m.DecodeAs(r.Context(), codes, labels)
	if err != nil {
		return faultf(http.StatusBadRequest, "%s", s.text(err))
	}
	frames, err := framesOf(m.Item(), values, body.Size)
	if err != nil {
		return err
	}
	delay := time.Duration(math.Round(100/body.FPS)) * 10 * time.Millisecond
	b, err := viz.GIF(frames, viz.AnimationOptions{Delay: delay, Hold: delay, MaxSide: -1})
	if err != nil {
		return fmt.Errorf("studio: %w", err)
	}
	return writeBytes(w, kinds[".gif"], b)
}

// framesOf returns each item as a picture whose longer side has so many pixels, each pixel of the item a block.
func framesOf(it medium.Item, values []float32, size int) ([]image.Image, error) {
	pix, h, w, c, err := medium.Draw(it, values)
	if err != nil {
		return nil, fmt.Errorf("studio: %w", err)
	}
	scale := float64(size) / float64(max(h, w))
	height, width := max(1, int(math.Round(float64(h)*scale))), max(1, int(math.Round(float64(w)*scale)))
	var frames []image.Image
	for i := range len(values) / it.Size() {
		grey, colour := image.NewGray(image.Rect(0, 0, width, height)), (*image.NRGBA)(nil)
		if c == 3 {
			colour = image.NewNRGBA(grey.Rect)
		}
		for y := range height {
			for x := range width {
				p := pix[((i*h+y*h/height)*w+x*w/width)*c:]
				if colour == nil {
					grey.Pix[y*grey.Stride+x] = level(p[0])
					continue
				}
				copy(colour.Pix[y*colour.Stride+4*x:], []uint8{level(p[0]), level(p[1]), level(p[2]), 255})
			}
		}
		if colour != nil {
			frames = append(frames, colour)
		} else {
			frames = append(frames, grey)
		}
	}
	return frames, nil
}
