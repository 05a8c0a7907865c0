// Package latent works with the codes of a trained model: it encodes, decodes and
// reconstructs any number of images, interpolates between codes, finds the directions
// of attributes, nearest neighbours and densities of codes, and projects codes to the
// plane for pictures.
//
// A Session is a trained model that is ready to run:
//
//	s, err := latent.Load(m, in, be, weights)
//	mean, logVar, err := s.EncodeMeans(ctx, images) // (N, Z) each
//	pixels, err := s.Decode(ctx, mean)              // (N, H, W, C)
//
// It may hold weights that were read from a file (Load) or the parameters of a model
// in training (New). Each function of the model is compiled when it is first used.
// Codes are the means of q(z|x). Only Sample draws noise, from a key. Many items are run
// BatchSize at a time, and what is left over by a program of a smaller batch, so that one
// code is decoded as fast as the device can. The same parameters and the same number of
// items give the same bits for an item, whichever items are beside it. Of some models an
// item alone, or one of fewer than 16, differs by rounding from the same one among many.
//
// Everything else works on plain slices: N codes of Z units are a []float32 of N·Z
// values, one code after another.
//
// The package knows no concrete model, no run and no file.
package latent

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// N images or codes, H×W×C pixels, Z latent units, K labels, in every comment of this package.

// ErrNoEncoder marks a task that needs an encoder, of a model that has none. Test with
// errors.Is.
var ErrNoEncoder = errors.New("this model has no encoder")

// errNoCodes is that of a task of codes, of a model that has none.
var errNoCodes = errors.New("latent: this model has no codes of whole items, so there is none to encode, decode or move: it can be sampled and measured")

// A Session is a model whose functions can be run. Its methods are safe for concurrent
// use, also beside a step of training that runs on the same exec.Runner.
type Session struct {
	model  *model.Model
	in     model.Input
	runner *exec.Runner
	batch  int

	encode, decode, reconstruct, sample, classify *exec.Func
}

// New returns a session over the state of r, which holds the parameters of the model
// or will hold them before the session is used. in is what the model was built for.
func New(m *model.Model, in model.Input, r *exec.Runner) *Session {
	return &Session{
		model: m, in: in, runner: r, batch: BatchSize(in.Item),
		encode: r.Func(m.Encode), decode: r.Func(m.Decode), reconstruct: r.Func(m.Reconstruct), sample: r.Func(m.Sample), classify: r.Func(m.Classify),
	}
}

// BatchSize returns how many images of a shape are run at a time: 256, or fewer if
// their values would be more than 2²⁰.
func BatchSize(img medium.Item) int { return min(256, max(1, 1<<20/max(1, img.Size()))) }

// Load returns a session over weights by the names of the model's parameters. It fails
// if a parameter is missing or has another shape, if there is one that the model does
// not have, or if a weight is not finite.
func Load(m *model.Model, in model.Input, be backend.Backend, weights map[string]*tensor.Tensor) (*Session, error) {
	r := exec.New(be, nil)
	if err := r.Restore(nn.Shapes(m.Params), weights); err != nil {
		return nil, fmt.Errorf("latent: %w: they are of another model", err)
	}
	known := maps.Collect(nn.Shapes(m.Params))
	for name, w := range weights {
		if known[name] == nil {
			return nil, fmt.Errorf("latent: the model has no parameter %s, which is %v among the weights: they are of another model", name, w)
		}
		for i, v := range w.F32() {
			if v-v != 0 { // ∞ − ∞ is NaN
				return nil, fmt.Errorf("latent: value %d of parameter %s is %v: weights are finite numbers; these are damaged, or of a run that diverged", i, name, v)
			}
		}
	}
	return New(m, in, r), nil
}

// Model returns the session's model.
func (s *Session) Model() *model.Model { return s.model }

// Item returns the description of one item of its data.
func (s *Session) Item() medium.Item { return s.in.Item }

// Input returns what its model was built for.
func (s *Session) Input() model.Input { return s.in }

// Runner returns what runs its functions; its state holds the parameters.
func (s *Session) Runner() *exec.Runner { return s.runner }

// SampleLabels returns K if the model takes labels to draw an image, 0 if it does not. It is
// what the model declares, as DecodeLabels is: nothing is built.
func (s *Session) SampleLabels() int {
	if s.model.Sample != nil {
		return s.labels(s.model.TakesLabels.Sample)
	}
	return s.DecodeLabels()
}

// DecodeLabels returns K if the model takes labels to decode a code, 0 if it does not.
func (s *Session) DecodeLabels() int {
	return s.labels(s.model.Decode != nil && s.model.TakesLabels.Decode)
}

func (s *Session) labels(taken bool) int {
	if !taken {
		return 0
	}
	return s.in.Labels
}

// Latent returns Z; 0 if the model has no codes.
func (s *Session) Latent() int { return s.model.Latent }

