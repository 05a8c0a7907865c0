package latent

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/optim"
)

// S starts of each of N images, in the comments of this file.

// An Inversion sets how Invert searches for the codes of images. Use DefaultInversion.
type Inversion struct {
	Steps  int     // steps of descent, ≥ 1
	Starts int     // S: descents of an image, each from another code, ≥ 1; the best result counts
	Draws  int     // codes drawn from the prior, ≥ S; the starts of an image are those with the nearest pictures
	Rate   float64 // learning rate of Adam in the first step, > 0; it falls to 0 along half a cosine
	// Noise is σ of the pixels, in [0, 1], about the picture of a code: the larger it is,
	// the more the prior N(0, I) counts. With 0 it does not count.
	Noise float64
	Key   rng.Key // of the codes drawn
	// Progress is called after each step with the number of steps done; may be nil.
	Progress func(done, total int)
}

// DefaultInversion returns settings that work for the models of this project.
func DefaultInversion() Inversion {
	return Inversion{Steps: 500, Starts: 4, Draws: 256, Rate: 0.1, Noise: 0.1, Key: rng.New(0).Split("invert")}
}

// validate returns the first setting out of range as an error.
func (o Inversion) validate() error {
	switch {
	case o.Steps < 1 || o.Starts < 1 || o.Draws < o.Starts:
		return fmt.Errorf("latent: inversion by %d steps from %d of %d codes drawn: want one step or more, one start or more, and as many draws", o.Steps, o.Starts, o.Draws)
	case !(o.Rate > 0) || math.IsInf(o.Rate, 0):
		return fmt.Errorf("latent: inversion at a rate of %v: want a number above 0", o.Rate)
	case !(o.Noise >= 0) || math.IsInf(o.Noise, 0):
		return fmt.Errorf("latent: inversion with noise of %v: want 0 or a number above it", o.Noise)
	}
	return nil
}

// Invert finds the codes whose decoded pictures are nearest to images. The model needs a
// decoder, and no encoder. Adam descends from several starts on
//
//	mean over pixels of (x − G(z))² + σ²/(H·W·C) · |z|²
//
// which is −ln p(z | x) for pixels N(G(z), σ²) and codes N(0, I), times 2σ²/(H·W·C):
// Creswell & Bharath, arXiv:1611.01644, eq. 4; by pixels as in Zhu et al., arXiv:1609.03552,
// sec. 3.1. The second term is 0 for a model whose codes are not from N(0, I). If the model
// has an encoder, its mean is one of the starts (Zhu et al., sec. 3.3). The result is the code
// with the smallest sum of all steps.
//
// The descents are independent of each other, so the code of an image does not depend on the
// other images, up to rounding. The parameters are read once, before the first step. It fails
// if the model has no decoder, or if no code of an image has a finite error.
//
// images (N, H, W, C), for a conditional model a data.Labeller → z (N, Z), the decoded
// pictures (N, H, W, C).
func (s *Session) Invert(ctx context.Context, images data.Items, o Inversion) (z, pictures []float32, err error) {
	if s.model.Decode == nil {
		if s.model.Encode == nil {
			return nil, nil, errNoCodes
		}
		return nil, nil, fmt.Errorf("latent: this model has no decoder, so no code has a picture to compare with an image")
	}
	if err := o.validate(); err != nil {
		return nil, nil, err
	}
	if !s.StandardPrior() {
		o.Noise = 0
	}
	n := images.Len()
	if n == 0 {
		return nil, nil, nil
	}
	x, labels, err := s.targets(ctx, images)
	if err != nil {
		return nil, nil, err
	}
	starts, err := s.startCodes(ctx, images, x, labels, o)
	if err != nil {
		return nil, nil, err
	}
	rows := n * o.Starts
	d, err := s.newInverter(min(rows, s.batch), o)
	if err != nil {
		return nil, nil, err
	}
	total := (rows + d.batch - 1) / d.batch * o.Steps
	units := s.model.Latent
	z = make([]float32, n*units)
	best := make([]float64, n)
	for i := range best {
		best[i] = math.Inf(1)
	}
	for at := 0; at < rows; at += d.batch {
		k := min(d.batch, rows-at)
		image := func(r int) int { return min(at+r, rows-1) / o.Starts } // the last image pads a short batch
		for r := range d.batch {
			copy(row(d.z, units, r), row(starts, units, min(at+r, rows-1)))
			copy(row(d.x, s.in.Size(), r), row(x, s.in.Size(), image(r)))
			if labels != nil {
				copy(row(d.labels, s.in.Labels, r), row(labels, s.in.Labels, image(r)))
			}
		}
		if err := d.run(ctx, at/d.batch*o.Steps, total); err != nil {
			return nil, nil, err
		}
		for r := range k {
			if i := image(r); d.least[r] < best[i] {
				best[i] = d.least[r]
				copy(row(z, units, i), row(d.best, units, r))
			}
		}
	}
	for i, l := range best {
		if math.IsInf(l, 1) {
			return nil, nil, fmt.Errorf("latent: no code of image %d has a finite error: lower the rate of %v", i, o.Rate)
		}
	}
	pictures, err = s.DecodeAs(ctx, z, labels)
	return z, pictures, err
}

