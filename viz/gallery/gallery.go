// Package gallery draws the pictures of a run while it trains, and writes them with its
// metrics on one page: images/ and report.html in the folder of the run. It is a
// train.Observer:
//
//	result, err := train.Loop(ctx, train.Job{…, Observers: []train.Observer{gallery.New(gallery.Options{})}})
//
// Config.Pictures of the run says how often pictures are drawn. After every epoch, or
// every interval of Config.LogSteps steps, a small frame is drawn besides, and at the
// end of the run the frames become an animation.
//
// # How to add a picture
//
// A picture is a Picture: its file name, its place and texts in the report, and a
// function that draws it from a Snapshot, the model and the run at one moment. It
// returns nil for a model that does not have the picture. Pictures of your own go to
// Options.Pictures; those of the package are rows of the table in table.go.
//
//	gallery.New(gallery.Options{Pictures: []gallery.Picture{{
//		Name: "mean", Section: "My pictures", Title: "Mean image",
//		Draw: func(ctx context.Context, s *gallery.Snapshot) (image.Image, error) {
//			pix, err := s.Session().Sample(ctx, s.Key("mean"), 64, nil)
//			…
//			return viz.Grid(mean, 1, h, w, c, 1, viz.GridOptions{Title: s.Title("the mean of 64 samples")})
//		}}}})
//
// Promises. A picture that cannot be drawn is left out with a warning, in the report too,
// and does not end a training. A picture depends on the weights, the data and the seed of the run alone, so
// a run that was interrupted has the same pictures. Random draws have the same keys each
// time: pictures of different epochs can be compared. Pictures are replaced whole. Their
// size is bounded, whatever the size of an item: of large ones fewer are drawn. Those
// before the end take at most Options.Share of the time of training, so which frames the
// animation has depends on the machine.
//
// The package knows no concrete model: it draws what a model declares to have.
package gallery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"runtime"
	"time"

	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/viz"
)

// Options are the options of a gallery. The zero value is ready for use.
type Options struct {
	// OptionName returns what the reader calls an option of the configuration, such as
	// --beta for Beta; nil writes the names of the fields.
	OptionName func(field string) string
	// Commands returns the command lines that the report proposes, and what each does; nil =
	// none.
	Commands func(s *Snapshot) []viz.KV
	// ModelOptions returns the options of the model, as the reader calls them, with their
	// values and meanings; nil writes the fields of run.json.
	ModelOptions func(c *runlog.Config) []viz.KV
	// Pictures are drawn besides those of the package.
	Pictures []Picture
	// Share is the part of the time of training that pictures before its end may take:
	// 0 = a tenth, negative = any. Where they would take more, they are drawn less often.
	Share float64
}

// A Picture is a picture of a run and its place in the report.
type Picture struct {
	Name    string // of its files, NAME.png and NAME-epoch-NNNN.png
	Section string // title of its section in the report
	Title   string // in the report
	Caption string // what can be read off the picture
	Alt     string // what it shows, for readers who cannot see it; "" = Title
	Wide    bool   // it takes the whole width of the page

	// Draw returns the picture, or nil if the model does not have it.
	Draw func(ctx context.Context, s *Snapshot) (image.Image, error)
	// OnlyLatest says that no copy is kept for each epoch.
	OnlyLatest bool
	// LogImage says that TensorBoard gets the picture, too.
	LogImage bool
}

// A Gallery is the Observer that draws. Make one with New.
type Gallery struct {
	train.Base
	options   Options
	budget    budget
	failed    map[string]string // what could not be drawn, by name, and why
	clips     []viz.Clip        // of the last pictures, for the report
	unwritten bool              // a warning has said that pictures cannot be written
}

// New returns a gallery for one run.
func New(o Options) *Gallery {
	return &Gallery{
		options: o,
		budget:  budget{share: cmp.Or(o.Share, defaultShare), costs: map[string]time.Duration{}},
		failed:  map[string]string{},
	}
}

// Start draws what an earlier process may have been stopped before it could draw.
func (g *Gallery) Start(ctx context.Context, v *train.View) error {
	g.budget.start = time.Now()
	if !v.EpochEnded() {
		return nil
	}
	return g.draw(ctx, v)
}

// Epoch draws the pictures that are due after an epoch.
func (g *Gallery) Epoch(ctx context.Context, v *train.View, _ runlog.Line) error {
	return g.draw(ctx, v)
}

// Interval draws the frame of an interval.
func (g *Gallery) Interval(ctx context.Context, v *train.View, _ runlog.Line) error {
	if v.Run().Config.Pictures < 0 {
		return nil
	}
	s := newSnapshot(v, v.EpochInProgress()-1)
	return g.frame(ctx, s, int(v.Step()/int64(v.Run().Config.LogSteps)))
}

// frame draws a frame of the animation, number k, unless there is no time for it or there
// are very many.
func (g *Gallery) frame(ctx context.Context, s *Snapshot, k int) error {
	switch {
	case k == 0 || s.view.Finished():
	case !sparse(k):
		return nil
	case !g.budget.allows(oneFrame, 0):
		g.budget.skip(s.view)
		return nil
	}
	return g.budget.spend(oneFrame, func() error {
		return g.attempt(ctx, s.view, "frame of the animation", func() error { return s.drawFrame(ctx) })
	})
}