// HasPrior reports whether images can be drawn from a prior: see model.Model.HasPrior.
func (s *Session) HasPrior() bool { return s.model.HasPrior() }

// StandardPrior reports whether the model was trained to decode codes drawn from N(0, I). If the
// model draws images from a prior of its own, only a conditional decoder is: the label is
// given, and the code holds the rest.
func (s *Session) StandardPrior() bool {
	return s.HasPrior() && (s.model.Sample == nil || s.DecodeLabels() > 0)
}

// EncodeMeans returns the mean of q(z|x) of each image, and ln σ², which is nil for a
// deterministic model. For a conditional model the images are a data.Labeller. It
// fails with ErrNoEncoder if the model has none.
//
// images (N, H, W, C) → mean (N, Z), logVar (N, Z).
func (s *Session) EncodeMeans(ctx context.Context, images data.Items) (mean, logVar []float32, err error) {
	if s.model.Encode == nil {
		if s.model.Decode == nil {
			return nil, nil, errNoCodes
		}
		return nil, nil, fmt.Errorf("latent: %w: it maps codes to images only; Session.Invert finds the codes of a few images by descent", ErrNoEncoder)
	}
	out, err := s.fittedRows(ctx, s.encode, images)
	return out[model.OutputMean], out[model.OutputLogVar], err
}

// Decode returns DecodeAs of a model that takes no labels.
func (s *Session) Decode(ctx context.Context, z []float32) ([]float32, error) {
	return s.DecodeAs(ctx, z, nil)
}

// DecodeAs returns the mean image of each code, under the labels if the decoder is
// conditional. It fails if the model has no decoder, or if a code or label is not finite;
// the error names it.
//
// z (N, Z), labels (N, K) or nil → (N, H, W, C) in [0, 1].
func (s *Session) DecodeAs(ctx context.Context, z, labels []float32) ([]float32, error) {
	if s.model.Decode == nil {
		if s.model.Encode == nil {
			return nil, errNoCodes
		}
		return nil, fmt.Errorf("latent: this model has no decoder: it maps images to codes only")
	}
	units := s.model.Latent
	if len(z)%units != 0 {
		return nil, fmt.Errorf("latent: %d values are not codes of %d units", len(z), units)
	}
	n := len(z) / units
	if err := s.checkLabels(s.DecodeLabels(), n, labels); err != nil {
		return nil, err
	}
	if err := checkCodes("codes to decode", z, units); err != nil {
		return nil, err
	}
	out, err := s.decode.FittedRows(ctx, n, s.batch, func(c *exec.Call, at, n int) error {
		if err := c.Put(model.InputZ, z[at*units:(at+n)*units]); err != nil {
			return err
		}
		return s.putLabels(c, labels, at, n)
	})
	return out[model.OutputPicture], wrap(err)
}

// Reconstruct returns each image as the model decodes the mean of its code. For a
// conditional model the images are a data.Labeller. It fails with
// ErrNoEncoder if the model does not reconstruct.
//
// images (N, H, W, C) → (N, H, W, C) in [0, 1].
func (s *Session) Reconstruct(ctx context.Context, images data.Items) ([]float32, error) {
	if s.model.Reconstruct == nil {
		if s.model.Decode == nil {
			return nil, errNoCodes
		}
		return nil, fmt.Errorf("latent: this model does not reconstruct: %w; Session.Invert finds the nearest pictures that it generates", ErrNoEncoder)
	}
	out, err := s.fittedRows(ctx, s.reconstruct, images)
	return out[model.OutputPicture], err
}

// Sample returns n images drawn at key from the model's own prior, or decoded from
// draws of N(0, I), under the labels if it is conditional. A deterministic autoencoder
// has no prior: it decodes the draws, but was not trained to.
//
// labels (n, K) or nil → (n, H, W, C) in [0, 1].
func (s *Session) Sample(ctx context.Context, key rng.Key, n int, labels []float32) ([]float32, error) {
	if s.model.Sample == nil {
		return s.DecodeAs(ctx, SamplePrior(key, n, s.Latent()), labels)
	}
	if err := s.checkLabels(s.SampleLabels(), n, labels); err != nil {
		return nil, err
	}
	out, err := s.sample.FittedRows(ctx, n, s.batch, func(c *exec.Call, at, n int) error {
		if err := c.PutKey(model.InputKey, key.At(uint64(at/s.batch))); err != nil {
			return err
		}
		return s.putLabels(c, labels, at, n)
	})
	return out[model.OutputPicture], wrap(err)
}

// fittedRows runs a function of the model that draws nothing over images, a few of them in
// a small batch.
func (s *Session) fittedRows(ctx context.Context, f *exec.Func, images data.Items) (map[string][]float32, error) {
	p, err := s.checkImages(f, images, exec.Fit(images.Len(), s.batch))
	if err != nil {
		return nil, err
	}
	if p.Takes(model.InputKey) {
		return nil, fmt.Errorf("latent: %s takes a random key: want a function that draws nothing", p.Name())
	}
	out, err := f.FittedRows(ctx, images.Len(), s.batch, s.feeder(ctx, images, nil))
	return out, wrap(err)
}