// targets returns the images and, if the decoder takes labels, their labels.
func (s *Session) targets(ctx context.Context, images data.Items) (x, labels []float32, err error) {
	if item := images.Item(); !item.Equal(s.in.Item) {
		return nil, nil, fmt.Errorf("latent: images of %v, want %v as the model was built for", item, s.in.Item)
	}
	if x, err = data.AllFloats(ctx, images); err != nil {
		return nil, nil, fmt.Errorf("latent: %w", err)
	}
	if k := s.DecodeLabels(); k > 0 {
		index := make([]int32, images.Len())
		for i := range index {
			index[i] = int32(i)
		}
		t := tensor.New(tensor.Float32, len(index), k)
		if err := data.FillLabels(images, index, t); err != nil {
			return nil, nil, fmt.Errorf("latent: %w", err)
		}
		labels = t.F32()
	}
	return x, labels, nil
}

// startCodes returns the codes at which descents start: the mean of the encoder, if there is
// one, and of the codes drawn from the prior those with the nearest pictures, decoded under
// the labels of the image.
//
// x (N, H, W, C), labels (N, K) or nil → (N·S, Z).
func (s *Session) startCodes(ctx context.Context, images data.Items, x, labels []float32, o Inversion) ([]float32, error) {
	n, size, units := images.Len(), s.in.Size(), s.Latent()
	drawn := SamplePrior(o.Key, o.Draws, units)
	var means, pictures []float32
	var err error
	if s.model.Encode != nil {
		if means, _, err = s.EncodeMeans(ctx, images); err != nil {
			return nil, err
		}
	}
	var z []float32
	for i := range n {
		if same := i > 0 && (labels == nil || slices.Equal(row(labels, s.in.Labels, i), row(labels, s.in.Labels, i-1))); !same {
			var all []float32
			if labels != nil {
				all = slices.Repeat(row(labels, s.in.Labels, i), o.Draws)
			}
			if pictures, err = s.DecodeAs(ctx, drawn, all); err != nil {
				return nil, err
			}
		}
		distances := make([]float64, o.Draws)
		order := make([]int, o.Draws)
		for k := range distances {
			distances[k], order[k] = MeanSquared(row(x, size, i), row(pictures, size, k)), k
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(distances[a], distances[b]) })
		from := o.Starts
		if means != nil {
			z = append(z, row(means, units, i)...)
			from--
		}
		for _, k := range order[:from] {
			z = append(z, row(drawn, units, k)...)
		}
	}
	return z, nil
}

// MeanSquared returns the mean of (a − b)² over the values of two images.
func MeanSquared(a, b []float32) float64 {
	sum := 0.0
	for i, v := range a {
		d := float64(v) - float64(b[i])
		sum += d * d
	}
	return sum / float64(len(a))
}

// An inverter is a compiled step of Adam on the codes of a batch of B. It has a state of
// its own: the parameters of the decoder are copied, so that the slots of Adam do not
// stay among them.
type inverter struct {
	Inversion
	batch        int
	runner       *exec.Runner
	call         *exec.Call
	slots        []optim.Slot
	z, x, labels []float32 // operands, (B, …); labels is nil if the decoder takes none
	next, loss   []float32 // results: the codes after the step (B, Z), the loss before it (B)

	best  []float32 // (B, Z), codes of the least loss so far
	least []float64 // (B), that loss
}

