package gallery

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"image"
	"image/png"
	"slices"
	"strings"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/viz"
)

const (
	sheetSide  = 4   // images a side of a sheet of images from noise
	frameSide  = 12  // images a side of a frame of the animation, at most
	mostFrames = 200 // of an animation, at most
)

// The sheets of images that an interval of steps has, by their names as files.
const (
	fixedName = "fixed" // from the same noise each time
	freshName = "fresh" // from other noise each time
)

// framesOfSteps reports whether the frames of the animation are drawn after intervals of
// steps.
func (s *Snapshot) framesOfSteps() bool { return s.run.Config.LogSteps > 0 && s.hasPrior }

// sampleSheet returns a sheet of images drawn from the prior; those of a conditional
// model have its classes in turn.
func (s *Snapshot) sampleSheet(ctx context.Context, key rng.Key, title string) (image.Image, error) {
	n := sheetSide * sheetSide
	var labels []float32
	if s.labels > 0 {
		rows, _, err := labelRows(s.set, s.labels)
		if err != nil {
			return nil, err
		}
		for i := range n {
			labels = append(labels, rows[i%len(rows)].labels...)
		}
	}
	pix, err := s.session.Sample(ctx, key, n, labels)
	if err != nil {
		return nil, err
	}
	return viz.Grid(s.session.Item(), pix, sheetSide, viz.GridOptions{Title: title, MaxPixels: frameSize * frameSize})
}

// drawSheets stores the sheets of fixed and of fresh noise, and copies for the step.
func (s *Snapshot) drawSheets(ctx context.Context) error {
	for _, sheet := range []struct {
		name string
		key  rng.Key
	}{
		{fixedName, s.Key(fixedName)},
		{freshName, s.Key(freshName).At(uint64(s.step))},
	} {
		img, err := s.sampleSheet(ctx, sheet.key, fmt.Sprintf("%s noise: step %s", sheet.name, english.Thousands(float64(s.step))))
		if err == nil {
			err = s.writeAs(sheet.name, fmt.Sprintf("step-%06d", s.step), img)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// drawFrame stores a frame of the animation. All frames of a run have one size and show
// the same: the plane of codes, the classes of a conditional model, or what fixed noise
// is decoded to.
func (s *Snapshot) drawFrame(ctx context.Context) error {
	if s.framesOfSteps() {
		return s.drawSheets(ctx)
	}
	var img image.Image
	var err error
	switch {
	case s.labels > 0:
		height, _, _ := medium.TileSize(s.session.Item())
		img, err = s.classSheet(ctx, fmt.Sprintf("epoch %04d", s.epoch), "", max(1, 64/height), 2*frameSize*frameSize)
	case s.CodesAreNoise():
		img, err = s.sampleSheet(ctx, s.Key(fixedName), s.time("the same noise"))
	case s.HasDecoder():
		img, err = s.drawPlane(ctx, s.fit(frameSize, 3, frameSide), traversalExtent, viz.ManifoldOptions{Title: s.run.Config.Recipe, PerUnit: 1, Side: planeFrame(s.tileSide())})
	default:
		return nil
	}
	if err != nil {
		return err
	}
	return s.writePNG(s.framePath(s.epoch), img)
}

// planeFrame returns the side of a frame of the plane for tiles of so many pixels: small
// ones have frames that are smaller than the bound.
func planeFrame(tile int) int {
	if tile*frameSide <= 480 {
		return 480
	}
	return frameSize
}

// framesDir is the folder of the frames within that of the pictures.
const framesDir = "frames"

func (s *Snapshot) framePath(epoch int) string {
	return fmt.Sprintf("%s/epoch-%04d.png", framesDir, epoch)
}

// fixedSheets returns the files of the sheets of fixed noise up to the step, in order.
func (s *Snapshot) fixedSheets() ([]string, error) {
	entries, err := s.pictures().ReadDir(".")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	steps := map[string]int64{}
	names = slices.DeleteFunc(names, func(name string) bool {
		var step int64
		_, err := fmt.Sscanf(name, fixedName+"-step-%d.png", &step)
		steps[name] = step
		return err != nil || !strings.HasSuffix(name, ".png") || step > s.step // left by a process whose steps were lost
	})
	slices.SortFunc(names, func(x, y string) int { return cmp.Compare(steps[x], steps[y]) })
	return names, nil
}

// drawAnimation makes one GIF of the frames so far. Frames that are missing are left
// out, and some of very many.
func (s *Snapshot) drawAnimation() error {
	var names []string
	if s.framesOfSteps() {
		var err error
		if names, err = s.fixedSheets(); err != nil {
			return err
		}
	} else {
		for e := range s.epoch + 1 {
			names = append(names, s.framePath(e))
		}
		names = slices.DeleteFunc(names, func(name string) bool { return !s.has(name) })
	}
	if len(names) == 0 {
		return nil
	}
	size, err := s.pictureSize(names[len(names)-1])
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { // drawn by another version of imago
		other, err := s.pictureSize(name)
		return err == nil && other != size
	})
	var frames []image.Image
	for _, name := range thinned(names, min(mostFrames, max(2, animatedSize/(size.X*size.Y)))) {
		b, err := s.read(name)
		if err != nil {
			return err
		}
		img, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		frames = append(frames, img)
	}
	b, err := viz.GIF(frames, viz.AnimationOptions{})
	if err != nil {
		return err
	}
	name := "manifold.gif"
	if s.framesOfSteps() || s.CodesAreNoise() {
		name = fixedName + ".gif"
	}
	return s.writeFile(name, b)
}

// pictureSize returns the size of the picture in a PNG file.
func (s *Snapshot) pictureSize(name string) (image.Point, error) {
	f, err := s.pictures().Open(name)
	if err != nil {
		return image.Point{}, err
	}
	defer f.Close()
	c, err := png.DecodeConfig(f)
	if err != nil {
		return image.Point{}, fmt.Errorf("%s: %w", name, err)
	}
	return image.Pt(c.Width, c.Height), nil
}

// thinned returns up to n ≥ 2 of the names, the first and the last among them.
func thinned[T any](names []T, n int) []T {
	if len(names) <= n {
		return names
	}
	var some []T
	for i := range n {
		some = append(some, names[i*(len(names)-1)/(n-1)])
	}
	return some
}
