// Package latent works with the codes of a trained model: it encodes, decodes
// and reconstructs any number of images, goes from code to code, finds the
// directions of attributes, neighbours and densities, and lays codes out for
// pictures.
//
// A Session is a model's parameters on a backend. It runs one program for each of
// these tasks, compiled once when first asked for, so it may share the state of a
// model in training or hold what was read from a weights file. Codes are means: no
// noise is drawn but by Sample, and the same parameters give the same bits in any
// company.
//
// The package knows no concrete model, no run and no file.
package latent

import (
	"context"
	"fmt"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
)

// N images or codes, H×W×C pixels, Z latent units, K labels, in every comment of this package.

// A Session is a model on a backend. Its methods are not safe for concurrent use,
// nor beside a program that trains on the same state.
type Session struct {
	model *model.Model
	in    model.Input
	be    backend.Backend
	state backend.State

	batch                                 int
	encoder, decoder, reproducer, sampler *task
}

// New returns a session over parameters that are, or will be, in st, such as those of
// a model in training. in is what the model was built for.
func New(m *model.Model, in model.Input, be backend.Backend, st backend.State) *Session {
	return &Session{model: m, in: in, be: be, state: st, batch: min(256, max(1, 1<<20/max(1, in.Size())))}
}

// Load returns a session over given weights, named as the model's parameters: what
// drawing from a trained model takes. It fails if one is missing, has another
// shape, or is not of the model.
func Load(m *model.Model, in model.Input, be backend.Backend, weights map[string]*tensor.Tensor) (*Session, error) {
	st := be.NewState()
	known := map[string]bool{}
	for _, p := range m.Params {
		w := weights[p.Name]
		if w == nil {
			return nil, fmt.Errorf("latent: the weights lack %s %v: they are of another model", p.Name, p.Shape)
		}
		if !w.Shape().Equal(p.Shape) || w.DType() != tensor.Float32 {
			return nil, fmt.Errorf("latent: weights %s are %v, want f32%v: they are of another model", p.Name, w, p.Shape)
		}
		if err := st.Set(p.Name, w); err != nil {
			return nil, fmt.Errorf("latent: %w", err)
		}
		known[p.Name] = true
	}
	for name, w := range weights {
		if !known[name] {
			return nil, fmt.Errorf("latent: weights %s %v are not of this model", name, w)
		}
	}
	return New(m, in, be, st), nil
}

// Model returns the session's model.
func (s *Session) Model() *model.Model { return s.model }

// Image returns the shape of its images.
func (s *Session) Image() model.Image { return s.in.Image }

// Input returns what its model was built for.
func (s *Session) Input() model.Input { return s.in }

// State holds its parameters.
func (s *Session) State() backend.State { return s.state }

// Labels returns K if the model takes labels to draw an image, 0 if it does not.
func (s *Session) Labels() int {
	if s.model.Sample != nil {
		return s.labels(s.model.TakesLabels.Sample)
	}
	return s.CodeLabels()
}