// newInverter returns a compiled step for batches of that size.
func (s *Session) newInverter(batch int, o Inversion) (*inverter, error) {
	d := &inverter{Inversion: o, batch: batch, runner: exec.New(s.runner.Backend(), nil)}
	decode, err := s.model.Decode(batch)
	if err != nil {
		return nil, fmt.Errorf("latent: %w", err)
	}
	var f *graph.Func
	failed := graph.Try(func() { f, d.slots, err = o.step(decode, batch, s.in) })
	if err := cmp.Or(failed, err); err != nil {
		return nil, fmt.Errorf("latent: inversion: %w", err)
	}
	var params []string
	for _, n := range decode.States {
		params = append(params, n.Name())
	}
	if err := d.runner.Copy(s.runner, params); err != nil {
		return nil, fmt.Errorf("latent: %w", err)
	}
	p, err := d.runner.Compile(f)
	if err != nil {
		return nil, fmt.Errorf("latent: %w", err)
	}
	d.call = p.NewCall()
	d.z, d.x = d.call.Input(model.InputZ).F32(), d.call.Input(model.InputX).F32()
	if y := d.call.Input(model.InputLabels); y != nil {
		d.labels = y.F32()
	}
	d.next, d.loss = d.call.Output(model.InputZ).F32(), d.call.Output(model.Loss).F32()
	d.best, d.least = make([]float32, len(d.z)), make([]float64, batch)
	return d, nil
}

// step returns a step of Adam on the codes that a decoder takes. z (B,Z), x (B,H,W,C) and the
// other inputs of the decoder → z (B,Z) after the step, and the sum before it (B). The codes
// are an input and an output; only the slots are states.
func (o Inversion) step(decode *graph.Func, batch int, in model.Input) (*graph.Func, []optim.Slot, error) {
	var z, picture *graph.Node
	for _, n := range decode.Inputs {
		if n.Name() == model.InputZ {
			z = n
		}
	}
	for _, out := range decode.Outputs {
		if out.Name == model.OutputPicture {
			picture = out.Value
		}
	}
	if z == nil || picture == nil {
		return nil, nil, fmt.Errorf("%s takes no %s or gives no %s", decode.Name, model.InputZ, model.OutputPicture)
	}
	x := graph.Input(model.InputX, tensor.Float32, in.Batch(batch)...)
	lr := graph.Input(model.InputLR, tensor.Float32)
	loss := graph.Mean(graph.Reshape(graph.Square(graph.Sub(picture, x)), batch, -1), 1)
	if o.Noise > 0 {
		loss = graph.Add(loss, graph.Scale(graph.Sum(graph.Square(z), 1), o.Noise*o.Noise/float64(in.Size())))
	}
	// Adam makes steps of the size of the rate for gradients of any scale far above ε.
	adam := optim.Adam{Name: "inversion", Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-12}
	updates, slots := adam.Update([]*graph.Node{z}, graph.Grad(graph.Sum(loss), z), lr)
	outputs := []graph.Output{{Name: model.Loss, Value: loss}}
	var states []graph.Update
	for _, u := range updates {
		if u.State == z {
			outputs = append(outputs, graph.Output{Name: model.InputZ, Value: u.Value})
		} else {
			states = append(states, u)
		}
	}
	f, err := graph.NewFunc("invert", append(slices.Clone(decode.Inputs), x, lr), outputs, states)
	return f, slots, err
}

// run descends from the codes in z and leaves the best ones in best. done steps of total are
// done before it.
func (d *inverter) run(ctx context.Context, done, total int) error {
	if err := d.runner.SetAll(optim.InitialValues(d.slots)); err != nil {
		return fmt.Errorf("latent: %w", err)
	}
	units := len(d.z) / d.batch
	for r := range d.least {
		d.least[r] = math.Inf(1)
	}
	for step := range d.Steps + 1 { // the last only to measure
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rate := d.Rate * (1 + math.Cos(math.Pi*float64(step)/float64(d.Steps))) / 2
		d.call.Input(model.InputLR).F32()[0] = float32(rate)
		if err := d.call.Run(); err != nil {
			return fmt.Errorf("latent: %w", err)
		}
		for r, l := range d.loss {
			if l := float64(l); l < d.least[r] {
				d.least[r] = l
				copy(row(d.best, units, r), row(d.z, units, r))
			}
		}
		copy(d.z, d.next)
		if d.Progress != nil && step < d.Steps {
			d.Progress(done+step+1, total)
		}
	}
	return nil
}
