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
// Promises. A picture depends on the weights, the data and the seed of the run alone, so
// a run that was interrupted has the same pictures. Random draws have the same keys each
// time: pictures of different epochs can be compared. Pictures are replaced whole.
//
// The package knows no concrete model: it draws what a model declares to have.
package gallery

import (
	"context"
	"fmt"
	"image"
	"os"

	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/viz"
)

// Options are the options of a gallery. The zero value is ready for use.
type Options struct {
	// OptionName returns what the reader calls an option of the configuration, such as
	// --beta for Beta; nil writes the names of the fields.
	OptionName func(field string) string
	// Commands returns the command lines that the report proposes; nil = none.
	Commands func(s *Snapshot) []string
	// Pictures are drawn besides those of the package.
	Pictures []Picture
}

// A Picture is a picture of a run and its place in the report.
type Picture struct {
	Name    string // of its files, NAME.png and NAME-epoch-NNNN.png
	Section string // title of its section in the report
	Title   string // in the report
	Caption string // what can be read off the picture
	Alt     string // what it shows, for readers who cannot see it
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
	options Options
}

// New returns a gallery for one run.
func New(o Options) *Gallery { return &Gallery{options: o} }

// Start draws what an earlier process may have been stopped before it could draw.
func (g *Gallery) Start(ctx context.Context, v *train.View) error {
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
	if err := s.drawFrame(ctx); err != nil {
		return fmt.Errorf("gallery: %w", err)
	}
	return nil
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
		if err := s.drawFrame(ctx); err != nil {
			return fmt.Errorf("gallery: %w", err)
		}
	}
	if !v.Finished() && (epoch == 0 || c.Pictures == 0 || !c.DueEvery(c.Pictures, epoch, v.Step())) {
		return nil
	}
	if err := g.drawAll(ctx, s); err != nil {
		return fmt.Errorf("gallery: %w", err)
	}
	return nil
}

// drawAll draws every picture of the model and writes the report.
func (g *Gallery) drawAll(ctx context.Context, s *Snapshot) error {
	pictures := append(table(s), g.options.Pictures...)
	for _, p := range pictures {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if p.Draw == nil { // its file is written elsewhere
			continue
		}
		img, err := p.Draw(ctx, s)
		if err != nil {
			return fmt.Errorf("picture %s: %w", p.Name, err)
		}
		if img == nil {
			continue
		}
		if err := s.write(p, img); err != nil {
			return err
		}
	}
	if s.view.Finished() {
		if err := s.drawAnimation(); err != nil {
			return err
		}
	}
	for _, p := range pictures {
		if !p.LogImage {
			continue
		}
		b, err := os.ReadFile(s.path(p.Name + ".png"))
		if os.IsNotExist(err) {
			continue
		}
		if err == nil {
			err = s.view.LogImage(p.Name, b)
		}
		if err != nil {
			return err
		}
	}
	return g.writeReport(s, pictures)
}

// write stores a picture under its name, and a copy for the epoch.
func (s *Snapshot) write(p Picture, img image.Image) error {
	if p.OnlyLatest {
		return s.writePNG(s.path(p.Name+".png"), img)
	}
	return s.writeAs(p.Name, fmt.Sprintf("epoch-%04d", s.epoch), img)
}

// writeAs stores a picture under its name, and a copy with the time at which it was so.
func (s *Snapshot) writeAs(name, when string, img image.Image) error {
	b, err := viz.PNG(img)
	if err != nil {
		return err
	}
	if err := writeFile(s.path(name+"-"+when+".png"), b); err != nil {
		return err
	}
	return writeFile(s.path(name+".png"), b)
}

func (s *Snapshot) writePNG(name string, img image.Image) error {
	b, err := viz.PNG(img)
	if err != nil {
		return err
	}
	return writeFile(name, b)
}
