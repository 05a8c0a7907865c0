package train

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/viz"
)

const (
	maxScatter = 10_000 // images whose codes are scattered
	pairsDrawn = 30     // originals with reconstructions
	priorDrawn = 64     // samples
)

// An artist draws the pictures of a run from the model as it is.
type artist struct {
	ctx      context.Context
	run      *runlog.Run
	session  *latent.Session
	set      *data.Set
	epoch    int
	step     int64
	dim      int           // Z
	labels   int           // K that it takes to make an image; 0 = none
	prior    bool          // it has one
	normal   bool          // and it is N(0, I)
	contest  bool          // it is adversarial
	measured []eval.Metric // those of Config.Measure
	codes    []float32     // (N, Z), of the scatter; nil before
}

func (t *trainer) artist(ctx context.Context, epoch int) *artist {
	a := &artist{ctx: ctx, run: t.Run, session: t.session, set: t.Data, epoch: epoch, step: t.at.Step}
	a.contest = slices.Contains(t.step.names, model.DLoss)
	a.dim, a.labels, a.prior = t.session.Latent(), t.session.SampleLabels(), t.session.HasPrior()
	if t.gauge != nil {
		a.measured = t.gauge.metrics
	}
	own := t.Model.Sample != nil
	a.normal = a.prior && (!own || a.labels > 0)
	return a
}

// images returns those that are encoded: the test images, or the training images if
// there are none.
func (a *artist) images() (s data.Split, name string) {
	if a.set.Test.Len() == 0 {
		return a.set.Train, "training"
	}
	return a.set.Test, "test"
}

// draw makes the pictures that are due after an epoch: a frame of the animation
// unless intervals have them, the rest every few epochs and at the end.
func (t *trainer) draw(ctx context.Context, epoch int, final bool) error {
	every := t.Run.Config.Pictures
	if every < 0 {
		return nil
	}
	a := t.artist(ctx, epoch)
	var err error
	if !a.stepped() || epoch == 0 || final { // else after intervals of steps
		err = a.frame()
	}
	if err == nil && (final || epoch > 0 && every > 0 && t.Run.Config.DueEvery(every, epoch, t.at.Step)) {
		err = a.all(t, final)
	}
	if err != nil && ctx.Err() != nil {
		return t.interrupt()
	}
	if err != nil {
		return fmt.Errorf("train: pictures of epoch %d: %w", epoch, err)
	}
	return nil
}

// all draws every picture of the model and the report.
func (a *artist) all(t *trainer, final bool) error {
	drawings := []func() error{a.scatter, a.manifolds, a.units, a.classes, a.found, a.reconstructions, a.samples, a.networks, a.curves}
	if final {
		drawings = append(drawings, a.animation)
	}
	for _, d := range drawings {
		if a.ctx.Err() != nil {
			return context.Cause(a.ctx)
		}
		if err := d(); err != nil {
			return err
		}
	}
	for _, name := range []string{"manifold", "units", "classes", "found", "reconstructions", "samples", fixedName, freshName} {
		if err := a.tell(t, name); err != nil {
			return err
		}
	}
	return a.report(t)
}

// tell hands a picture to TensorBoard.
func (a *artist) tell(t *trainer, name string) error {
	b, err := os.ReadFile(a.path(name + ".png"))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	c, err := png.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return err
	}
	channels := 3
	if c.ColorModel == color.GrayModel {
		channels = 1
	}
	return t.logs.Image(t.at.Step, name, c.Height, c.Width, channels, b)
}

func (a *artist) path(name string) string { return filepath.Join(a.run.Path(runlog.ImagesDir), name) }

// write stores a picture under its name, and under its name and the epoch's.
func (a *artist) write(name string, img image.Image) error {
	return a.writeAs(name, fmt.Sprintf("epoch-%04d", a.epoch), img)
}

// writeAs stores a picture under its name, and under its name and when it was so.
func (a *artist) writeAs(name, when string, img image.Image) error {
	b, err := viz.PNG(img)
	if err != nil {
		return err
	}
	if err := a.writeFile(a.path(name+"-"+when+".png"), b); err != nil {
		return err
	}
	return a.writeFile(a.path(name+".png"), b)
}

func (a *artist) writeFile(name string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return atomicfile.WriteBytes(name, b)
}

// after returns what a title says of the time and of what is left out.
func (a *artist) after(notes ...string) string {
	s := fmt.Sprintf("epoch %d", a.epoch)
	for _, n := range notes {
		if n != "" {
			s += ", " + n
		}
	}
	return s
}

