package studio

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/formats/imageio"
	"github.com/imago-ml/imago/train/runlog"
)

// mostItems is the most items of a sheet.
const mostItems = 400

// writeSheet answers with items in rows of so many, side by side without titles: the page has its own.
func writeSheet(w http.ResponseWriter, it medium.Item, values []float32, cols int) error {
	b, err := sheet(it, values, cols)
	if err != nil {
		return err
	}
	return writeBytes(w, kinds[".png"], b)
}

// sheet returns items as a PNG.
func sheet(it medium.Item, values []float32, cols int) ([]byte, error) {
	pix, h, w, c, err := medium.Draw(it, values)
	if err != nil {
		return nil, fmt.Errorf("studio: %w", err)
	}
	n := len(values) / it.Size()
	rows := (n + cols - 1) / cols
	out := image.NewNRGBA(image.Rect(0, 0, cols*w, rows*h))
	for i := range n {
		for y := range h {
			for x := range w {
				p := pix[((i*h+y)*w+x)*c:]
				v := color.NRGBA{level(p[0]), level(p[0]), level(p[0]), 255}
				if c == 3 {
					v.G, v.B = level(p[1]), level(p[2])
				}
				out.SetNRGBA(i%cols*w+x, i/cols*h+y, v)
			}
		}
	}
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := e.Encode(&b, out); err != nil {
		return nil, fmt.Errorf("studio: %w", err)
	}
	return b.Bytes(), nil
}

// level returns a value in [0, 1] as one of 256 levels.
func level(v float32) uint8 { return uint8(max(0, min(255, math.Round(255*float64(v))))) }

// columns returns in how many columns n items are shown: about a square.
func columns(n int) int { return int(math.Ceil(math.Sqrt(float64(n)))) }

// getSamples answers with a sheet of what a model draws: the same for the same seed.
func (s *Studio) getSamples(w http.ResponseWriter, r *http.Request) error {
	_, m, err := s.at(r)
	if err != nil {
		return err
	}
	n, err := queryInt(r, "n", 16, 1, mostItems)
	if err != nil {
		return err
	}
	cols, err := queryInt(r, "cols", columns(n), 1, n)
	if err != nil {
		return err
	}
	seed, err := queryInt(r, "seed", 1, 0, math.MaxInt)
	if err != nil {
		return err
	}
	label, err := queryInt(r, "label", -1, 0, max(0, m.Input().Labels-1))
	if err != nil {
		return err
	}
	if unchanged(w, r, m.tag()+r.URL.RawQuery) {
		return nil
	}
	only, err := queryInt(r, "only", -1, 0, n-1)
	if err != nil {
		return err
	}
	values, err := m.draw(r.Context(), uint64(seed), n, label)
	if err != nil {
		return err
	}
	if only >= 0 {
		size := m.Item().Size()
		return writeSheet(w, m.Item(), values[only*size:][:size], 1)
	}
	return writeSheet(w, m.Item(), values, cols)
}

// draw returns n items that a model draws by a seed, as imago sample does; label −1 gives a conditional model its labels in turn.
func (m *loaded) draw(ctx context.Context, seed uint64, n, label int) ([]float32, error) {
	if m.Model().Sample == nil && m.Model().Decode == nil {
		return nil, faultf(http.StatusConflict, "this model draws nothing: it has no decoder")
	}
	count := m.SampleLabels()
	if m.Model().Sample == nil {
		count = m.DecodeLabels()
	}
	var labels []float32
	if count > 0 {
		labels = make([]float32, n*count)
		for i := range n {
			k := label
			if k < 0 {
				k = i % count
			}
			labels[i*count+k] = 1
		}
	}
	return m.Sample(ctx, rng.New(seed).Split("sample"), n, labels)
}

// tag returns what the pictures of these weights are known by.
func (m *loaded) tag() string { return fmt.Sprint(m.Path, m.Step, m.at) }

// getReconstructions answers with a sheet of test items, each above what the model makes of it.
func (s *Studio) getReconstructions(w http.ResponseWriter, r *http.Request) error {
	_, m, err := s.at(r)
	if err != nil {
		return err
	}
	n, err := queryInt(r, "n", 8, 1, mostItems/2)
	if err != nil {
		return err
	}
	if m.Model().Reconstruct == nil {
		return faultf(http.StatusConflict, "this model reconstructs nothing: it has no encoder")
	}
	if unchanged(w, r, m.tag()+r.URL.RawQuery) {
		return nil
	}
	set, err := s.sets.open(r.Context(), m.Config.Data, m.Item())
	if err != nil {
		return err
	}
	split := set.Test
	if split.Len() == 0 {
		split = set.Train
	}
	n = min(n, split.Len())
	some, err := split.EvenlySpaced(n)
	if err != nil {
		return err
	}
	values, err := data.AllFloats(r.Context(), some.Items)
	if err != nil {
		return err
	}
	made, err := m.Reconstruct(r.Context(), set.Labelled(some))
	if err != nil {
		return err
	}
	return writeSheet(w, m.Item(), append(values, made...), n)
}