// CodeLabels returns K if the model takes labels to decode a code, 0 if it does not.
func (s *Session) CodeLabels() int {
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

// HasPrior reports whether the model has something to draw images from: see
// model.Model.HasPrior.
func (s *Session) HasPrior() bool { return s.model.HasPrior() }

// Standard says whether codes that are drawn from N(0, I) are codes the model was
// trained to decode. Of one that draws images itself it is known only if it is of
// images of a class: what is left to the code is then style.
func (s *Session) Standard() bool {
	return s.HasPrior() && (s.model.Sample == nil || s.CodeLabels() > 0)
}

// EncodeMeans gives the mean of q(z|x) of each image, and ln σ², which is nil for
// a deterministic model. Of a conditional model the images are a data.Labeller.
//
// images (N, H, W, C) → mean (N, Z), logVar (N, Z).
func (s *Session) EncodeMeans(ctx context.Context, images data.Items) (mean, logVar []float32, err error) {
	if s.model.Encode == nil {
		return nil, nil, fmt.Errorf("latent: this model has no encoder: it maps codes to images only; codes of a few images are found by descent, as imago invert does")
	}
	if err := s.compile(&s.encoder, s.model.Encode); err != nil {
		return nil, nil, err
	}
	out, err := s.overImages(ctx, s.encoder, images, nil)
	return out[model.OutputMean], out[model.OutputLogVar], err
}

// Decode returns DecodeAs of a model that takes no labels.
func (s *Session) Decode(ctx context.Context, z []float32) ([]float32, error) {
	return s.DecodeAs(ctx, z, nil)
}

// DecodeAs gives the mean image of each code, as one of those labels if the model is
// conditional.
//
// z (N, Z), labels (N, K) or nil → (N, H, W, C) in [0, 1].
func (s *Session) DecodeAs(ctx context.Context, z, labels []float32) ([]float32, error) {
	if s.model.Decode == nil {
		return nil, fmt.Errorf("latent: this model has no decoder: it maps images to codes only")
	}
	units := s.model.Latent
	if len(z)%units != 0 {
		return nil, fmt.Errorf("latent: %d values are not codes of %d units", len(z), units)
	}
	if err := s.compile(&s.decoder, s.model.Decode); err != nil {
		return nil, err
	}
	n := len(z) / units
	if err := s.checkLabels(s.decoder, n, labels); err != nil {
		return nil, err
	}
	out, err := s.run(ctx, s.decoder, n, func(at, n int) error {
		s.decoder.rows(model.InputZ, z, at, n)
		s.decoder.rows(model.InputLabels, labels, at, n)
		return nil
	})
	return out[model.OutputPicture], err
}

// Reconstruct gives each image as the model decodes the mean of its code. Of a
// conditional model the images are a data.Labeller.
//
// images (N, H, W, C) → (N, H, W, C) in [0, 1].
func (s *Session) Reconstruct(ctx context.Context, images data.Items) ([]float32, error) {
	if s.model.Reconstruct == nil {
		return nil, fmt.Errorf("latent: this model does not reconstruct: it has no encoder; imago invert draws images beside the nearest pictures it makes")
	}
	if err := s.compile(&s.reproducer, s.model.Reconstruct); err != nil {
		return nil, err
	}
	out, err := s.overImages(ctx, s.reproducer, images, nil)
	return out[model.OutputPicture], err
}

// Sample draws n images from the model's prior at key, as ones of those labels if it
// is conditional. A deterministic autoencoder has no prior, and the draws of N(0, I)
// that it decodes are anywhere.
//
// labels (n, K) or nil → (n, H, W, C) in [0, 1].
func (s *Session) Sample(ctx context.Context, key rng.Key, n int, labels []float32) ([]float32, error) {
	if s.model.Sample == nil {
		return s.DecodeAs(ctx, Prior(key, n, s.Latent()), labels)
	}
	if err := s.compile(&s.sampler, s.model.Sample); err != nil {
		return nil, err
	}
	if err := s.checkLabels(s.sampler, n, labels); err != nil {
		return nil, err
	}
	out, err := s.run(ctx, s.sampler, n, func(at, n int) error {
		s.sampler.draw(key, at/s.batch)
		s.sampler.rows(model.InputLabels, labels, at, n)
		return nil
	})
	return out[model.OutputPicture], err
}

// Run runs any function of the model over images: of InputX, InputLabels, InputKey and
// InputWeight it takes those it needs, batch k being drawn at key.At(k).
//
// images (N, H, W, C) → (N, …) by the name of the output, each of which has the batch
// as its first axis.
func (s *Session) Run(ctx context.Context, f func(batch int) (*graph.Func, error), images data.Items, key rng.Key) (map[string][]float32, error) {
	var t *task
	if err := s.compile(&t, f); err != nil {
		return nil, err
	}
	return s.overImages(ctx, t, images, &key)
}

// A task is a compiled function and its operands for a batch.
type task struct {
	program backend.Program
	batch   int
	in, out []*tensor.Tensor
	byName  map[string]*tensor.Tensor // of in
}

// rows puts rows at … at+n−1 of v into the input of that name, if there is one, and 0
// into what is left of it.
func (t *task) rows(name string, v []float32, at, n int) {
	if x := t.byName[name]; x != nil {
		dst := x.F32()
		width := len(dst) / t.batch
		clear(dst[copy(dst, v[at*width:(at+n)*width]):])
	}
}

// draw sets the random key to that of batch k.
func (t *task) draw(key rng.Key, k int) {
	if x := t.byName[model.InputKey]; x != nil {
		words := key.At(uint64(k)).Words()
		copy(x.I32(), words[:])
	}
}

func (s *Session) compile(t **task, build func(batch int) (*graph.Func, error)) error {
	if *t != nil {
		return nil
	}
	f, err := build(s.batch)
	if err != nil {
		return fmt.Errorf("latent: %w", err)
	}
	p, err := s.be.Compile(f, s.state, backend.Options{})
	if err != nil {
		return fmt.Errorf("latent: %w", err)
	}
	made := &task{program: p, batch: s.batch, byName: map[string]*tensor.Tensor{}}
	for _, in := range p.Inputs() {
		x := in.New()
		made.in = append(made.in, x)
		made.byName[in.Name] = x
	}
	for _, o := range p.Outputs() {
		if len(o.Shape) == 0 || o.Shape[0] != s.batch {
			return fmt.Errorf("latent: %s gives %v: want a row for each of %d images", f.Name, o, s.batch)
		}
		made.out = append(made.out, o.New())
	}
	*t = made
	return nil
}

// checkLabels says what is wrong with the labels of n codes.
func (s *Session) checkLabels(t *task, n int, labels []float32) error {
	if t.byName[model.InputLabels] == nil {
		return nil
	}
	if len(labels) != n*s.in.Labels {
		return fmt.Errorf("latent: %d values are not the labels of %d codes: this model is conditional and wants %d for each", len(labels), n, s.in.Labels)
	}
	return nil
}

func (s *Session) overImages(ctx context.Context, t *task, images data.Items, key *rng.Key) (map[string][]float32, error) {
	if h, w, c := images.Shape(); (model.Image{H: h, W: w, C: c}) != s.in.Image && images.Len() > 0 {
		return nil, fmt.Errorf("latent: images of %dx%dx%d, want %v as the model was built for", h, w, c, s.in.Image)
	}
	if key == nil && t.byName[model.InputKey] != nil {
		return nil, fmt.Errorf("latent: the function draws, and there is no key")
	}
	index := make([]int32, s.batch)
	return s.run(ctx, t, images.Len(), func(at, n int) error {
		for k := range n {
			index[k] = int32(at + k)
		}
		if key != nil {
			t.draw(*key, at/s.batch)
		}
		if w := t.byName[model.InputWeight]; w != nil {
			for k := range w.F32() {
				w.F32()[k] = 0
				if k < n {
					w.F32()[k] = 1
				}
			}
		}
		if l := t.byName[model.InputLabels]; l != nil {
			if err := data.FillLabels(images, index[:n], l); err != nil {
				return err
			}
		}
		x := t.byName[model.InputX]
		if x == nil {
			return nil
		}
		clear(x.F32()[n*s.in.Size():])
		return data.Floats(ctx, images, index[:n], x.F32())
	})
}

// run runs t over n rows, a batch at a time. fill gives it those from row at on; what
// a short batch is filled up with is dropped.
//
// → (rows, …) by the name of the output.
func (s *Session) run(ctx context.Context, t *task, rows int, fill func(at, n int) error) (map[string][]float32, error) {
	out := map[string][]float32{}
	outs := t.program.Outputs()
	for k, o := range t.out {
		out[outs[k].Name] = make([]float32, rows*(o.Size()/s.batch))
	}
	for at := 0; at < rows; at += s.batch {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		n := min(s.batch, rows-at)
		if err := fill(at, n); err != nil {
			return nil, fmt.Errorf("latent: %w", err)
		}
		if err := t.program.Run(t.in, t.out); err != nil {
			return nil, fmt.Errorf("latent: %w", err)
		}
		for k, o := range t.out {
			width := o.Size() / s.batch
			copy(out[outs[k].Name][at*width:(at+n)*width], o.F32())
		}
	}
	return out, nil
}