// encode gives the codes of the first images, and those images.
func (a *artist) encode() ([]float32, data.Split, error) {
	s, _ := a.images()
	n := min(s.Len(), maxScatter)
	images, err := first(a.set.Labelled(s), n)
	if err != nil {
		return nil, s, err
	}
	part := data.Split{Items: images}
	if s.Labels != nil {
		part.Labels = s.Labels[:n]
	}
	if a.codes == nil {
		if a.codes, _, err = a.session.EncodeMeans(a.ctx, part.Items); err != nil {
			return nil, part, err
		}
	}
	return a.codes, part, nil
}

func (a *artist) scatter() error {
	if !a.encodes() {
		return nil
	}
	codes, part, err := a.encode()
	if err != nil {
		return err
	}
	dim, x, y, left := a.dim, 0, 1, ""
	if dim > 2 { // the two units of the manifold
		order, err := a.ranked()
		if err != nil {
			return err
		}
		x, y = order[0], order[1]
		left = fmt.Sprintf("units %d and %d of %d", x, y, dim)
		plane := make([]float32, 0, 2*part.Len())
		for i := range part.Len() {
			plane = append(plane, codes[i*dim+x], codes[i*dim+y])
		}
		codes, dim = plane, 2
	}
	lo, hi, fitted := latent.AxisLimits(codes, dim, a.normal, 4)
	note := ""
	if fitted {
		note = "range of the codes"
	}
	_, name := a.images()
	p, err := latent.Project(codes, dim, part.Labels, len(a.set.Classes), lo, hi)
	if err != nil {
		return err
	}
	if left != "" {
		p.XLabel, p.YLabel = fmt.Sprintf("z[%d]", x), fmt.Sprintf("z[%d]", y)
	}
	img, err := viz.Scatter(p.Points, part.Labels, a.set.Classes, viz.ScatterOptions{
		Lo: lo, Hi: hi, XLabel: p.XLabel, YLabel: p.YLabel,
		Title: fmt.Sprintf("codes of %s %s images: %s", thousands(float64(len(p.Points))), name, a.after(p.Note, left, note)),
	})
	if err != nil {
		return err
	}
	return a.write("scatter", img)
}

func (a *artist) encodes() bool {
	ok := a.session.Model().Encode != nil
	return ok
}

func (a *artist) decodes() bool {
	ok := a.session.Model().Decode != nil
	return ok
}

func (a *artist) reconstructions() error {
	if a.session.Model().Reconstruct == nil {
		return nil
	}
	split, name := a.images()
	var index []int
	for _, i := range a.key().Split("reconstructions").Perm(split.Len()) {
		if len(index) < pairsDrawn {
			index = append(index, int(i))
		}
	}
	some, err := data.Subset(a.set.Labelled(split), index)
	if err != nil {
		return err
	}
	made, err := a.session.Reconstruct(a.ctx, some)
	if err != nil {
		return err
	}
	originals, err := data.AllFloats(a.ctx, some)
	if err != nil {
		return err
	}
	s := a.session.Item()
	img, err := viz.Pairs(s, originals, made, viz.PairsOptions{Title: name + " images and their reconstructions: " + a.after()})
	if err != nil {
		return err
	}
	return a.write("reconstructions", img)
}

// samples draws from the prior; a model without one has no samples.
func (a *artist) samples() error {
	if !a.prior {
		return nil
	}
	n, columns, of := priorDrawn, 8, "from the model's own prior"
	if a.normal {
		of = "z ~ N(0, I)"
	}
	var labels []float32
	if a.labels > 0 {
		rows, err := a.rows()
		if err != nil {
			return err
		}
		columns = len(rows)
		n, of = 6*columns, of+", a column of each class"
		for i := range n {
			labels = append(labels, rows[i%columns].labels...)
		}
	}
	pix, err := a.session.Sample(a.ctx, a.key().Split("samples"), n, labels)
	if err != nil {
		return err
	}
	s := a.session.Item()
	img, err := viz.Grid(s, pix, columns, viz.GridOptions{Title: "samples, " + of + ": " + a.after()})
	if err != nil {
		return err
	}
	return a.write("samples", img)
}

// key returns that of what the pictures draw: the same in every epoch, so that pictures
// can be compared.
func (a *artist) key() rng.Key { return rng.New(a.run.Config.Seed).Split("pictures") }

// networks draws the diagrams, which do not change.
func (a *artist) networks() error {
	nets := a.session.Model().Networks
	for _, n := range nets {
		name := a.path(networkFile(n.Name))
		if _, err := os.Stat(name); err == nil {
			continue
		}
		img, err := viz.Network(netLayers(n), n.Name)
		if err != nil {
			return err
		}
		b, err := viz.PNG(img)
		if err == nil {
			err = a.writeFile(name, b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func networkFile(name string) string {
	return "network-" + runlog.CleanName(name) + ".png"
}