// A picture is one of the pictures of a run.
type picture struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Address string `json:"address"`
}

// then matches the name of a picture as it was at a time.
var then = regexp.MustCompile(`^(.+)-(epoch|step)-(\d+)$`)

// pictures returns the pictures of a run as they are, or as they were at a checkpoint.
func (r *runState) pictures(at *Checkpoint) []picture {
	list := []picture{}
	entries, err := r.folder.ReadDir(runlog.ImagesDir)
	if err != nil {
		return list
	}
	for _, e := range entries {
		ext := path.Ext(e.Name())
		name := strings.TrimSuffix(e.Name(), ext)
		if kinds[ext] == "" || e.IsDir() {
			continue
		}
		parts := then.FindStringSubmatch(name)
		switch {
		case at == nil && parts != nil:
			continue
		case at != nil && parts == nil:
			continue
		case at != nil:
			n, _ := strconv.ParseInt(parts[3], 10, 64)
			if parts[2] == "epoch" && n != int64(at.Epoch) || parts[2] == "step" && n != at.Step {
				continue
			}
			name = parts[1]
		}
		info, err := e.Info()
		if err != nil {
			continue
		}
		list = append(list, picture{e.Name(), titleOf(name), r.address("file/"+runlog.ImagesDir+"/"+e.Name()) + "?v=" + strconv.FormatInt(info.ModTime().UnixMilli(), 36)})
	}
	return list
}

// titleOf returns the name of a picture as a title.
func titleOf(name string) string {
	words := strings.ReplaceAll(name, "-", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}

// findThumbnail returns the address of a small picture of a run, "" if there is none.
func (r *runState) findThumbnail() string {
	if r.fixed {
		return r.address("samples.png") + "?n=9&seed=7"
	}
	if name := r.thumbnailFile(); name != "" {
		if st, err := r.folder.Stat(name); err == nil {
			return r.address("thumbnail.png") + "?v=" + strconv.FormatInt(st.ModTime().UnixMilli(), 36)
		}
	}
	return ""
}

// thumbnailFile returns the picture of a run that is shown small: its last frame, else its samples or its plane.
func (r *runState) thumbnailFile() string {
	if frames, err := r.folder.ReadDir(runlog.FramesDir); err == nil {
		for _, e := range slices.Backward(frames) {
			if path.Ext(e.Name()) == ".png" {
				return path.Join(runlog.FramesDir, e.Name())
			}
		}
	}
	for _, name := range []string{"samples.png", "manifold.png", "reconstructions.png"} {
		if has, err := r.folder.Exists(path.Join(runlog.ImagesDir, name)); has && err == nil {
			return path.Join(runlog.ImagesDir, name)
		}
	}
	return ""
}

// thumbnailSide is the longer side of a thumbnail in pixels.
const thumbnailSide = 128

// getThumbnail answers with a small picture of a run.
func (s *Studio) getThumbnail(w http.ResponseWriter, r *http.Request) error {
	run, err := s.open(r)
	if err != nil {
		return err
	}
	run.mu.Lock()
	name := run.thumbnailFile()
	run.mu.Unlock()
	if name == "" {
		return faultf(http.StatusNotFound, "this run has no picture yet")
	}
	b, err := run.folder.ReadFile(name, 16<<20)
	if err != nil {
		return err
	}
	if unchanged(w, r, digest(b)) {
		return nil
	}
	m, err := imageio.Decode(bytes.NewReader(b), imageio.Limits{MaxPixels: 16 << 20, MaxBytes: 16 << 20})
	if err != nil {
		return faultf(http.StatusConflict, "%s is no picture any more: %v", name, err)
	}
	if short := min(m.W, m.H); short > 2*thumbnailSide { // of a large figure the middle: all of it would be too small to be seen
		m = m.Crop(short*2/5, short*2/5)
	}
	long := max(m.W, m.H)
	if long > thumbnailSide {
		m = imageio.Resize(m, max(1, m.H*thumbnailSide/long), max(1, m.W*thumbnailSide/long))
	}
	out := image.NewNRGBA(image.Rect(0, 0, m.W, m.H))
	for y := range m.H {
		row := m.Row(y)
		for x := range m.W {
			p := row[x*m.C:]
			v := color.NRGBA{p[0], p[0], p[0], 255}
			if m.C >= 3 {
				v.G, v.B = p[1], p[2]
			}
			out.SetNRGBA(x, y, v)
		}
	}
	var small bytes.Buffer
	if err := png.Encode(&small, out); err != nil {
		return fmt.Errorf("studio: %w", err)
	}
	return writeBytes(w, kinds[".png"], small.Bytes())
}
