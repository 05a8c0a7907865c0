package train

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"

	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/viz"
)

const (
	sheetSide  = 4   // images a side of a sheet of one noise
	mostFrames = 200 // of an animation
)

// stepped says that the frames of the animation are made after intervals of steps.
func (a *artist) stepped() bool { return a.run.Config.LogSteps > 0 && a.prior }

// made returns a sheet of images drawn from the prior, those of a conditional model of its
// labels in turn.
func (a *artist) made(key rng.Key, title string) (image.Image, error) {
	n := sheetSide * sheetSide
	var labels []float32
	if a.labels > 0 {
		rows, err := a.rows()
		if err != nil {
			return nil, err
		}
		for i := range n {
			labels = append(labels, rows[i%len(rows)].labels...)
		}
	}
	pix, err := a.session.Sample(a.ctx, key, n, labels)
	if err != nil {
		return nil, err
	}
	s := a.session.Item()
	return viz.Grid(s, pix, sheetSide, viz.GridOptions{Title: title})
}

// sheets draws what the model makes of one noise, the same all along, and of fresh
// noise, and stores both under their names and, with the step's, for good.
func (a *artist) sheets() error {
	for _, s := range []struct {
		name string
		key  rng.Key
	}{
		{fixedName, a.key().Split(fixedName)},
		{freshName, a.key().Split(freshName).At(uint64(a.step))},
	} {
		img, err := a.made(s.key, fmt.Sprintf("%s noise: step %s", s.name, thousands(float64(a.step))))
		if err == nil {
			err = a.writeAs(s.name, fmt.Sprintf("step-%06d", a.step), img)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// The sheets, by their names as files.
const (
	fixedName = "fixed"
	freshName = "fresh"
)

// fixedSheets returns the files of the sheets of one noise up to the step, in order.
func (a *artist) fixedSheets() ([]string, error) {
	names, err := filepath.Glob(a.path(fixedName + "-step-*.png"))
	if err != nil {
		return nil, err
	}
	steps := map[string]int64{}
	names = slices.DeleteFunc(names, func(name string) bool {
		var step int64
		_, err := fmt.Sscanf(filepath.Base(name), fixedName+"-step-%d.png", &step)
		steps[name] = step
		return err != nil || step > a.step // of a future that was not resumed
	})
	slices.SortFunc(names, func(x, y string) int { return cmp.Compare(steps[x], steps[y]) })
	return names, nil
}

// animation makes the frames up to now into one GIF. Frames that were lost are left
// out, and some of very many.
func (a *artist) animation() error {
	var names []string
	if a.stepped() {
		var err error
		if names, err = a.fixedSheets(); err != nil {
			return err
		}
	} else {
		for e := range a.epoch + 1 {
			names = append(names, a.framePath(e))
		}
		names = slices.DeleteFunc(names, func(name string) bool { _, err := os.Stat(name); return os.IsNotExist(err) })
	}
	var frames []image.Image
	for _, name := range thinned(names, mostFrames) {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		img, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		frames = append(frames, img)
	}
	if len(frames) == 0 {
		return nil
	}
	b, err := viz.GIF(frames, viz.AnimationOptions{})
	if err != nil {
		return err
	}
	name := "manifold.gif"
	if a.stepped() || a.noisy() {
		name = fixedName + ".gif"
	}
	return a.writeFile(a.path(name), b)
}

// noisy says that single codes mean nothing to show: many, and no image has one. What
// the model makes of one noise is shown instead.
func (a *artist) noisy() bool {
	return a.decodes() && !a.encodes() && a.prior && a.labels == 0 && a.dim > 2
}

// thinned returns up to n of the names, the first and the last among them.
func thinned(names []string, n int) []string {
	if len(names) <= n {
		return names
	}
	var some []string
	for i := range n {
		some = append(some, names[i*(len(names)-1)/(n-1)])
	}
	return some
}
