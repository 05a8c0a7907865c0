// Package latent works with the codes of a trained model: it encodes, decodes
// and reconstructs any number of images, and lays codes out for pictures.
//
// A Session is a model's parameters on a backend. It runs one program for each of
// these tasks, compiled once when first asked for, so it may share the state of a
// model in training or hold what was read from a weights file. No noise is drawn:
// codes are means, and the same parameters give the same bits in any company.
//
// The package knows no concrete model, no run and no file.
package latent

import (
	"context"
	"fmt"

	"github.com/imago-ml/imago/backend"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/graph"
	"github.com/imago-ml/imago/model"
	"github.com/imago-ml/imago/tensor"
)

// N images or codes, H×W×C pixels, Z latent units, in every comment of this package.

// A Session is a model on a backend. Its methods are not safe for concurrent use,
// nor beside a program that trains on the same state.
type Session struct {
	model model.Model
	img   model.Image
	be    backend.Backend
	state backend.State

	batch                        int
	encoder, decoder, reproducer *task
}

// New is a session over parameters that are, or will be, in st, such as those of
// a model in training. img is the shape the model was built for.
func New(m model.Model, img model.Image, be backend.Backend, st backend.State) *Session {
	return &Session{model: m, img: img, be: be, state: st, batch: min(256, max(1, 1<<20/max(1, img.Size())))}
}

// Load is a session over given weights, named as the model's parameters: what
// drawing from a trained model takes. It fails if one is missing, has another
// shape, or is not of the model.
func Load(m model.Model, img model.Image, be backend.Backend, weights map[string]*tensor.Tensor) (*Session, error) {
	st := be.NewState()
	known := map[string]bool{}
	for _, p := range m.Params() {
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
	return New(m, img, be, st), nil
}

// Model is the session's model.
func (s *Session) Model() model.Model { return s.model }

// Image is the shape of its images.
func (s *Session) Image() model.Image { return s.img }

// Latent is Z; 0 if the model has no codes.
func (s *Session) Latent() int {
	switch m := s.model.(type) {
	case model.Decoder:
		return m.Latent()
	case model.Encoder:
		return m.Latent()
	}
	return 0
}

// HasPrior says whether codes drawn from N(0, I) are codes the model was trained
// to decode. A deterministic autoencoder has none: it puts its codes anywhere.
func (s *Session) HasPrior() bool {
	if _, ok := s.model.(model.Decoder); !ok {
		return false
	}
	enc, ok := s.model.(model.Encoder)
	if !ok {
		return true
	}
	f, err := enc.Encode(1)
	return err == nil && len(f.Outputs) > 1
}

// EncodeMeans gives the mean of q(z|x) of each image, and ln σ², which is nil for
// a deterministic model.
//
// images (N, H, W, C) → mean (N, Z), logVar (N, Z).
func (s *Session) EncodeMeans(ctx context.Context, images data.Images) (mean, logVar []float32, err error) {
	enc, ok := s.model.(model.Encoder)
	if !ok {
		return nil, nil, fmt.Errorf("latent: this model has no encoder: it maps codes to images only")
	}
	if err := s.compile(&s.encoder, enc.Encode); err != nil {
		return nil, nil, err
	}
	out, err := s.overImages(ctx, s.encoder, images)
	if err != nil {
		return nil, nil, err
	}
	for i, o := range s.encoder.program.Outputs() {
		switch o.Name {
		case model.OutputMean:
			mean = out[i]
		case model.OutputLogVar:
			logVar = out[i]
		}
	}
	return mean, logVar, nil
}

// Decode gives the mean image of each code.
//
// z (N, Z) → (N, H, W, C) in [0, 1].
func (s *Session) Decode(ctx context.Context, z []float32) ([]float32, error) {
	dec, ok := s.model.(model.Decoder)
	if !ok {
		return nil, fmt.Errorf("latent: this model has no decoder: it maps images to codes only")
	}
	units := dec.Latent()
	if len(z)%units != 0 {
		return nil, fmt.Errorf("latent: %d values are not codes of %d units", len(z), units)
	}
	if err := s.compile(&s.decoder, dec.Decode); err != nil {
		return nil, err
	}
	out, err := s.run(ctx, s.decoder, len(z)/units, func(at, n int, dst []float32) error {
		copy(dst, z[at*units:(at+n)*units])
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// Reconstruct gives each image as the model decodes the mean of its code.
//
// images (N, H, W, C) → (N, H, W, C) in [0, 1].
func (s *Session) Reconstruct(ctx context.Context, images data.Images) ([]float32, error) {
	rec, ok := s.model.(model.Reconstructor)
	if !ok {
		return nil, fmt.Errorf("latent: this model does not reconstruct: it has no encoder")
	}
	if err := s.compile(&s.reproducer, rec.Reconstruct); err != nil {
		return nil, err
	}
	out, err := s.overImages(ctx, s.reproducer, images)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// A task is a compiled function of one input and its operands for a batch.
type task struct {
	program backend.Program
	in, out []*tensor.Tensor
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
	if len(p.Inputs()) != 1 {
		return fmt.Errorf("latent: %s takes %v, want one input", f.Name, p.Inputs())
	}
	made := &task{program: p, in: []*tensor.Tensor{p.Inputs()[0].New()}}
	for _, o := range p.Outputs() {
		made.out = append(made.out, o.New())
	}
	*t = made
	return nil
}

func (s *Session) overImages(ctx context.Context, t *task, images data.Images) ([][]float32, error) {
	if h, w, c := images.Shape(); (model.Image{H: h, W: w, C: c}) != s.img && images.Len() > 0 {
		return nil, fmt.Errorf("latent: images of %dx%dx%d, want %v as the model was built for", h, w, c, s.img)
	}
	index := make([]int32, s.batch)
	return s.run(ctx, t, images.Len(), func(at, n int, dst []float32) error {
		for k := range n {
			index[k] = int32(at + k)
		}
		return data.Floats(ctx, images, index[:n], dst)
	})
}

// run runs t over n rows, a batch at a time. fill writes n rows from row at on; a
// short batch is filled up with zeros, whose results are dropped.
func (s *Session) run(ctx context.Context, t *task, rows int, fill func(at, n int, dst []float32) error) ([][]float32, error) {
	out := make([][]float32, len(t.out))
	for k, o := range t.out {
		out[k] = make([]float32, rows*(o.Size()/s.batch))
	}
	for at := 0; at < rows; at += s.batch {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		n, x := min(s.batch, rows-at), t.in[0].F32()
		if err := fill(at, n, x); err != nil {
			return nil, fmt.Errorf("latent: %w", err)
		}
		clear(x[n*(len(x)/s.batch):])
		if err := t.program.Run(t.in, t.out); err != nil {
			return nil, fmt.Errorf("latent: %w", err)
		}
		for k, o := range t.out {
			width := o.Size() / s.batch
			copy(out[k][at*width:(at+n)*width], o.F32())
		}
	}
	return out, nil
}
