package page

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/jpeg"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/formats/imageio"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/keep"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/viz/gallery"
)

// kept returns the ranking of the units of a model and the codes of its training items, nil where the run has none for these
// weights.
func kept(t *train.Trained) (units *latent.Ranking, codes *keep.Codes, err error) {
	units = latent.NoRanking(t.Latent())
	if t.Run == "" {
		return units, nil, nil
	}
	if t.Model().Encode != nil {
		codes, err = keep.OpenCodes(disk.At(t.Run), t.Session)
		if err != nil && !keep.IsStale(err) {
			return nil, nil, err
		}
	}
	switch u, err := keep.OpenUnits(disk.At(t.Run), t.Latent()); {
	case err == nil:
		units = &u.Ranking
	case !errors.Is(err, fs.ErrNotExist):
		return nil, nil, err
	case codes != nil:
		units = t.RankCodes(codes.Mean, codes.LogVar)
	}
	return units, codes, nil
}

// points are codes in the plane.
type points struct {
	At     string `json:"at"`               // base64 of two int16 a point, 32767 for the reach
	Labels string `json:"labels,omitempty"` // base64 of a uint16 a point, its class
	count  int
}

// maxPoints is the most points of a page: 12 KB.
const maxPoints = 1500

// newPoints returns codes, evenly spaced among all, in a plane that reaches far enough for all but one in 200 of their units.
func newPoints(c *keep.Codes, plane latent.Plane) (*points, float64) {
	n := len(c.Mean) / plane.Units
	count := min(n, maxPoints)
	var far []float64
	xy := make([][2]float64, count)
	for i := range xy {
		code := c.Mean[i*n/count*plane.Units:][:plane.Units]
		xy[i] = [2]float64{float64(code[plane.X]), float64(code[plane.Y])}
		far = append(far, max(math.Abs(xy[i][0]), math.Abs(xy[i][1])))
	}
	slices.Sort(far)
	reach := math.Ceil(2*max(3, far[min(count-1, count*199/200)])) / 2
	var at, labels []byte
	for i, p := range xy {
		for _, v := range p {
			at = binary.LittleEndian.AppendUint16(at, uint16(int16(math.Round(32767*max(-1, min(1, v/reach))))))
		}
		if all := c.Set.Train.Labels; all != nil && len(c.Set.Classes) > 0 {
			labels = binary.LittleEndian.AppendUint16(labels, uint16(min(math.MaxUint16, all[i*n/count])))
		}
	}
	return &points{base64.StdEncoding.EncodeToString(at), base64.StdEncoding.EncodeToString(labels), count}, reach
}

// testImages is the text of the picture of a run that shows items of the data.
const testImages = "Test images above their reconstructions"

// runSection returns the section of the run: its figures and pictures, "" of weights without a run.
func runSection(t *train.Trained) (string, error) {
	if t.Run == "" {
		return "", nil
	}
	run, err := runlog.Open(t.Run, "")
	if err != nil {
		return "", err
	}
	figures, err := gallery.Figures(run, t.Session)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(`<section aria-labelledby="run-title"><h2 id="run-title">The training</h2><dl class="figures">`)
	for _, f := range figures {
		fmt.Fprintf(&b, `<div><dt>%s</dt><dd>%s <small>%s</small></dd></div>`, html.EscapeString(f.Key), html.EscapeString(f.Value), html.EscapeString(f.Note))
	}
	b.WriteString(`</dl><div class="pictures">`)
	for _, p := range []struct{ name, alt string }{{"reconstructions.png", testImages}, {"curves.png", "Curves of the training"}} {
		small, w, h := thumbnail(run, p.name)
		if small == nil {
			continue
		}
		fmt.Fprintf(&b, `<figure class="card"><img src="data:image/jpeg;base64,%s" width="%d" height="%d" alt="%s"><figcaption>%s</figcaption></figure>`, base64.StdEncoding.EncodeToString(small), w, h, p.alt, p.alt)
	}
	b.WriteString(`</div></section>`)
	return b.String(), nil
}

// thumbnail returns a picture of a run as a small JPEG, with its size; nil if it is not there, or is no picture any more: the
// page is whole without it.
func thumbnail(run *runlog.Run, name string) (file []byte, w, h int) {
	const widest, most = 420, 8 << 10
	b, err := run.Folder().ReadFile(path.Join(runlog.ImagesDir, name), 16<<20)
	if err != nil {
		return nil, 0, 0
	}
	m, err := imageio.Decode(bytes.NewReader(b), imageio.Limits{MaxPixels: 16 << 20, MaxBytes: 16 << 20})
	if err != nil {
		return nil, 0, 0
	}
	w = min(m.W, widest)
	h = max(1, m.H*w/m.W)
	small := imageio.Resize(m, h, w)
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		row := small.Row(y)
		for x := range w {
			p := row[x*small.C:]
			c := color.NRGBA{p[0], p[0], p[0], 255}
			if small.C == 3 {
				c.G, c.B = p[1], p[2]
			}
			out.SetNRGBA(x, y, c)
		}
	}
	for _, quality := range []int{80, 60, 40, 20} {
		var buf bytes.Buffer
		if err := jpeg.Encode(&buf, out, &jpeg.Options{Quality: quality}); err != nil {
			return nil, 0, 0
		}
		if file = buf.Bytes(); len(file) <= most {
			break
		}
	}
	return file, w, h
}