// Func returns a function of the model, for Rows and Each.
func (s *Session) Func(f model.Function) *exec.Func { return s.runner.Func(f) }

// Run returns Rows of a function that is run once.
func (s *Session) Run(ctx context.Context, f model.Function, images data.Items, key rng.Key) (map[string][]float32, error) {
	return s.Rows(ctx, s.Func(f), images, key)
}

// Rows runs a function of the model over images and returns its outputs by name, each
// of which has the batch as its first axis. The function takes those of InputX,
// InputLabels, InputKey and InputWeight that it needs; batch k draws at key.At(k).
//
// images (N, H, W, C) → (N, …) by the name of the output.
func (s *Session) Rows(ctx context.Context, f *exec.Func, images data.Items, key rng.Key) (map[string][]float32, error) {
	if _, err := s.checkImages(f, images, s.batch); err != nil {
		return nil, err
	}
	out, err := f.Rows(ctx, images.Len(), s.batch, s.feeder(ctx, images, &key))
	return out, wrap(err)
}

// Each runs a function of the model over images as Rows does, and calls use after each
// batch, images at … at+n−1, to read its outputs, which may be of any shape. An error
// of use is returned as it is.
func (s *Session) Each(ctx context.Context, f *exec.Func, images data.Items, key rng.Key, use exec.Feeder) error {
	if _, err := s.checkImages(f, images, s.batch); err != nil {
		return err
	}
	return f.Each(ctx, images.Len(), s.batch, s.feeder(ctx, images, &key), use)
}

func (s *Session) feeder(ctx context.Context, images data.Items, key *rng.Key) exec.Feeder {
	return func(c *exec.Call, at, n int) error {
		if key != nil {
			if err := c.PutKey(model.InputKey, key.At(uint64(at/s.batch))); err != nil {
				return err
			}
		}
		return FillImages(ctx, c, images, at, n)
	}
}

// FillImages fills the operands of c that hold images with images at … at+n−1: InputX,
// InputLabels, for which images must be a data.Labeller, and InputWeight, 1 for each
// of them. What is left of a short batch is 0. Operands that the function does not
// take are left out. It fails if the function takes others beside these and InputKey.
func FillImages(ctx context.Context, c *exec.Call, images data.Items, at, n int) error {
	for _, in := range c.Program().Inputs() {
		switch in.Name {
		case model.InputX, model.InputLabels, model.InputMeasures, model.InputWeight, model.InputKey:
		default:
			return fmt.Errorf("the model's %s takes %v: want x, weight, key, labels and measures only", c.Program().Name(), in)
		}
	}
	index := make([]int32, n)
	for k := range index {
		index[k] = int32(at + k)
	}
	if w := c.Input(model.InputWeight); w != nil {
		for k := range w.F32() {
			w.F32()[k] = 0
			if k < n {
				w.F32()[k] = 1
			}
		}
	}
	if l := c.Input(model.InputLabels); l != nil {
		if err := data.FillLabels(images, index, l); err != nil {
			return err
		}
	}
	x := c.Input(model.InputX)
	if x == nil {
		return nil
	}
	clear(x.F32()[n*(x.Size()/x.Shape()[0]):])
	if err := data.Floats(ctx, images, index, x.F32()); err != nil {
		return err
	}
	if m := c.Input(model.InputMeasures); m != nil {
		data.FillMeasures(images.Item(), x.F32(), m)
	}
	return nil
}

// checkImages returns the program of a function for a batch size, or why images cannot be
// given to it.
func (s *Session) checkImages(f *exec.Func, images data.Items, batch int) (*exec.Program, error) {
	if item := images.Item(); !item.Equal(s.in.Item) && images.Len() > 0 {
		return nil, fmt.Errorf("latent: images of %v, want %v as the model was built for", item, s.in.Item)
	}
	p, err := f.Program(batch)
	return p, wrap(err)
}

// checkLabels returns why labels are not those of n images of k labels each, or nil.
func (s *Session) checkLabels(k, n int, labels []float32) error {
	if k > 0 && len(labels) != n*k {
		return fmt.Errorf("latent: %d values are not the labels of %d codes: this model is conditional and wants %d for each", len(labels), n, k)
	}
	if k > 0 {
		return checkFinite("labels", "label", labels, k)
	}
	return nil
}

// putLabels sets InputLabels, if the function takes it, to labels at … at+n−1.
func (s *Session) putLabels(c *exec.Call, labels []float32, at, n int) error {
	if !c.Program().Takes(model.InputLabels) {
		return nil
	}
	k := s.in.Labels
	return c.Put(model.InputLabels, labels[at*k:(at+n)*k])
}

// wrap returns err as one of this package.
func wrap(err error) error {
	if err != nil {
		err = fmt.Errorf("latent: %w", err)
	}
	return err
}