// attempt draws a picture. One that cannot be drawn, for an error or a panic, is left out
// with a warning, so that it does not end a training: only an interruption is an error.
func (g *Gallery) attempt(ctx context.Context, v *train.View, name string, draw func() error) error {
	err := safely(draw)
	switch {
	case err == nil:
		delete(g.failed, name)
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	if text := err.Error(); g.failed[name] != text {
		g.failed[name] = text
		g.warn(v, name, err)
	}
	return nil
}

// warn tells that a picture is left out. A file that cannot be written, on a full disk for instance, is told for the
// first picture alone, and for the report: the other pictures would repeat it.
func (g *Gallery) warn(v *train.View, name string, err error) {
	text := fmt.Sprintf("the %s is left out: %v", name, err)
	if file := (*fs.PathError)(nil); errors.As(err, &file) && name != reportName {
		if g.unwritten {
			return
		}
		g.unwritten = true
		text += "; so may be others: the training goes on without them"
	}
	v.Notify("warning", text)
}

// reportName is what attempt calls the report.
const reportName = "report"

// safely returns the error of draw, or its panic as an error.
func safely(draw func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return draw()
}

// draw draws the pictures that are due after an epoch: a frame of the animation unless
// intervals have them, and the others every few epochs and at the end.
func (g *Gallery) draw(ctx context.Context, v *train.View) error {
	c, epoch := &v.Run().Config, v.Epoch()
	if c.Pictures < 0 {
		return nil
	}
	s := newSnapshot(v, epoch)
	if !s.framesOfSteps() || epoch == 0 || v.Finished() { // else after intervals of steps
		if err := g.frame(ctx, s, epoch); err != nil {
			return err
		}
	}
	if !v.Finished() {
		if epoch == 0 || c.Pictures == 0 || !c.DueEvery(c.Pictures, epoch, v.Step()) {
			return nil
		}
		if !g.budget.allows(allPictures, firstCost) {
			g.budget.skip(v)
			return nil
		}
	}
	return g.budget.spend(allPictures, func() error { return g.drawAll(ctx, s) })
}

// Done writes the report of a run that was interrupted or has failed, with the pictures
// that are there.
func (g *Gallery) Done(v *train.View, err error) error {
	if err == nil || v.Run().Config.Pictures < 0 || errors.Is(err, train.ErrGone) {
		return nil
	}
	s := newSnapshot(v, v.Epoch())
	pictures := append(table(s), g.options.Pictures...)
	return g.attempt(context.Background(), v, reportName, func() error { return g.writeReport(s, pictures, err) })
}

// drawAll draws every picture of the model and writes the report.
func (g *Gallery) drawAll(ctx context.Context, s *Snapshot) error {
	if err := g.attempt(ctx, s.view, "ranking of the latent units", func() error { return s.keepUnits(ctx) }); err != nil {
		return err
	}
	var pictures []Picture // that are not left out
	for _, p := range append(table(s), g.options.Pictures...) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if s.session.Item().Size() > largeItem { // else what a picture leaves behind adds to the peak of training
			runtime.GC()
		}
		name := "picture " + p.Name
		err := g.attempt(ctx, s.view, name, func() error {
			if p.Draw == nil { // its file is written elsewhere
				return nil
			}
			img, err := p.Draw(ctx, s)
			if err != nil || img == nil {
				return err
			}
			return s.write(p, img)
		})
		if err != nil {
			return err
		}
		if g.failed[name] == "" {
			pictures = append(pictures, p)
		}
	}
	if s.view.Finished() {
		if err := g.attempt(ctx, s.view, "animation", s.drawAnimation); err != nil {
			return err
		}
	}
	for _, p := range pictures {
		if !p.LogImage {
			continue
		}
		err := g.attempt(ctx, s.view, "copy of the picture "+p.Name+" for TensorBoard", func() error {
			b, err := s.read(p.Name + ".png")
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err == nil {
				err = s.view.LogImage(p.Name, b)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := g.attempt(ctx, s.view, "histograms for TensorBoard", func() error { return s.view.LogHistograms(s.codes) }); err != nil {
		return err
	}
	err := g.attempt(ctx, s.view, "clips", func() (err error) {
		g.clips, err = s.drawClips(ctx)
		return err
	})
	if err != nil {
		return err
	}
	return g.attempt(ctx, s.view, reportName, func() error { return g.writeReport(s, pictures, nil) })
}

// write stores a picture under its name, and a copy for the epoch.
func (s *Snapshot) write(p Picture, img image.Image) error {
	if p.OnlyLatest {
		return s.writePNG(p.Name+".png", img)
	}
	return s.writeAs(p.Name, fmt.Sprintf("epoch-%04d", s.epoch), img)
}

// writeAs stores a picture under its name, and a copy with the time at which it was so.
func (s *Snapshot) writeAs(name, when string, img image.Image) error {
	b, err := viz.PNG(img)
	if err != nil {
		return err
	}
	if err := s.writeFile(name+"-"+when+".png", b); err != nil {
		return err
	}
	return s.writeFile(name+".png", b)
}

func (s *Snapshot) writePNG(name string, img image.Image) error {
	b, err := viz.PNG(img)
	if err != nil {
		return err
	}
	return s.writeFile(name, b)
}
